"""Figures of our own that have no counterpart: flows set up per second, and a network's start and stop.

Each is measured alone, after the cases.  Read by ``run.py``.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import topologies
from datapath import Client, SwitchError
from testbed.bench import ovsp4, traffic
from testbed.bench.case import Forwarder
from testbed.bench.ovsp4 import BRIDGE
from testbed.bench.rig import TRAFFIC_CPU
from testbed.bench.scratch_folder import scratch_folder
from testbed.generator import Generator
from testbed.measure import Receiver
from testbed.network import Network

LEAF_SPINE = "leaf-spine"
REACHABLE_TIMEOUT_S = 30.0
CACHE_VARIABLE = "OVSP4_CACHE_DIR"
FLOW_SETUP_N = 60_000  # packets; fewer than the 65,536 megaflows that a bridge keeps
FLOW_SETUP_PPS = 150_000  # offered: several times what is asked for, and not all that the generator can
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
    rounds = []
    for _ in range(n_rounds):  # a new switch each time: its cache is empty
        with ovsp4.router("auto", LOOK_AT_PORTS) as (forwarder, switch):
            rounds.append(_set_up_flows(forwarder, switch.client))
            details = forwarder.details
    return {
        "flows_per_s": round(statistics.median(r["flows_per_s"] for r in rounds)),
        "offered_pps": FLOW_SETUP_PPS,
        "n_flows": sum(r["n_flows"] for r in rounds),
        "topology": "sender - bridge - receiver, two veth pairs",
        **details,
    }


def _set_up_flows(forwarder: Forwarder, client: Client) -> dict[str, float]:
    """Send packets of which no two have the same ports; what arrives was a flow of its own."""
    rig = forwarder.rig
    with (
        Receiver(rig.receiver, "rx") as receiver,
        Generator(
            rig.sender, "tx", forwarder.templates, vary_offset=traffic.L4_PORTS_OFFSET, cpu=TRAFFIC_CPU
        ) as generator,
    ):
        generator.start(n_packets=FLOW_SETUP_N, rate_pps=FLOW_SETUP_PPS)
        generator.wait()
        seen = receiver.settle(quiet_s=0.1)
    n_megaflows = client.stats(BRIDGE)["megaflows"]
    if n_megaflows < seen.n_packets:
        raise SwitchError(f"{seen.n_packets} packets were forwarded, but only {n_megaflows} flows set up for them")
    return {"flows_per_s": seen.pps, "n_flows": n_megaflows}


def leaf_spine(n_rounds: int) -> dict[str, Any]:
    """Measure a leaf-spine network (2 spines, 4 leaves, 8 hosts): from start to all pairs reachable, and its stop.

    The first start has an empty cache, so that everything is compiled; the others find it filled.
    """
    cold, warm = [], []
    with scratch_folder() as directory, _cache_in(directory):
        cold.append(_start_and_stop())
        warm += [_start_and_stop() for _ in range(max(1, n_rounds))]
    return {
        "start_cold_s": round(cold[0][0], 3),
        "start_warm_s": round(statistics.median(start for start, _ in warm), 3),
        "stop_s": round(statistics.median(stop for _, stop in warm), 3),
        "topology": LEAF_SPINE,
    }


def _start_and_stop() -> tuple[float, float]:
    """Return the seconds until all pairs of hosts reach each other, and the seconds of the stop."""
    begin = time.monotonic()
    network = Network.start(topologies.load(LEAF_SPINE))
    try:
        network.wait_reachable(REACHABLE_TIMEOUT_S)
        reachable = time.monotonic()
    finally:
        network.stop()
    return reachable - begin, time.monotonic() - reachable


@contextmanager
def _cache_in(directory: Path) -> Iterator[None]:
    """Use another cache directory for a while; child processes inherit it."""
    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ[CACHE_VARIABLE]
        else:
            os.environ[CACHE_VARIABLE] = before


EXTRAS = (
    Extra("ovsp4-flow-setup", "new flows a second, every packet a miss", flow_setup),
    Extra("leaf-spine", "seconds from start until all of 8 hosts reach each other, and of the stop", leaf_spine),
)
