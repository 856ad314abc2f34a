"""The cases of our own engines, through ``vswitchd`` as any user has them.

Each bench run starts a ``vswitchd`` of its own, whose fabric namespace is the rig's device.  Read by ``cases.py`` and
``flow_setup.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from datapath import NotSupportedError, Vswitchd, start_vswitchd
from testbed.bench import traffic
from testbed.bench.case import Forwarder
from testbed.bench.rig import SWITCH_CPU, Rig
from testbed.namespaces import Namespace

BRIDGE = "s1"
PROGRAM = "l2l3"


@contextmanager
def xdp() -> Iterator[Forwarder]:
    """Our engine in the kernel."""
    with router("xdp") as (forwarder, _):
        forwarder.details["xdp_mode"] = "native"
        yield forwarder


@contextmanager
def afxdp() -> Iterator[Forwarder]:
    """Our engine in userspace."""
    with router("afxdp") as (forwarder, _):
        forwarder.details["xdp_mode"] = "native, copy"
        yield forwarder


@contextmanager
def router(engine: str, extra_flows: tuple[str, ...] = ()) -> Iterator[tuple[Forwarder, Vswitchd]]:
    """Start a ``vswitchd`` with one bridge that routes between the rig's ports.

    Args:
        engine: "xdp", "afxdp" or "auto".
        extra_flows: Put on the bridge beside the router's.

    Raises:
        NotSupportedError: The engine cannot run here.
    """
    with ExitStack() as stack:
        switch = stack.enter_context(start_vswitchd(f"bench-{engine}-{os.getpid()}", log_file=os.devnull))
        rig = stack.enter_context(Rig(Namespace.of(switch.pid)))
        client = switch.client
        answer = client.add_bridge(BRIDGE, PROGRAM, datapath=engine)
        if engine not in ("auto", answer["engine"]):
            raise NotSupportedError(f"the {engine} engine", answer["reason"])
        for number, port in ((1, "p1"), (2, "p2")):
            client.add_port(BRIDGE, port, number)
        client.add_flows(BRIDGE, [*traffic.router_flows(), *extra_flows])
        pin_threads(switch.pid, SWITCH_CPU)

        def inspect() -> dict[str, int]:
            stats = client.stats(BRIDGE)
            return {"n_megaflows": stats["megaflows"], "n_masks": stats["engine"]["n_masks"]}

        details = {"program": f"{PROGRAM}.p4", "engine": answer["engine"]}
        yield Forwarder(rig, details=details, inspect=inspect), switch


def pin_threads(pid: int, cpu: int) -> None:
    """Keep all threads of a process on one CPU, those that it starts later too."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(task.name), {cpu})
