"""Open vSwitch and our switch, side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from open_vswitch import OpenVSwitch, missing
from our_switch import OurSwitch

from datapath.vswitchd.launch import start_vswitchd

N_PORTS = 4
Sent = list[tuple[int, bytes]]


@pytest.fixture(scope="session")
def ovs() -> Iterator[OpenVSwitch]:
    """Open vSwitch; skips where it is not installed."""
    why = missing()
    if why:
        pytest.skip(why)
    with OpenVSwitch(N_PORTS) as switch:
        yield switch


@pytest.fixture(scope="session")
def ours(ovs: OpenVSwitch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OurSwitch]:
    """Our switch, both engines."""
    log = tmp_path_factory.mktemp("ours") / "vswitchd.log"
    with start_vswitchd(f"openvswitch-{os.getpid()}", log) as daemon:
        switch = OurSwitch(daemon, N_PORTS)
        yield switch
        switch.close()
        assert daemon.is_alive, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def both(ovs: OpenVSwitch, ours: OurSwitch) -> Callable[..., tuple[Sent, Sent]]:
    """Run the same flows, groups and packets through both: what Open vSwitch sends, what ours sends, both sorted."""

    def run(flows: Sequence[str], packets: Sequence[Any], groups: Sequence[str] = ()) -> tuple[Sent, Sent]:
        numbered = [(1, bytes(p)) if not isinstance(p, tuple) else (p[0], bytes(p[1])) for p in packets]
        ovs.load(flows, groups)
        ours.load(flows, groups)
        return sorted(ovs.forward(numbered)), sorted(ours.forward(numbered))

    return run
