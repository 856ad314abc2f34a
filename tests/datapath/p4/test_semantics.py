"""What lowered programs do with packets, by the reference model: results worked out by hand from the specification."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from datapath.ir.interpret import ParseOutcome, interpret
from datapath.ir.model import Program
from datapath.p4 import load

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / "datapath" / "programs"
ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
V4 = IP(src="10.0.0.1", dst="10.0.0.2")


@cache
def program(name: str) -> Program:
    folder = HERE / "cases" if (HERE / "cases" / f"{name}.p4").exists() else PROGRAMS
    return load(folder / f"{name}.p4").program


def parse(name: str, packet: bytes | Packet, in_port: int = 0) -> ParseOutcome:
    return interpret(program(name), bytes(packet), in_port)


@pytest.mark.parametrize(
    ("packet", "headers"),
    [
        (ETHER / V4 / TCP(), "ethernet ipv4 tcp"),
        (ETHER / V4 / UDP() / Raw(b"abc"), "ethernet ipv4 udp"),
        (ETHER / V4 / ICMP(), "ethernet ipv4 icmp"),
        (ETHER / IP(src="10.0.0.1", dst="10.0.0.2", frag=5, proto=6) / Raw(b"x" * 40), "ethernet ipv4"),
        (ETHER / Dot1Q(vlan=7) / ARP(), "ethernet vlan[0] arp"),
        (ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=8) / V4 / TCP(), "ethernet vlan[0] vlan[1] ipv4 tcp"),
        (ETHER / Dot1Q() / Dot1Q() / Dot1Q() / V4, "ethernet vlan[0] vlan[1]"),
        (ETHER / IPv6() / ICMPv6EchoRequest(), "ethernet ipv6 icmpv6"),
        (ETHER / IPv6() / UDP(), "ethernet ipv6 udp"),
    ],
)
def test_l2l3_extracts_what_is_there(packet: Packet, headers: str) -> None:
    outcome = parse("l2l3", packet)
    assert (outcome.verdict, outcome.error) == ("accept", "NoError")
    assert list(outcome.headers) == headers.split()
    wire = b"".join(h.raw for h in outcome.headers.values())
    assert bytes(packet).startswith(wire)
    assert outcome.offset_bits == 8 * len(wire)


def test_l2l3_reads_ipv4_options() -> None:
    packet = bytes(
        ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption(b"\x07\x07\x04\0\0\0\0")]) / UDP(dport=53)
    )
    outcome = parse("l2l3", packet)
    assert outcome.headers["ipv4Options"].raw == packet[34:42]
    assert outcome.headers["udp"].fields["dstPort"] == 53


@pytest.mark.parametrize("size", range(0, 62))
def test_l2l3_rejects_truncated_packets(size: int) -> None:
    packet = bytes(ETHER / Dot1Q(vlan=3) / V4 / TCP())[:58]
    outcome = parse("l2l3", packet[:size])
    whole = [end for end in (14, 18, 38, 58) if end <= size]
    assert len(outcome.headers) == len(whole)
    assert outcome.error == ("NoError" if size >= 58 else "PacketTooShort")


def test_l2l3_rejects_a_bad_header_length() -> None:
    assert parse("l2l3", ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ihl=4)).error == "HeaderTooShort"


def test_shim_stands_between_ethernet_and_ipv4() -> None:
    shim = bytes([0x10, 9, 0, 0, 42, 7, 0x08, 0x00, 0, 0])
    inner = bytes(V4 / UDP(dport=9))
    outcome = parse("shim", bytes(Ether(type=0x88B5)) + shim + inner)
    assert list(outcome.headers) == ["ethernet", "shim", "ipv4", "udp"]
    assert outcome.headers["shim"].fields["tenant"] == 42
    assert outcome.headers["shim"].fields["slice"] == 7
    wrong = parse("shim", bytes(Ether(type=0x88B5)) + b"\x20" + shim[1:] + inner)
    assert (wrong.verdict, wrong.error) == ("reject", "ShimVersion")


def test_stack_loop_and_its_index() -> None:
    outcome = parse("stack_loop", bytes([0, 0, 0, 9, 0, 0, 1, 8]))
    assert outcome.verdict == "accept"
    # Two labels; the last one's ttl goes down; pop_front drops the first, push_front(2) makes room for two.
    assert list(outcome.headers) == ["labels[2]", "tail"]
    assert outcome.headers["labels[2]"].fields["ttl"] == 7
    assert outcome.headers["tail"].fields["n"] == 4


def test_stack_overflow() -> None:
    outcome = parse("stack_loop", bytes(20))
    assert (outcome.verdict, outcome.error) == ("reject", "StackOutOfBounds")


def test_subparsers_copy_in_and_out() -> None:
    # a: kind 2 (= step) counts 2; b: kind 7 counts 2 + 1; then c into b.value, which starts at 9: 9 + 2 + 1.
    outcome = parse("subparsers", bytes([2, 0, 7, 0, 5, 0]))
    assert outcome.verdict == "accept"
    assert outcome.variables["meta"] == 5
    # Two: x = 1 goes to b.value, y = b.kind + x to b.kind.
    assert outcome.headers["b"].fields == {"kind": 8, "value": 1}
    assert list(outcome.headers) == ["a", "b", "c"]


def test_subparser_reject_rejects_the_packet() -> None:
    outcome = parse("subparsers", bytes([0, 0, 7, 0, 5, 0]))
    assert (outcome.verdict, outcome.error, list(outcome.headers)) == ("reject", "NoError", ["a"])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # clamp(a) + clamp(5) = a + 7 or 16; swapped with b; then the sum 6 * b, unless a is 1 and b + 1 is 3.
        (3, 0, {"a": 0, "b": 10, "meta": 60}),
        (200, 5, {"a": 5, "b": 16, "meta": 96}),
        (251, 1, {"a": 1, "b": 17, "meta": 102}),
    ],
)
def test_functions(a: int, b: int, expected: dict[str, int]) -> None:
    outcome = parse("functions", bytes([a, b]))
    found = {**outcome.headers["h"].fields, "meta": outcome.variables["meta"]}
    assert found == expected


def test_lookahead_into_a_local_header() -> None:
    # kind 1, size 2; then a number 0x_003 = 3 to skip, in bytes, which includes the two it was read from.
    outcome = parse("lookahead", bytes([0x10, 0x02, 0x00, 0x03, 0xFF]))
    assert outcome.verdict == "accept"
    assert outcome.headers["small"].fields == {"kind": 1, "size": 2}
    assert outcome.offset_bits == 16 + 24


def test_lookahead_needs_all_of_its_type() -> None:
    outcome = parse("lookahead", bytes([0x10, 0x02, 0x00]))
    assert (outcome.verdict, outcome.error) == ("reject", "PacketTooShort")


def test_extract_of_a_varbit_measured_by_lookahead() -> None:
    outcome = parse("lookahead", bytes([0x02, 0xAB, 0xCD, 0xEF]))
    assert outcome.headers["option"].raw == bytes([0x02, 0xAB, 0xCD])
    assert outcome.headers["small"].fields == {"kind": 0, "size": 0x2AB}


def test_header_values() -> None:
    outcome = parse("headers", bytes([0xFD, 0x12, 0x34]))
    headers = outcome.headers
    assert list(headers) == ["inner.one", "inner.two", "s[0]", "us[1].b"]
    assert headers["inner.one"].fields == {"x": 0x3F, "flags.df": 0, "flags.mf": 1}
    assert headers["s[0]"].fields == {"x": 1, "flags.df": 0, "flags.mf": 1}
    assert headers["us[1].b"].fields == {"y": 8}
    assert headers["inner.two"].fields == {"y": 0x1234}


def test_select_keysets() -> None:
    def states(kind: int, delta: int, port: int, flag: int) -> tuple[str, ...]:
        packet = bytes([kind, delta & 0xFF]) + port.to_bytes(2, "big") + bytes([flag << 7])
        return parse("select", packet).states

    assert states(1, -4, 10, 1) == ("start", "second", "fourth")
    assert states(1, 4, 105, 1) == ("start", "second", "fourth")
    assert states(1, 5, 50, 1) == ("start",)  # delta is out of the signed range
    assert states(1, 3, 15, 1) == ("start", "second")  # the octal literal, and 3 under its mask
    assert states(16, -1, 0x8AB, 0)[:2] == ("start", "third")


def test_psa_sum_in_the_parser() -> None:
    # The sum of a, ttl and proto without a is the word of ttl and proto.
    good = bytes([0x12, 0x34, 0x40, 0x06]) + (0xFFFF - 0x4006).to_bytes(2, "big")
    assert parse("psa_checksum", good, in_port=7).variables["meta.bad"] == 1
    assert parse("psa_checksum", good[:-1] + b"\0").error == "BadSum"


def test_v1model_sees_the_port_it_came_in_by() -> None:
    packet = bytes([0, 3]) + bytes(ETHER / V4 / UDP())
    outcome = parse("v1model_basic", packet, in_port=510)
    assert list(outcome.headers) == ["ethernet", "ipv4", "udp", "cpu"]
    assert outcome.variables["standard_metadata.egress_spec"] == 3


def test_initial_values_are_set_once() -> None:
    # m = meta + 2 = 2; first round: n = 2, m = 9; second: n = 9 > 4, so meta = 9.
    outcome = parse("locals", bytes([1, 0]))
    assert outcome.variables["meta"] == 9


def test_stack_of_unions() -> None:
    mss = bytes([2, 4, 0, 5])
    outcome = parse("union_stack", mss + mss + bytes([0, 8]))
    assert outcome.verdict == "accept"
    assert list(outcome.headers) == ["options[0].mss", "options[1].mss", "options[2].end"]
    assert outcome.variables["sum"] == 5 + 5 + 9
    full = parse("union_stack", mss * 4)
    assert (full.verdict, full.error) == ("reject", "StackOutOfBounds")
