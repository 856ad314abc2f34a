"""Figures of our own that have no counterpart: flows set up per second, and a network's start and stop.

Each is measured alone, after the cases.  Read by ``run.py``.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datapath import Client, Vswitchd
from testbed.bench import ovsp4, traffic
from testbed.bench.case import Forwarder
from testbed.bench.ovsp4 import BRIDGE
from testbed.bench.rig import TRAFFIC_CPU
from testbed.generator import Generator
from testbed.measure import Receiver

FLOW_SETUP_S = 0.5
FLOW_SETUP_PPS = 100_000  # offered: several times what is asked for, and not all that the generator can
# Never hit; but to know that, the slow path looks at both ports, so each new pair of ports is a new megaflow.
LOOK_AT_PORTS = ("priority=3000,udp,tp_src=65535,tp_dst=65535,actions=drop",)


@dataclass(frozen=True)
class Extra:
    """A measurement of another kind than packets per second."""

    name: str
    what: str
    measure: Callable[[int], dict[str, Any]]  # takes the number of rounds


def flow_setup(n_rounds: int) -> dict[str, Any]:
    """Measure how many new flows a second are set up and forwarded, when every packet is a miss."""
    with ovsp4.router("auto", LOOK_AT_PORTS) as (forwarder, switch):
        rounds = [_set_up_flows(forwarder, switch) for _ in range(n_rounds)]
    flows_per_s = statistics.median(r["flows_per_s"] for r in rounds)
    return {
        "flows_per_s": round(flows_per_s),
        "packets": sum(r["packets"] for r in rounds),
        "topology": "sender - bridge - receiver, two veth pairs",
        **forwarder.details,
    }


def _set_up_flows(forwarder: Forwarder, switch: Vswitchd) -> dict[str, float]:
    """Run one round: all ports different, from an empty cache."""
    client: Client = switch.client
    client.del_flows(BRIDGE)
    client.add_flows(BRIDGE, [*traffic.router_flows(), *LOOK_AT_PORTS])
    before = client.stats(BRIDGE)
    rig = forwarder.rig
    with (
        Receiver(rig.receiver, "rx") as receiver,
        Generator(
            rig.sender, "tx", forwarder.templates, vary_offset=traffic.L4_PORTS_OFFSET, cpu=TRAFFIC_CPU
        ) as generator,
    ):
        generator.start(duration_s=FLOW_SETUP_S, rate_pps=FLOW_SETUP_PPS)
        generator.wait()
        seen = receiver.settle(quiet_s=0.1)
    made = client.stats(BRIDGE)["upcalls"] - before["upcalls"]
    return {"flows_per_s": min(made, seen.n_packets) * 1e9 / (seen.last_ns - seen.first_ns), "packets": seen.n_packets}


EXTRAS = (Extra("ovsp4-flow-setup", "new flows a second, every packet a miss", flow_setup),)
