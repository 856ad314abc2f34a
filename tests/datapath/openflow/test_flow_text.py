"""Whole flows and their actions; everything wrong with a text is reported at once."""

from __future__ import annotations

import pytest

from datapath.errors import FlowError
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.flow_text import format_flow, parse_filter, parse_flow, parse_flows, read_flow_lines
from datapath.slowpath.model import PORT_FLOOD, DecTtl, Flow, Output, SetField, ToController, ToGroup

PORTS = {"s1-eth1": 1, "s1-eth2": 2}


def actions_of(text: str, registry: FieldRegistry, match: str = "") -> str:
    """Return the canonical actions of a flow text."""
    return format_flow(parse_flow(f"{match} actions={text}", registry, PORTS), registry).partition("actions=")[2]


def test_attributes(registry: FieldRegistry) -> None:
    flow = parse_flow(
        "table=3, priority=7 cookie=0x1f,idle_timeout=10,hard_timeout=20,ip,actions=output:2,goto_table:4", registry
    )
    assert flow == Flow(parse_flow("ip,actions=drop", registry).match, (Output(2),), 3, 7, 4, 0x1F, 10, 20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drop", "drop"),
        ("2", "output:2"),
        ("output:2", "output:2"),
        ("output:s1-eth2", "output:2"),
        ("s1-eth2", "output:2"),
        ("flood", "flood"),
        ("FLOOD", "flood"),
        ("output:all", "all"),
        ("in_port", "in_port"),
        ("controller", "controller"),
        ("CONTROLLER:65535", "controller"),
        ("controller(max_len=128)", "controller:128"),
        ("group:5", "group:5"),
        ("goto_table:1", "goto_table:1"),
        ("output:1,resubmit(,3)", "output:1,goto_table:3"),
        ("set_field:10.0.0.1->ipv4.dstAddr", "set_field:10.0.0.1->ipv4.dstAddr"),
        ("set_field:10.0.0.1->nw_dst", "set_field:10.0.0.1->ipv4.dstAddr"),
        ("set_field:10.0.0.1->ip_dst", "set_field:10.0.0.1->ipv4.dstAddr"),
        ("set_field:10.0.0.0/8->ipv4.dstAddr", "set_field:10.0.0.0/8->ipv4.dstAddr"),
        ("set_field:2001:db8::1->ipv6.dstAddr", "set_field:2001:db8::1->ipv6.dstAddr"),
        ("set_field:0x100a->vlan_vid", "set_field:10->vlan[0].vid"),
        ("set_field:7->shim.tenant", "set_field:7->shim.tenant"),
        ("load:0x7->shim.tenant[4..7]", "set_field:0x70/0xf0->shim.tenant"),
        ("load:5->vlan[0].vid", "set_field:5->vlan[0].vid"),
        ("load:5->vlan[0].vid[0..3]", "set_field:0x5/0xf->vlan[0].vid"),
        ("mod_dl_dst:00:00:00:00:00:09", "set_field:00:00:00:00:00:09->ethernet.dstAddr"),
        ("mod_nw_src:1.2.3.4", "set_field:1.2.3.4->ipv4.srcAddr"),
        ("mod_vlan_vid:4", "set_field:4->vlan[0].vid"),
        ("dec_ttl", "dec_ttl(ipv4.ttl),dec_ttl(ipv6.hopLimit)"),
        ("dec_ttl(ipv6.hopLimit)", "dec_ttl(ipv6.hopLimit)"),
        ("dec_ttl(shim.hops)", "dec_ttl(shim.hops)"),
    ],
)
def test_actions(registry: FieldRegistry, text: str, expected: str) -> None:
    assert actions_of(text, registry) == expected
    assert actions_of(expected, registry) == expected


def test_the_match_decides_what_an_action_means(registry: FieldRegistry) -> None:
    assert actions_of("dec_ttl", registry, "nw_dst=10.0.0.1") == "dec_ttl(ipv4.ttl)"
    assert actions_of("dec_ttl", registry, "ipv6") == "dec_ttl(ipv6.hopLimit)"
    assert actions_of("mod_tp_dst:8080", registry, "udp") == "set_field:8080->udp.dstPort"
    assert actions_of("mod_nw_tos:0xff", registry, "ip") == "set_field:0xfc/0xfc->ipv4.diffserv"


def test_actions_name_the_header_that_they_edit(registry: FieldRegistry) -> None:
    flow = parse_flow("ip actions=dec_ttl,mod_nw_dst:1.2.3.4,controller(max_len=9),group:1,flood", registry)
    ttl, dst = registry.fields["ipv4.ttl"], registry.fields["ipv4.dstAddr"]
    assert flow.actions == (
        DecTtl(ttl.offset_bits, "ipv4"),
        SetField(dst.offset_bits, 32, 0x01020304, 0xFFFFFFFF, "ipv4"),
        ToController(9),
        ToGroup(1),
        Output(PORT_FLOOD),
    )


