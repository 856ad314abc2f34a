"""Matches: values in every notation, the names that stand for fields, and which header they mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from handmade_layouts import ETHERNET, ICMP, IPV4, SHIM, TCP, VLAN

from datapath.errors import FlowError
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.flow_text import format_flow, parse_flow
from datapath.slowpath.model import Match


def match_of(text: str, registry: FieldRegistry) -> Match:
    return parse_flow(f"{text},actions=drop", registry).match


def canonical(text: str, registry: FieldRegistry) -> str:
    """Return the match part of a flow's canonical text."""
    flow = parse_flow(f"{text},actions=drop", registry)
    return format_flow(flow, registry).removeprefix("table=0,priority=32768").removesuffix(",actions=drop").strip(",")


def test_a_field_is_put_where_the_layout_says_with_its_headers_validity(registry: FieldRegistry) -> None:
    match = match_of("ipv4.dstAddr=10.0.0.0/8", registry)
    header = registry.layout.header("ipv4")
    start = header.key_offset + 16
    expected_mask = bytearray(registry.layout.key_size)
    expected_mask[start] = 0xFF
    expected_mask[8] = 0x80 >> header.header_id
    expected_key = bytearray(registry.layout.key_size)
    expected_key[start] = 10
    expected_key[8] = 0x80 >> header.header_id
    assert match == Match(bytes(expected_key), bytes(expected_mask))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in_port=3", "in_port=3"),
        ("parser_error=PacketTooShort", "parser_error=PacketTooShort"),
        (
            "ethernet.dstAddr=aa:bb:cc:dd:ee:ff/ff:ff:ff:00:00:00",
            "ethernet.dstAddr=aa:bb:cc:00:00:00/ff:ff:ff:00:00:00",
        ),
        ("ethernet.dstAddr=0x1", "ethernet.dstAddr=00:00:00:00:00:01"),
        ("ipv4.dstAddr=10.1.2.3/255.255.0.0", "ipv4.dstAddr=10.1.0.0/16"),
        ("ipv4.dstAddr=10.0.0.3/255.0.0.255", "ipv4.dstAddr=10.0.0.3/255.0.0.255"),
        ("ipv4.dstAddr=0x0a000001", "ipv4.dstAddr=10.0.0.1"),
        ("ipv4.dstAddr=10.0.0.0/0", "ipv4"),
        ("ipv6.srcAddr=2001:db8::/32", "ipv6.srcAddr=2001:db8::/32"),
        ("tcp.dstPort=80", "tcp.dstPort=80"),
        ("tcp.dstPort=0x50/0xf0", "tcp.dstPort=0x50/0xf0"),
        ("shim.tenant=7", "shim.tenant=7"),
        ("vlan[0].$valid=1", "vlan[0]"),
        ("vlan[0].$valid=0", "vlan[0].$valid=0"),
        ("vlan[1]", "vlan[1]"),
        ("vlan", "vlan[0]"),
        ("ip", "ipv4"),
        ("nw_dst=10.0.0.1", "ipv4.dstAddr=10.0.0.1"),
        ("dl_dst=ff:ff:ff:ff:ff:ff", "ethernet.dstAddr=ff:ff:ff:ff:ff:ff"),
        ("dl_type=0x0800", "ipv4"),
        ("eth_src=00:00:00:00:00:01", "ethernet.srcAddr=00:00:00:00:00:01"),
        ("ipv6,nw_proto=6", "ipv6.nextHdr=6"),
        ("ip,nw_proto=6", "ipv4.protocol=6"),
        ("dl_type=0x88cc", "ethernet.etherType=0x88cc"),
        ("ethernet.etherType=0x0800", "ethernet.etherType=0x800"),
        ("dl_type=0x86dd,nw_proto=17", "ipv6.nextHdr=17"),
        ("dl_type=0x800,nw_proto=6,tp_dst=80", "ipv4.protocol=6,tcp.dstPort=80"),
        ("udp,tp_src=53", "udp.srcPort=53"),
        ("tcp6", "ipv6,tcp"),
        ("ip,nw_tos=0x21", "ipv4.diffserv=0x20/0xfc"),
        ("ip,ip_dscp=8", "ipv4.diffserv=0x20/0xfc"),
        ("ip,nw_ecn=3", "ipv4.diffserv=0x3/0x3"),
        ("ip_frag=no", "ipv4.flags=0x0/0x1,ipv4.fragOffset=0"),
        ("ip_frag=not_later", "ipv4.fragOffset=0"),
        ("tcp_flags=+syn-ack", "tcp.ctrl=0x2/0x12"),
        ("dl_vlan=10", "vlan[0].vid=10"),
        ("dl_vlan=0xffff", "vlan[0].$valid=0"),
        ("vlan_vid=0x100a", "vlan[0].vid=10"),
        ("vlan_tci=0", "vlan[0].$valid=0"),
        ("vlan_tci=0x100a/0x1fff", "vlan[0].vid=10"),
        ("vlan_tci=0x1000/0x1000", "vlan[0]"),
        ("arp,nw_proto=1,nw_src=10.0.0.1,nw_dst=10.0.0.0/8", "arp.op=1,arp.spa=10.0.0.1,arp.tpa=10.0.0.0/8"),
        ("dl_type=0x806,nw_src=10.0.0.1", "arp.spa=10.0.0.1"),
        ("arp,arp_op=1,arp_tpa=10.0.0.0/24", "arp.op=1,arp.tpa=10.0.0.0/24"),
        ("icmp_type=8", "icmp.type=8"),
        ("icmpv6_type=128", "icmpv6.type=128"),
        ("icmp6,nw_ttl=255", "ipv6.hopLimit=255,icmpv6"),
        ("icmp,nw_ttl=255", "ipv4.ttl=255,icmp"),
    ],
)
def test_notations_and_names(registry: FieldRegistry, text: str, expected: str) -> None:
    assert canonical(text, registry) == expected
    assert match_of(expected, registry) == match_of(text, registry)


