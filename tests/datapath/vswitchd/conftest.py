"""A daemon for each test that asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric_wires import Wires

from datapath.vswitchd.launch import Vswitchd, start_vswitchd


@pytest.fixture
def switch(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Vswitchd]:
    """A daemon of its own; the test fails if it dies or has written a traceback."""
    if os.geteuid():
        pytest.skip("needs root: network namespaces, XDP and AF_XDP")
    log = tmp_path / "vswitchd.log"
    with start_vswitchd(f"test-{os.getpid()}", log) as switch:
        yield switch
        assert switch.is_alive, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def wires(switch: Vswitchd) -> Iterator[Wires]:
    """Three hosts, on interfaces that are no ports yet."""
    wires = Wires(switch, 3)
    yield wires
    wires.close()


@pytest.fixture(params=["xdp", "afxdp"])
def bridge(switch: Vswitchd, wires: Wires, request: pytest.FixtureRequest) -> str:
    """A bridge with ports 1, 2 and 3, on each engine."""
    switch.client.add_bridge("br1", "l2l3", request.param)
    for number in (1, 2, 3):
        switch.client.add_port("br1", f"s{number}", number)
    return "br1"
