"""The shipped program end to end: its parser, flows in text, translation, the engines' edits; checksums by scapy.

Setting any field of any header, alone and several together, must leave a packet whose checksums scapy agrees with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from slowpath_layout import Packet
from slowpath_mock import FLAGS, MockEngine

from datapath.compiler import CompiledProgram, compile_program
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.flow_text import parse_flows
from datapath.slowpath.bridge import SlowPath
from datapath.slowpath.model import Flow, Match, Output, SetField
from datapath.user.parse_only import UserParser

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IP4 = IP(src="10.0.0.1", dst="10.0.0.2", ttl=64)
IP6 = IPv6(src="fd00::1", dst="fd00::2", hlim=64)
DATA = Raw(b"some payload of odd size")
PACKETS = {
    "udp4": ETHER / IP4 / UDP(sport=1000, dport=2000) / DATA,
    "udp4 without checksum": ETHER / IP4 / UDP(sport=1000, dport=2000, chksum=0) / DATA,
    "tcp4": ETHER / Dot1Q(vlan=5) / IP4 / TCP(sport=1000, dport=2000) / DATA,
    "tcp4 options": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[("NOP")] * 4) / TCP(sport=1, dport=2) / DATA,
    "icmp4": ETHER / IP4 / ICMP() / DATA,
    "udp6": ETHER / IP6 / UDP(sport=1000, dport=2000) / DATA,
    "tcp6": ETHER / Dot1Q(vlan=5) / Dot1Q(vlan=6) / IP6 / TCP(sport=1000, dport=2000) / DATA,
    "icmp6": ETHER / IP6 / ICMPv6EchoRequest() / DATA,
    "arp": ETHER / ARP(),
}
# What a checksum does not follow, or what makes a packet that is read differently afterwards.
FIXED = {"version", "ihl", "totalLen", "payloadLen", "length", "dataOffset", "protocol", "nextHdr", "etherType"}
FIXED |= {"checksum", "hdrChecksum", "type", "code", "hwType", "protoType", "hwLen", "protoLen", "tpid"}
FIXED |= {"flags", "fragOffset"}


class Switch:
    """The program's parser, a slow path and the mock engine."""

    def __init__(self, program: CompiledProgram) -> None:
        self.layout = program.layout
        self._parser = UserParser(program.program, program.layout, program.c_source)
        self.slow_path = SlowPath(program.layout, flags=FLAGS)
        self.engine = MockEngine(layout=program.layout)
        self.engine.join(self.slow_path)

    def parse(self, data: bytes) -> Packet:
        self._parser.parse(data, 1)
        return Packet(data, 1, tuple(self._parser._result.hdr_off), bytes(self._parser._key))

    def forward(self, data: bytes) -> bytes:
        ((port, sent),) = self.engine.forward(self.parse(data))
        assert port == 2
        return sent

    def settable(self, packet: Packet) -> list[SetField]:
        """Return one set-field with a random value for each field that the packet has."""
        valid = {h.path for h in self.layout.headers if packet.header_offsets[h.header_id] != 0xFFFF}
        dice = random.Random(len(packet.data))
        fields = [f for f in self.layout.fields if f.header in valid and "$" not in f.path]
        fields = [f for f in fields if f.path.split(".")[-1] not in FIXED]
        return [
            SetField(f.offset_bits, f.width_bits, dice.getrandbits(f.width_bits), (1 << f.width_bits) - 1, f.header)
            for f in fields
        ]


@pytest.fixture(scope="module")
def program() -> CompiledProgram:
    return compile_program(str(Path(__file__).parents[3] / "datapath" / "programs" / "l2l3.p4"))


@pytest.fixture
def switch(program: CompiledProgram) -> Iterator[Switch]:
    switch = Switch(program)
    yield switch
    switch.slow_path.close()
    switch.engine.close()


def recomputed(data: bytes) -> bytes:
    """Return the frame with all checksums by scapy; one that UDP goes without stays out."""
    packet: Any = Ether(data)
    for layer, name in (
        (IP, "chksum"),
        (TCP, "chksum"),
        (ICMP, "chksum"),
        (UDP, "chksum"),
        (ICMPv6EchoRequest, "cksum"),
    ):
        if layer in packet and not (layer is UDP and packet[UDP].chksum == 0):
            delattr(packet[layer], name)
    return bytes(packet)


@pytest.mark.parametrize("name", PACKETS)
def test_checksums_follow_every_field(switch: Switch, name: str) -> None:
    data = bytes(PACKETS[name])
    anything = Match(bytes(switch.layout.key_size), bytes(switch.layout.key_size))
    edits = switch.settable(switch.parse(data))
    assert len(edits) >= 3
    for actions in [*((edit,) for edit in edits), tuple(edits), tuple(edits[::2]), tuple(edits[1::2])]:
        switch.slow_path.flow_put(Flow(anything, (*actions, Output(2))))
        sent = switch.forward(data)
        assert sent == recomputed(sent), actions
        again = switch.parse(sent)
        for edit in actions:
            shift = 8 * len(again.key) - edit.offset_bits - edit.width_bits
            assert int.from_bytes(again.key, "big") >> shift & edit.mask == edit.value


def test_routing_in_flow_texts(switch: Switch) -> None:
    texts = [
        "ip,nw_dst=10.0.0.0/8,actions=dec_ttl,mod_dl_dst:02:00:00:00:00:09,mod_nw_dst:192.168.0.1,output:2",
        "ipv6,ipv6_dst=fd00::/16,actions=dec_ttl,mod_dl_dst:02:00:00:00:00:09,output:2",
    ]
    switch.slow_path.change(add=parse_flows(texts, FieldRegistry(switch.layout), {}))
    for name in PACKETS:
        if name == "arp":
            continue
        sent: Any = Ether(switch.forward(bytes(PACKETS[name])))
        assert bytes(sent) == recomputed(bytes(sent))
        assert sent.dst == "02:00:00:00:00:09"
        assert (sent[IP].dst, sent[IP].ttl) == ("192.168.0.1", 63) if IP in sent else sent[IPv6].hlim == 63