def test_an_interfaces_name_is_a_port(registry: FieldRegistry) -> None:
    flow = parse_flow("in_port=s1-eth2,actions=output:s1-eth1", registry, {"s1-eth1": 1, "s1-eth2": 2})
    assert format_flow(flow, registry) == "table=0,priority=32768,in_port=2,actions=output:1"


def test_headers_that_share_a_slot_are_told_apart(shared_registry: FieldRegistry) -> None:
    assert canonical("udp.dstPort=53", shared_registry) == "udp.dstPort=53"
    assert canonical("tcp.dstPort=53", shared_registry) == "tcp.dstPort=53"
    assert canonical("ipv6.srcAddr=2001:db8::1", shared_registry) == "ipv6.srcAddr=2001:db8::1"


@pytest.mark.parametrize(
    ("text", "fault", "hint"),
    [
        ("tp_dst=80", "tp_dst", "tcp,tp_dst"),
        ("nw_proto=6", "nw_proto", "ipv4.protocol or ipv6.nextHdr"),
        ("ipv4.dst=10.0.0.1", "ipv4.dst", "dstAddr"),
        ("ipv4.dstAdr=10.0.0.1", "ipv4.dstAdr", "did you mean dstAddr?"),
        ("dstAddr=10.0.0.1", "dstAddr", "did you mean ethernet.dstAddr or ipv4.dstAddr or ipv6.dstAddr?"),
        ("hdr.ipv4.ttl=1", "hdr.ipv4.ttl", "did you mean ipv4.ttl?"),
        ("standard_metadata.ingress_port=1", "standard_metadata.ingress_port", "did you mean in_port?"),
        ("ipv4.isValid()", "ipv4.isValid()", "a header's name alone"),
        ("nw_dts=10.0.0.1", "nw_dts", "nw_dst"),
        ("quux=1", "quux", "shim.{$valid,version,flags,hops,tenant,slice,nextType}"),
        ("ipv4.dstAddr=10.0.0", "10.0.0", "four decimal bytes"),
        ("ipv4.dstAddr=10.0.0.0/33", "10.0.0.0/33", "at most 32 bits"),
        ("ethernet.dstAddr=aa:bb", "aa:bb", "six hexadecimal bytes"),
        ("ipv6.srcAddr=::1::", "::1::", "not an IPv6 address"),
        ("tcp.dstPort=65536", "65536", "at most 0xffff"),
        ("tcp.dstPort=0x5000/4", "0x5000/4", "write /0xf000 for a prefix of 4, or /0x4"),
        ("tcp.dstPort=http", "http", "decimal or 0x number"),
        ("tcp.dstPort", "tcp.dstPort", "tcp.dstPort=VALUE"),
        ("in_port=s9-eth1", "s9-eth1", "not a port number"),
        ("in_port=0", "0", "1 to 1023"),
        ("parser_error=TooShort", "TooShort", "PacketTooShort"),
        ("ip_frag=later", "later", "ip_frag=not_later"),
        ("tcp_flags=+syn+foo", "+syn+foo", "no TCP flag is called foo"),
        ("ipv4.ttl=1,nw_ttl=2", "nw_ttl=2", "contradicts"),
        ("vlan[0].$valid=0,dl_vlan=3", "dl_vlan=3", "contradicts"),
    ],
)
def test_faults_have_a_caret_and_a_remedy(registry: FieldRegistry, text: str, fault: str, hint: str) -> None:
    line = f"{text},actions=drop"
    with pytest.raises(FlowError) as caught:
        parse_flow(line, registry)
    message = str(caught.value)
    assert hint in message
    lines = message.splitlines()
    at = next(i for i, part in enumerate(lines) if part.strip() == line)
    carets = lines[at + 1]
    start, end = carets.index("^"), len(carets)
    assert lines[at][start:end] == fault
    assert caught.value.column == start - 2 + 1