@pytest.mark.parametrize(
    ("text", "fault", "hint"),
    [
        ("actions=ouput:2", "ouput", "did you mean output"),
        ("actions=output:s1-eth9", "s1-eth9", "s1-eth1, s1-eth2"),
        ("actions=output:1024", "1024", "1 to 1023"),
        ("actions=drop,output:1", "drop", "drop stands alone"),
        ("actions=", "", "actions=drop"),
        ("in_port=1", "", "actions missing"),
        ("actions=normal", "normal", "no MAC learning"),
        ("actions=push_vlan:0x8100", "push_vlan", "unsupported"),
        ("actions=set_field:1", "1", "set_field:VALUE->FIELD"),
        ("actions=set_field:1->quux", "quux", "legal: "),
        ("actions=set_field:300->ipv4.ttl", "300", "does not fit 8 bits"),
        ("actions=set_field:1->in_port", "in_port", "cannot be set"),
        ("actions=set_field:1->vlan[0].$valid", "vlan[0].$valid", "cannot be set"),
        ("actions=load:1->ipv4.ttl[3..9]", "ipv4.ttl[3..9]", "bits 0 to 7"),
        ("actions=mod_tp_dst:80", "mod_tp_dst", "tcp.dstPort or udp.dstPort"),
        ("actions=dec_ttl(ipv4.dstAddr)", "ipv4.dstAddr", "not an 8-bit field"),
        ("actions=group:x", "x", "group:NUMBER"),
        ("table=1,actions=goto_table:1", "goto_table:1", "forward"),
        ("actions=goto_table:1,output:2", "goto_table:1", "last"),
        ("actions=goto_table:300", "300", "at most 253"),
        ("table=254,actions=drop", "254", "up to 253"),
        ("priority=x,actions=drop", "x", "up to 65535"),
        ("priority=1,priority=2,actions=drop", "priority=2", "twice"),
        ("out_port=1,actions=drop", "out_port=1", "selects flows"),
    ],
)
def test_faults_have_a_caret_and_a_remedy(registry: FieldRegistry, text: str, fault: str, hint: str) -> None:
    with pytest.raises(FlowError) as caught:
        parse_flow(text, registry, PORTS)
    message = str(caught.value)
    assert hint in message
    if fault:
        lines = message.splitlines()
        at = next(i for i, part in enumerate(lines) if part.strip() == text)
        start = lines[at + 1].index("^")
        pointed = lines[at][start : len(lines[at + 1])]
        assert pointed == fault or (hint.startswith("tcp.") and fault.startswith(pointed))


def test_all_faults_of_all_texts_are_reported(registry: FieldRegistry) -> None:
    with pytest.raises(FlowError) as caught:
        parse_flows(["quux=1,nw_dst=1.2.3,actions=ouput:2", "actions=drop", "ip,actions=group:z"], registry)
    message = str(caught.value)
    assert message.count("^") == 4
    for fault in ("no such field", "not an IPv4 address", "no such action", "group:NUMBER"):
        assert fault in message


def test_reading_ends_where_nobody_would_read_on(registry: FieldRegistry) -> None:
    """A file of something else than flows must not keep the switch busy with a suggestion for each line."""
    with pytest.raises(FlowError) as caught:
        parse_flows([f"quux{i}=1,actions=drop" for i in range(100_000)], registry)
    assert "quux19" in str(caught.value)
    assert "quux20" not in str(caught.value)
    assert str(caught.value).endswith("what stands behind this was not read")
    with pytest.raises(FlowError, match="what stands behind this was not read"):
        parse_flow(",".join(f"quux{i}=1" for i in range(100_000)) + ",actions=drop", registry)


def test_a_dumped_flow_can_be_added_again(registry: FieldRegistry) -> None:
    dumped = " cookie=0x5, duration=3.2s, table=0, n_packets=4, n_bytes=400, priority=9,ip actions=output:1"
    assert format_flow(parse_flow(dumped, registry), registry) == (
        "cookie=0x5,table=0,priority=9,ipv4,actions=output:1"
    )


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", {0, 1, 2}),
        ("table=1", {2}),
        ("ip", {0, 1}),
        ("nw_dst=10.0.0.0/8", {0, 1}),
        ("nw_dst=10.1.0.0/16", {1}),
        ("nw_dst=10.1.2.0/24", set()),
        ("cookie=0x10/0xf0", {1, 2}),
        ("cookie=0x11/-1", {1}),
        ("out_port=2", {0}),
        ("out_port=s1-eth2", {0}),
        ("out_group=7", {1}),
    ],
)
def test_filters(registry: FieldRegistry, text: str, selected: set[int]) -> None:
    flows = parse_flows(
        [
            "nw_dst=10.0.0.0/8,priority=5,actions=output:2",
            "cookie=0x11,nw_dst=10.1.0.0/16,actions=group:7",
            "cookie=0x12,table=1,in_port=1,actions=drop",
        ],
        registry,
    )
    chosen = parse_filter(text, registry, PORTS)
    assert {i for i, flow in enumerate(flows) if chosen.selects(flow)} == selected


def test_a_strict_filter_selects_the_very_flow(registry: FieldRegistry) -> None:
    flow = parse_flow("nw_dst=10.0.0.0/8,priority=5,actions=output:2", registry)
    assert parse_filter("nw_dst=10.0.0.0/8,priority=5", registry).selects(flow, strict=True)
    assert not parse_filter("nw_dst=10.0.0.0/8", registry).selects(flow, strict=True)
    assert not parse_filter("ip,priority=5", registry).selects(flow, strict=True)


def test_a_filter_has_no_actions(registry: FieldRegistry) -> None:
    with pytest.raises(FlowError, match="selected by match"):
        parse_filter("ip,actions=drop", registry)


def test_flow_files_have_comments_and_blank_lines() -> None:
    assert read_flow_lines(["# all\n", "\n", "ip,actions=drop # none\n"]) == ["ip,actions=drop"]
