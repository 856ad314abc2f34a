"""Shipped tunnel programs: set any field of any header, and both the outer and the inner checksums still hold.

The sums are made here, over the bytes behind the offsets that the parser reported.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.nsh import NSH
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from slowpath_layout import Packet
from test_slowpath_l2l3 import FIXED, Switch

from datapath.compiler import compile_program
from datapath.slowpath.model import Flow, Match, Output

PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
UNDER4 = LINK / IP(src="192.0.2.1", dst="192.0.2.2")
UNDER6 = LINK / IPv6(src="2001:db8::1", dst="2001:db8::2")
IN4 = IP(src="10.0.0.1", dst="10.0.0.2")
IN6 = IPv6(src="fd00::1", dst="fd00::2")
DATA = Raw(b"some payload of odd size")
OPTIONS = [GeneveOptions(classid=1, type=2, data=b"abcd"), GeneveOptions(classid=3, type=4)]
GPE = Raw(struct.pack("!BHBI", 12, 0, 4, 5 << 8))
PACKETS = {
    "geneve": [
        UNDER4 / UDP(dport=6081) / GENEVE(vni=5, options=OPTIONS) / LINK / IN4 / TCP() / DATA,
        UNDER6 / UDP(dport=6081) / GENEVE(vni=5) / IN6 / UDP() / DATA,
        UNDER4 / UDP(dport=6081, chksum=0) / GENEVE(vni=5) / IN4 / ICMP() / DATA,
        UNDER4 / UDP(dport=6081) / GENEVE(vni=5) / IN4 / UDP(chksum=0) / DATA,
    ],
    "gtpu": [
        UNDER4 / UDP(dport=2152) / GTP_U_Header(teid=1) / GTPPDUSessionContainer(QFI=5) / IN4 / UDP() / DATA,
        UNDER6 / UDP(dport=2152) / GTP_U_Header(teid=1) / IN6 / TCP() / DATA,
        UNDER6 / UDP(dport=2152) / GTP_U_Header(teid=1) / IN4 / UDP(chksum=0) / DATA,
    ],
    "nsh": [
        UNDER6 / UDP(dport=4790) / GPE / NSH(mdtype=1) / LINK / IN4 / TCP() / DATA,
        UNDER4 / UDP(dport=4790) / GPE / NSH(mdtype=1) / IN6 / UDP() / DATA,
    ],
}
# What says how the packet is read; the program would not find the same headers again.
READ_BY = FIXED | {"dstPort", "protocol", "optLen", "mdType", "nextProtocol", "messageType", "protocolType"}
READ_BY |= {"hasExtension", "hasSequence", "hasNpdu", "nextExtension"}


def folded(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def wrong_sums(packet: Packet, offsets: dict[str, int]) -> list[str]:
    """Return the checksums of a packet that do not hold."""
    data, wrong = packet.data, []
    for inside in ("", "inner."):
        pseudo = b""
        if f"{inside}ipv4" in offsets:
            at = offsets[f"{inside}ipv4"]
            pseudo = data[at + 12 : at + 20]
            wrong += [f"{inside}ipv4"] if folded(data[at : at + 20]) != 0xFFFF else []
        elif f"{inside}ipv6" in offsets:
            at = offsets[f"{inside}ipv6"]
            pseudo = data[at + 8 : at + 40]
        for name, protocol in (("tcp", 6), ("udp", 17), ("icmp", None)):
            at = offsets.get(inside + name, 0)
            if not at or (name == "udp" and data[at + 6 : at + 8] == b"\0\0"):
                continue
            head = b"" if protocol is None else pseudo + struct.pack("!HI", protocol, len(data) - at)
            wrong += [inside + name] if folded(head + data[at:]) != 0xFFFF else []
    return wrong


@pytest.fixture(scope="module", params=sorted(PACKETS))
def named_switch(request: pytest.FixtureRequest) -> Iterator[tuple[str, Switch]]:
    switch = Switch(compile_program(PROGRAMS / f"{request.param}.p4"))
    yield request.param, switch
    switch.slow_path.close()
    switch.engine.close()


def check_edits(switch: Switch, whole: bytes, wanted: Callable[[str], bool]) -> None:
    """Set each field, all and every other one of those that are wanted; check the sums each time."""
    anything = Match(bytes(switch.layout.key_size), bytes(switch.layout.key_size))
    paths = {(f.offset_bits, f.header): f.path for f in switch.layout.fields}
    before = switch.parse(whole)
    offsets = {h.path: before.header_offsets[h.header_id] for h in switch.layout.headers}
    offsets = {path: offset for path, offset in offsets.items() if offset != 0xFFFF}
    assert wrong_sums(before, offsets) == []
    edits = [e for e in switch.settable(before) if wanted(paths[e.offset_bits, e.header])]
    assert len(edits) >= 2
    for actions in [*((edit,) for edit in edits), tuple(edits[::2]), tuple(edits[1::2]), tuple(edits)]:
        switch.slow_path.flow_put(Flow(anything, (*actions, Output(2))))
        sent = Packet(switch.forward(whole), 1, before.header_offsets, before.key)
        assert wrong_sums(sent, offsets) == [], [paths[e.offset_bits, e.header] for e in actions]
    assert sent.data != whole


def test_outer_and_inner_checksums_follow_every_field(named_switch: tuple[str, Switch]) -> None:
    name, switch = named_switch
    for whole in PACKETS[name]:
        check_edits(switch, bytes(whole), lambda path: path.split(".")[-1] not in READ_BY)