def test_names_need_a_header_to_mean(make_registry: Callable[..., FieldRegistry]) -> None:
    registry = make_registry({"shim": SHIM})
    assert not registry.aliases
    with pytest.raises(FlowError, match="handmade has no header that nw_dst could mean"):
        match_of("nw_dst=10.0.0.1", registry)


def test_recognition_goes_by_shape_not_by_name(make_registry: Callable[..., FieldRegistry]) -> None:
    split_tos = [("vihl", 8), ("dscp", 6), ("ecn", 2), *IPV4[3:]]
    registry = make_registry({"l2": ETHERNET, "inner_net": IPV4, "net": split_tos, "l4": TCP})
    assert registry.protocols == {"ethernet": "l2", "ipv4": "net", "tcp": "l4"}
    assert canonical("ip,nw_tos=0x20,nw_dst=10.0.0.1", registry) == "net.dscp=8,net.dstAddr=10.0.0.1"
    assert canonical("inner_net.dstAddr=10.0.0.1", registry) == "inner_net.dstAddr=10.0.0.1"


def test_ambiguous_shapes_need_a_telling_name(make_registry: Callable[..., FieldRegistry]) -> None:
    four_words = [("a", 16), ("b", 16), ("c", 16), ("d", 16)]
    registry = make_registry({"probe": four_words, "udp": four_words, "echo": ICMP, "icmpv6": ICMP})
    assert registry.protocols == {"udp": "udp", "icmp6": "icmpv6"}


def test_a_stacks_first_element_is_the_outermost(make_registry: Callable[..., FieldRegistry]) -> None:
    registry = make_registry({"tag[0]": VLAN, "tag[1]": VLAN})
    assert canonical("dl_vlan=5", registry) == "tag[0].vid=5"
    assert canonical("tag", registry) == "tag[0]"
