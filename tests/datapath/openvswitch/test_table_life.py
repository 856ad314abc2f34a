"""How flows live and are shown: replacing, deleting, timeouts, counters and the text of dump-flows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping

import pytest
from open_vswitch import OpenVSwitch, OvsError, parse_dump
from our_switch import OurSwitch
from test_same_flows import PACKETS

from datapath.cli.switch import add_verbs
from datapath.errors import FlowError

pytestmark = [pytest.mark.kernel, pytest.mark.network]

UDP4, ARP_REQUEST = (1, bytes(PACKETS["udp4"])), (1, bytes(PACKETS["arp"]))
FLOWS = [
    "cookie=7,priority=9,ip,nw_dst=10.0.0.0/8,actions=output:2",
    "cookie=8,priority=9,ip,nw_dst=10.1.0.0/16,actions=output:3",
    "priority=1,ip,actions=output:2",
    "arp,actions=flood",
    "table=1,ip,actions=output:4",
    "table=2,actions=drop",
]


def dumps(ovs: OpenVSwitch, ours: OurSwitch, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return what both print for ``dump-flows``, without headings, in a fixed order."""
    ovs.forget_megaflows()
    parser = argparse.ArgumentParser()
    add_verbs(parser.add_subparsers())
    options = parser.parse_args(["dump-flows", "--network", ours.client.name or "", "afxdp"])
    assert options.run(options) == 0
    theirs = [line for line in ovs.ofctl("dump-flows", "br0").splitlines() if line.startswith(" ")]
    return "\n".join(sorted(theirs)), "\n".join(sorted(capsys.readouterr().out.splitlines()))


def summary(text: str) -> list[Mapping[str, str]]:
    """Return the flows of a dump by what is comparable: all that is not the match, the actions or a time."""
    names = ("cookie", "table", "n_packets", "n_bytes", "idle_timeout", "hard_timeout", "priority")
    flows = [{name: flow[name] for name in names if name in flow} for flow in parse_dump(text)]
    return sorted(flows, key=lambda flow: sorted(flow.items()))


@pytest.fixture
def loaded(ovs: OpenVSwitch, ours: OurSwitch) -> Iterator[None]:
    ovs.load(FLOWS)
    ours.load(FLOWS)
    yield
    ovs.load([])
    ours.load([])


def test_dump_flows_can_be_parsed_by_the_same_scripts(
    ovs: OpenVSwitch, ours: OurSwitch, loaded: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for switch in (ovs, ours):
        switch.forward([UDP4, UDP4, ARP_REQUEST])
    theirs, printed = dumps(ovs, ours, capsys)
    assert summary(printed) == summary(theirs)
    assert sum(int(flow["n_packets"]) for flow in summary(printed)) == 3
    for line in printed.splitlines():  # in this order, with these separators
        order = ("cookie", "duration", "table", "n_packets", "n_bytes")
        assert line.startswith(" cookie=0x")
        assert [part.partition("=")[0] for part in line[1:].split(", ")[:5]] == list(order)
        assert line.split(", ")[1].endswith("s")
    assert any(line.endswith(", actions=drop") for line in theirs.splitlines())
    assert any(line.endswith(", actions=drop") for line in printed.splitlines())


def test_adding_the_same_match_and_priority_replaces_and_counts_anew(
    ovs: OpenVSwitch, ours: OurSwitch, loaded: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for switch in (ovs, ours):
        switch.forward([UDP4])
    again = "cookie=9,priority=9,ip,nw_dst=10.0.0.0/8,actions=output:3"
    ovs.ofctl("add-flow", "br0", again, protocol="OpenFlow10")  # ovs-ofctl's default
    for engine in ours.ENGINES:
        ours.client.add_flows(engine, [again])
    theirs, printed = dumps(ovs, ours, capsys)
    assert summary(printed) == summary(theirs)
    assert sum(int(flow["n_packets"]) for flow in summary(printed)) == 0
    assert ours.forward([UDP4]) == ovs.forward([UDP4]) == [(3, UDP4[1])]


@pytest.mark.parametrize(
    ("text", "strict"),
    [
        ("", False),
        ("ip", False),
        ("ip", True),
        ("priority=1,ip", True),
        ("priority=9,ip,nw_dst=10.0.0.0/8", True),
        ("ip,nw_dst=10.0.0.0/8", False),
        ("ip,nw_dst=10.0.0.0/7", False),
        ("ip,nw_dst=10.1.2.0/24", False),
        ("table=1", False),
        ("table=0,ip", False),
        ("cookie=7/-1", False),
        ("cookie=8/8", False),
        ("cookie=8/8,ip", False),
        ("out_port=2", False),
        ("arp,out_port=2", False),
        ("udp", False),
    ],
)
def test_deleting(
    ovs: OpenVSwitch, ours: OurSwitch, loaded: None, capsys: pytest.CaptureFixture[str], text: str, strict: bool
) -> None:
    ovs.ofctl(*(["--strict"] if strict else []), "del-flows", "br0", text)
    for engine in ours.ENGINES:
        ours.client.del_flows(engine, text, strict)
    theirs, printed = dumps(ovs, ours, capsys)
    assert summary(printed) == summary(theirs)


def test_timeouts(ovs: OpenVSwitch, ours: OurSwitch) -> None:
    """Open vSwitch's clock is turned, ours runs."""
    flows = [
        "idle_timeout=1,ip,actions=2",
        "hard_timeout=1,arp,actions=2",
        "hard_timeout=60,ipv6,actions=2",
        "actions=3",
    ]
    ours.load(flows)
    started = time.monotonic()
    ovs.load(flows)
    for _ in range(4):
        ovs.appctl("time/warp", "1000")
    while any(len(ours.client.dump_flows(engine)) > 2 for engine in ours.ENGINES):
        assert time.monotonic() - started < 6
        time.sleep(0.05)
    assert time.monotonic() - started >= 1
    assert len(parse_dump(ovs.ofctl("dump-flows", "br0"))) == len(ours.client.dump_flows("xdp")) == 2
    assert ovs.forward([UDP4, ARP_REQUEST]) == ours.forward([UDP4, ARP_REQUEST])


@pytest.mark.parametrize(
    "flow",
    [
        "nw_dts=10.0.0.1,actions=output:2",
        "ip,actions=ouput:2",
        "ip,actions=output:2,drop",
        "ip,actions=goto_table:1,output:2",
        "table=1,ip,actions=goto_table:1",
        "ip,nw_dst=10.0.0.1",
        "priority=70000,ip,actions=output:2",
        "ip,actions=set_field:1->nw_dts",
        "dl_dst=02:00:00:00:00,actions=output:2",
        "ip,actions=group:4294967295",
    ],
)
def test_both_refuse(ovs: OpenVSwitch, ours: OurSwitch, flow: str) -> None:
    with pytest.raises(OvsError):
        ovs.ofctl("add-flow", "br0", flow)
    with pytest.raises(FlowError):
        ours.client.add_flows("xdp", [flow])
