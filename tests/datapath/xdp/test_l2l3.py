"""The engine with a compiled program, l2l3.p4: headers at run-time offsets, checksums of several layers, any bytes."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet
from xdp_harness import (
    CSUM,
    DEC_TTL,
    RESTART,
    XDP_DROP,
    XDP_REDIRECT,
    ZERO_NONE,
    Action,
    Bridge,
    Run,
    in_own_namespace,
    output,
    run_program,
    set_bytes,
)
from xdp_network import make_pairs

import datapath.xdp.loader
from datapath.compiler import compile_program
from datapath.ir.layout import KeyLayout
from datapath.xdp.loader import XdpObject

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for XDP and namespaces"),
]

L2L3 = Path(datapath.xdp.loader.__file__).parents[1] / "programs" / "l2l3.p4"
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


@functools.cache
def program() -> tuple[XdpObject, KeyLayout]:
    compiled = compile_program(L2L3)
    return datapath.xdp.loader.load(compiled.c_source, compiled.layout), compiled.layout


class Switch:
    def __init__(self, bridge: Bridge, ifindex: int) -> None:
        self.bridge, self.ifindex = bridge, ifindex
        self.object, self.layout = program()

    def run(self, packet: bytes) -> Run:
        return run_program(self.object.program_fd, packet, self.ifindex)

    def put(self, headers: list[str], actions: list[Action], **fields: bytes) -> int:
        """Install a flow for packets with these headers; fields are named header__field, whole bytes wide."""
        key, mask = bytearray(self.layout.key_size), bytearray(self.layout.key_size)
        for path in headers:
            number = self.layout.header(path).header_id
            key[8 + number // 8] |= 0x80 >> number % 8
        mask[8:16] = b"\xff" * 8
        for name, value in fields.items():
            at = self.layout.field(name.replace("__", ".")).offset_bits // 8
            key[at : at + len(value)], mask[at : at + len(value)] = value, b"\xff" * len(value)
        return self.bridge.put(bytes(key), bytes(mask), actions)

    def header(self, path: str) -> int:
        return self.layout.header(path).header_id


@contextmanager
def switch() -> Iterator[Switch]:
    pairs = make_pairs(2)
    bridge = Bridge(program()[0].open_bridge(1))
    try:
        for i, pair in enumerate(pairs):
            assert bridge.call("port_add", i + 1, pair.port_ifindex) == 0
        yield Switch(bridge, pairs[0].port_ifindex)
    finally:
        bridge.close()


def with_right_checksums(packet: Packet) -> bytes:
    """Return the packet with every checksum computed anew."""
    copy = packet.copy()
    for layer in (IP, TCP, UDP):
        if layer in copy:
            del copy[layer].chksum
    return bytes(copy)


@in_own_namespace
def test_rewrites_behind_tags_and_options_with_both_checksums() -> None:
    """IPv4 stands at 22, its options move TCP: offsets are the packet's, checksums are as if computed anew."""
    packet = (
        Ether(**MACS)
        / Dot1Q(vlan=5)
        / Dot1Q(vlan=6)
        / IP(src="10.0.0.1", dst="10.0.0.2", ttl=9, options=[b"\x01" * 8])
        / TCP(sport=1000, dport=80, seq=0x1234)
        / b"payload of odd length"
    )
    headers = ["ethernet", "vlan[0]", "vlan[1]", "ipv4", "ipv4Options", "tcp"]
    with switch() as sw:
        ipv4, tcp = sw.header("ipv4"), sw.header("tcp")
        actions = [
            set_bytes(ipv4, 16, b"\xc0\xa8\x07\x09", RESTART),
            Action(CSUM, 16, header=tcp),  # through the pseudo-header
            Action(DEC_TTL, 8, header=ipv4),
            Action(CSUM, 10, header=ipv4),
            set_bytes(tcp, 2, b"\x1f\x90", RESTART),
            Action(CSUM, 16, header=tcp),
            output(2),
        ]
        flow = sw.put(headers, actions, ipv4__dstAddr=b"\x0a\0\0\2")
        assert flow > 0
        run = sw.run(bytes(packet))
        packet[IP].dst, packet[IP].ttl, packet[TCP].dport = "192.168.7.9", 8, 8080
        assert run.verdict == XDP_REDIRECT
        assert run.packet == with_right_checksums(packet)
        # Another sequence number is the same flow, and by now a hint's.
        packet[IP].dst, packet[IP].ttl, packet[TCP].seq = "10.0.0.2", 9, 0xFFFFFFFF
        assert sw.run(with_right_checksums(packet)).verdict == XDP_REDIRECT
        assert sw.bridge.stats(flow)[0] == 2


@in_own_namespace
def test_udp_over_ipv6() -> None:
    packet = Ether(**MACS) / IPv6(src="fd00::1", dst="fd00::2", hlim=3) / UDP(sport=1, dport=2) / b"abc"
    with switch() as sw:
        ipv6, udp = sw.header("ipv6"), sw.header("udp")
        actions = [
            set_bytes(ipv6, 24, b"\xfd\0\0\0\0\0\0\x09", RESTART),
            set_bytes(ipv6, 32, b"\0\0\0\0\0\0\0\x08"),
            Action(CSUM, 6, header=udp, flags=ZERO_NONE),
            Action(DEC_TTL, 7, header=ipv6, flags=2),
            output(2),
        ]
        assert sw.put(["ethernet", "ipv6", "udp"], actions) > 0
        run = sw.run(bytes(packet))
        packet[IPv6].dst, packet[IPv6].hlim = "fd00::9:0:0:0:8", 2
        assert run.verdict == XDP_REDIRECT
        assert run.packet == with_right_checksums(packet)


@in_own_namespace
def test_headers_that_share_a_slot_are_told_apart() -> None:
    """A flow for ARP must not be hit by IPv4 whose bytes are the same."""
    with switch() as sw:
        assert sw.put(["ethernet", "arp"], [output(2)]) > 0
        body = bytes([0, 1, 8, 0, 6, 4]) + bytes(40)
        macs = b"\2" * 12
        assert sw.run(macs + b"\x08\x06" + body).verdict == XDP_REDIRECT
        assert sw.run(macs + b"\x08\x00" + b"\x45" + body).verdict == XDP_DROP
        assert sw.bridge.drops()[0] == {"UPCALL_FULL": 1}


@in_own_namespace
def test_any_bytes_end_in_one_counted_way() -> None:
    """Random and truncated packets: each is forwarded, handed up, or dropped for one reason."""
    rng = random.Random(20)
    whole = bytes(Ether(**MACS) / Dot1Q() / IP(options=[b"\1" * 4]) / TCP() / bytes(30))
    with switch() as sw:
        assert sw.put(["ethernet", "vlan[0]", "ipv4", "ipv4Options", "tcp"], [output(2)]) > 0
        packets = [whole[:n] for n in range(14, len(whole))]
        packets += [bytes(rng.choices(range(256), k=rng.randrange(14, 200))) for _ in range(300)]
        packets += [whole[:i] + bytes([rng.randrange(256)]) + whole[i + 1 :] for i in range(len(whole))]
        packets.append(whole[:18] + b"\x44" + whole[19:])  # an IPv4 header of 16 bytes
        verdicts = [sw.run(p).verdict for p in packets]
        drops, errors = sw.bridge.drops()
        assert set(verdicts) == {XDP_DROP, XDP_REDIRECT}
        assert set(drops) == {"UPCALL_FULL", "PARSER_REJECT"}
        assert sum(drops.values()) == verdicts.count(XDP_DROP)
        assert sum(errors.values()) == drops["PARSER_REJECT"]
        assert {"PacketTooShort", "HeaderTooShort"} <= set(errors)
