"""Packets of the protocols that the shipped programs know, put together by scapy wherever it knows the protocol too.

Each case says what must come of the packet: the valid headers, some fields, the error.  Read by ``test_protocols.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrSegmentRouting
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

OUTER = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
INNER = {"src": "02:00:00:00:01:01", "dst": "02:00:00:00:01:02"}
ETHER = "ethernet"
UNDER4 = [ETHER, "ipv4", "ipv4Options", "udp"]
UNDER6 = [ETHER, "ipv6", "udp"]
IN4 = ["inner.ipv4", "inner.ipv4Options"]


@dataclass(frozen=True)
class Case:
    """A packet and its parse."""

    packet: bytes
    headers: list[str]  # valid ones, in order of declaration
    fields: dict[str, int] = field(default_factory=dict)  # "ipv4.ttl"
    error: str = "NoError"
    accepted: bool = True


def case(packet: Packet | bytes, headers: list[str], error: str = "", **fields: int) -> Case:
    """Return a case; ``ipv4__ttl=64`` is field ``ttl`` of header ``ipv4``, ``words_1__value`` that of ``words[1]``."""
    named = {}
    for name, value in fields.items():
        header, _, part = name.partition("__")
        stack, _, index = header.rpartition("_")
        named[f"{stack}[{index}].{part}" if index.isdigit() else f"{header.replace('inner_', 'inner.')}.{part}"] = value
    return Case(bytes(packet), headers, named, error or "NoError", not error)


# ---------------------------------------------------------------------------------------------------- what is inside
def frame(link: Packet | None = None) -> Packet:
    return Ether(**OUTER) if link is None else Ether(**OUTER) / link


def ip4(**options: object) -> Packet:
    return IP(src="10.0.0.1", dst="10.0.0.2", **options)


def ip6(**options: object) -> Packet:
    return IPv6(src="fd00::1", dst="fd00::2", **options)


def over_udp4(port: int, payload: Packet | bytes) -> Packet:
    return frame() / ip4() / UDP(sport=49152, dport=port) / payload


def over_udp6(port: int, payload: Packet | bytes) -> Packet:
    return frame(Dot1Q(vlan=7)) / ip6() / UDP(sport=49152, dport=port) / payload


def inner_frame() -> Packet:
    return Ether(**INNER) / ip4(ttl=9) / TCP(sport=1000, dport=80) / b"hello"


def insides() -> Iterator[tuple[Packet, list[str]]]:
    """Yield IP packets, and what the programs call their headers."""
    yield ip4() / ICMP(), [*IN4, "inner.icmp"]
    yield ip4() / UDP(sport=1, dport=2) / b"x", [*IN4, "inner.udp"]
    yield ip4(options=b"\x01" * 8) / TCP(), [*IN4, "inner.tcp"]
    yield ip4(frag=8) / UDP(), IN4
    yield ip6() / ICMPv6EchoRequest(), ["inner.ipv6", "inner.icmpv6"]
    yield ip6() / UDP(), ["inner.ipv6", "inner.udp"]
    yield ip6(nh=59), ["inner.ipv6"]


# ---------------------------------------------------------------------------------------------------- protocols
def mpls() -> Iterator[Case]:
    for inside, names in insides():
        stack = MPLS(label=100, s=0, ttl=9) / MPLS(label=3, cos=5, s=1, ttl=8) / inside
        yield case(frame() / stack, [ETHER, "mpls[0]", "mpls[1]", *names], mpls_0__label=100, mpls_1__tc=5)
        yield case(frame() / inside, [ETHER, *names])
    tagged = Ether(**OUTER) / Dot1Q(vlan=7) / MPLS(label=16, s=1) / ip4() / UDP()
    yield case(tagged, [ETHER, "vlan", "mpls[0]", *IN4, "inner.udp"], vlan__vid=7)
    wire = frame() / MPLS(label=1, s=1) / Raw(b"\0\0\0\x2a" + bytes(inner_frame()))
    pseudowire = ["pseudowire", "inner.ethernet", *IN4, "inner.tcp"]
    yield case(wire, [ETHER, "mpls[0]", *pseudowire], pseudowire__sequence=42, inner_tcp__dstPort=80)
    deep = b"".join(bytes(MPLS(label=i, s=0)) for i in range(9))
    yield case(frame() / MPLS(s=0) / Raw(deep), [ETHER, *(f"mpls[{i}]" for i in range(8))], mpls_7__label=6)
    yield case(frame() / MPLS(s=1) / Raw(b"\x10\0\0\0"), [ETHER, "mpls[0]"])
    yield case(frame() / MPLS(s=1), [ETHER, "mpls[0]"], error="PacketTooShort")


def srv6() -> Iterator[Case]:
    path = ["fd00::c", "fd00::b", "fd00::a"]
    names = [ETHER, "ipv6", "srh", "segments[0]", "segments[1]", "segments[2]", "tlvs"]
    for inside, inner in insides():
        header = IPv6ExtHdrSegmentRouting(addresses=path, segleft=1, tag=77)
        yield case(
            frame() / ip6() / header / inside, [*names, *inner], srh__tag=77, segments_0__sid=(0xFD << 120) + 0xC
        )
    tlv = frame() / ip6() / IPv6ExtHdrSegmentRouting(addresses=path, segleft=2, tlv_objects=[]) / TCP(dport=80)
    yield case(tlv, [*names, "routedTcp"], routedTcp__dstPort=80, srh__segmentsLeft=2)
    routed = IPv6ExtHdrSegmentRouting(addresses=path[:1], segleft=0) / UDP(dport=53)
    yield case(frame(Dot1Q()) / ip6() / routed, [ETHER, "vlan", "ipv6", "srh", "segments[0]", "tlvs", "routedUdp"])
    raw = struct.pack("!BBBBBBH", 143, 5, 4, 0, 1, 0, 0) + bytes(32) + b"\x01\x06" + bytes(6)
    with_tlv = frame() / ip6(nh=43) / Raw(raw) / inner_frame()
    behind = ["segments[0]", "segments[1]", "tlvs", "inner.ethernet", *IN4, "inner.tcp"]
    yield case(with_tlv, [ETHER, "ipv6", "srh", *behind])
    short = struct.pack("!BBBBBBH", 59, 2, 4, 0, 1, 0, 0) + bytes(16)
    yield case(frame() / ip6(nh=43) / Raw(short), [ETHER, "ipv6", "srh"], error="SegmentList")
    far = struct.pack("!BBBBBBH", 59, 2, 4, 2, 0, 0, 0) + bytes(16)
    yield case(frame() / ip6(nh=43) / Raw(far), [ETHER, "ipv6", "srh"], error="SegmentsLeft")
    many = struct.pack("!BBBBBBH", 59, 18, 4, 0, 8, 0, 0) + bytes(144)
    stack = [f"segments[{i}]" for i in range(8)]
    yield case(frame() / ip6(nh=43) / Raw(many), [ETHER, "ipv6", "srh", *stack], error="StackOutOfBounds")
    other = struct.pack("!BBBBI", 6, 0, 3, 0, 0)
    yield case(frame() / ip6(nh=43) / Raw(other) / TCP(), [ETHER, "ipv6"])
    yield case(frame() / ip6(nh=59), [ETHER, "ipv6"])
    yield case(frame() / ip6() / TCP(), [ETHER, "ipv6", "tcp"])
    yield case(frame() / ip6() / UDP(), [ETHER, "ipv6", "udp"])
    yield case(frame() / ip6() / ICMPv6EchoRequest(), [ETHER, "ipv6", "icmpv6"])
    for inside, inner in insides():
        first = [] if inside.name == "IP" else ["ipv6"]
        if first:
            yield case(frame() / ip6() / inside, [ETHER, "ipv6", *inner])
        else:
            yield case(frame() / inside, [ETHER, *inner])


def geneve() -> Iterator[Case]:
    option = GeneveOptions(classid=0x0102, type=0x80, data=b"abcd")
    for inside, names in insides():
        yield case(over_udp4(6081, GENEVE(vni=5) / inside), [*UNDER4, "geneve", *names], geneve__vni=5)
        packet = over_udp6(6081, GENEVE(vni=6, critical=1, options=[option]) / inside)
        under = [ETHER, "vlan", "ipv6", "udp", "geneve", "options[0]"]
        yield case(packet, [*under, *names], options_0__optionClass=0x0102, options_0__length=1, geneve__critical=1)
    for n in range(7):
        options = [GeneveOptions(classid=i, type=i, data=bytes(4 * i)) for i in range(n)]
        shown = [f"options[{i}]" for i in range(min(n, 4))]
        carried = GENEVE(vni=7, options=options) / inner_frame()
        behind = ["inner.ethernet", *IN4, "inner.tcp"]
        yield case(over_udp4(6081, carried), [*UNDER4, "geneve", *shown, *behind], inner_ipv4__ttl=9)
    yield case(over_udp4(6081, GENEVE(version=1)), [*UNDER4, "geneve"], error="GeneveVersion")
    long = b"\x01\x00\x65\x58\x00\x00\x07\x00" + b"\x00\x01\x01\x01" + bytes(8)
    yield case(over_udp4(6081, Raw(long)), [*UNDER4, "geneve"], error="GeneveOption")
    yield case(over_udp4(53, Raw(b"no")), UNDER4)
    yield case(over_udp4(6081, GENEVE(proto=0x1234) / Raw(b"?")), [*UNDER4, "geneve"])


def nsh() -> Iterator[Case]:
    behind = ["inner.ethernet", *IN4, "inner.tcp"]
    fixed = NSH(mdtype=1, spi=0xABCDE, si=254, context_header=bytes(range(16))) / inner_frame()
    yield case(
        frame() / fixed, [ETHER, "nsh", "context", *behind], nsh__servicePath=0xABCDE, context__context2=0x04050607
    )
    for inside, names in insides():
        yield case(frame() / NSH(mdtype=1) / inside, [ETHER, "nsh", "context", *names])
    for n in range(7):
        body = b"".join(struct.pack("!HBB", i, i, i) + bytes(-(-i // 4) * 4) for i in range(1, n + 1))
        base = struct.pack("!HBBI", (63 << 6) + 2 + len(body) // 4, 2, 3, 0x000001FF)
        shown = [f"contexts[{i}]" for i in range(min(n, 4))]
        yield case(Ether(**OUTER, type=0x894F) / Raw(base + body) / inner_frame(), [ETHER, "nsh", *shown, *behind])
    gpe = struct.pack("!BHBI", 0x0C, 0, 4, 9 << 8)
    tunnel = over_udp6(4790, Raw(gpe) / NSH(mdtype=1) / inner_frame())
    yield case(tunnel, [ETHER, "vlan", "ipv6", "udp", "gpe", "nsh", "context", *behind], gpe__vni=9)
    tunnel = over_udp4(4790, Raw(struct.pack("!BHBI", 0x0C, 0, 1, 9 << 8)))
    yield case(tunnel, [*UNDER4, "gpe"])
    yield case(over_udp4(53, Raw(b"no")), UNDER4)
    yield case(frame() / NSH(ver=1), [ETHER, "nsh"], error="NshVersion")
    yield case(frame(Dot1Q()) / NSH(mdtype=1, length=5), [ETHER, "vlan", "nsh"], error="NshLength")
    yield case(frame() / NSH(mdtype=2, length=1), [ETHER, "nsh"], error="NshLength")
    long = struct.pack("!HBBIHBB", (63 << 6) + 4, 2, 3, 511, 1, 1, 9) + bytes(12)
    yield case(Ether(**OUTER, type=0x894F) / Raw(long), [ETHER, "nsh"], error="NshLength")
    yield case(frame() / NSH(mdtype=3, length=2), [ETHER, "nsh"])
    yield case(frame() / NSH(mdtype=1, nextproto=5) / Raw(b"?"), [ETHER, "nsh", "context"])


def gtpu() -> Iterator[Case]:
    for inside, names in insides():
        plain = GTP_U_Header(teid=0x11223344) / inside
        yield case(over_udp4(2152, plain), [*UNDER4, "gtpu", *names], gtpu__teid=0x11223344)
        flow = GTP_U_Header(teid=1) / GTPPDUSessionContainer(type=0, QFI=9, RQI=1) / inside
        under = [ETHER, "vlan", "ipv6", "udp", "gtpu", "gtpuOptional", "pduSession"]
        yield case(over_udp6(2152, flow), [*under, *names], pduSession__qfi=9, pduSession__reflectiveQos=1)
    behind = [*IN4, "inner.udp"]
    inside = bytes(ip4() / UDP(sport=1, dport=2))
    head = struct.pack("!BBHI", 0x34, 255, 4 + len(inside), 5)
    numbered = over_udp4(2152, Raw(struct.pack("!BBHI", 0x32, 255, 4, 5) + b"\x12\x34\0\x85" + inside))
    yield case(numbered, [*UNDER4, "gtpu", "gtpuOptional", *behind], gtpuOptional__sequence=0x1234)
    other, session = b"\x02" + bytes(6), b"\x01\x10\x05"
    for n in range(5):
        types = [0xC0] * n
        chain = b"\0\0\0" + b"".join(bytes([t]) + other for t in types) + b"\0"
        stack = [f"extensions[{i}]" for i in range(min(n, 3))]
        error = "StackOutOfBounds" if n > 3 else ""
        tail = [] if error else behind
        packet = over_udp4(2152, Raw(head + chain + inside))
        yield case(packet, [*UNDER4, "gtpu", "gtpuOptional", *stack, *tail], error=error)
    mixed = b"\0\0\0\xc0" + other + b"\x85" + session + b"\x20" + b"\x01\xaa\xbb" + b"\0"
    stack = ["gtpu", "gtpuOptional", "pduSession", "extensions[0]", "extensions[1]"]
    yield case(over_udp4(2152, Raw(head + mixed + inside)), [*UNDER4, *stack, *behind], pduSession__qfi=5)
    empty = head + b"\0\0\0\xc0\0\0\0\0"
    yield case(over_udp4(2152, Raw(empty)), [*UNDER4, "gtpu", "gtpuOptional"], error="GtpExtension")
    empty = head + b"\0\0\0\x85\0\0\0\0"
    yield case(over_udp4(2152, Raw(empty)), [*UNDER4, "gtpu", "gtpuOptional"], error="GtpExtension")
    yield case(over_udp4(2152, GTP_U_Header(version=2)), [*UNDER4, "gtpu"], error="GtpVersion")
    yield case(over_udp4(2152, GTP_U_Header(PT=0)), [*UNDER4, "gtpu"])
    yield case(over_udp4(2152, GTP_U_Header(gtp_type=254)), [*UNDER4, "gtpu"])
    yield case(
        over_udp4(2152, GTP_U_Header(gtp_type=255) / Raw(b"\x02frame")), [*UNDER4, "gtpu"], gtpu__messageType=255
    )
    yield case(over_udp4(53, Raw(b"no")), UNDER4)


def tcp_options() -> Iterator[Case]:
    names = [ETHER, "ipv4", "ipv4Options", "tcp"]
    syn = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 8)), ("NOP", None), ("WScale", 7)]
    full = ["mss", "windowScale", "sackPermitted", "timestamps"]
    fields = {"mss__mss": 1460, "windowScale__shift": 7, "timestamps__value": 7, "timestamps__echo": 8}
    yield case(frame() / ip4() / TCP(flags="S", options=syn), [*names, *full], **fields)
    turned = TCP(options=list(reversed(syn)))
    yield case(frame(Dot1Q()) / ip6() / turned / b"data", [ETHER, "vlan", "ipv6", "tcp", *full], **fields)
    sack = [("NOP", None), ("NOP", None), ("SAck", (1, 2, 3, 4))]
    yield case(frame() / ip4() / TCP(options=sack), [*names, "sack"], sack__length=18)
    unknown = [(253, b"\x12\x34ab"), ("MSS", 536), ("EOL", None), ("EOL", None)]
    yield case(frame() / ip4() / TCP(options=unknown), [*names, "mss"], mss__mss=536)
    yield case(frame() / ip4() / TCP(), names)
    for text, error in ((b"\x02\x01\0\0", "TcpOption"), (b"\x02\x08\0\0", "TcpOption"), (b"\x02\x03\0\0", "")):
        header = bytes(TCP(dataofs=6)) + text
        yield case(frame() / ip4(proto=6) / Raw(header), names, error=error)
    yield case(frame() / ip4(proto=6) / Raw(bytes(TCP(dataofs=15)) + b"\x01" * 40), names, error="ParserTimeout")
    yield case(frame() / ip4() / TCP(dataofs=4), names, error="HeaderTooShort")
    yield case(frame() / ip4() / UDP(), names[:-1])


def telemetry() -> Iterator[Case]:
    """INT, which scapy does not know."""
    instructions = struct.pack("!IHHHH", 2 << 28 | 2 << 8 | 6, 0xC000, 1, 0, 0)
    udp, tcp = [ETHER, "ipv4", "ipv4Options", "udp"], [ETHER, "ipv4", "ipv4Options", "tcp", "tcpOptions"]
    for n in (0, 1, 2, 8, 15, 16, 17, 40):
        words = b"".join(struct.pack("!I", 0x100 + i) for i in range(n))
        shim = struct.pack("!BBH", 0x14, 3 + n, 443)
        carried = shim + instructions + words + b"payload"
        stack = ["shim", "instructions", *(f"words[{i}]" for i in range(min(n, 16)))]
        fields = {"shim__length": 3 + n, "instructions__hopWords": 2} | ({"words_1__value": 0x101} if n > 1 else {})
        yield case(frame() / ip4(tos=0x5D) / UDP(dport=443) / Raw(carried), [*udp, *stack], **fields)
        options = TCP(dport=443, options=[("MSS", 9)])
        yield case(frame() / ip4(tos=0x5C) / options / Raw(carried), [*tcp, *stack], **fields)
        under = [ETHER, "vlan", "ipv6", "udp"]
        yield case(frame(Dot1Q()) / ip6(tc=0x5C) / UDP() / Raw(carried), [*under, *stack], **fields)
    yield case(frame() / ip6(tc=0x5C) / TCP() / Raw(b"\x24\0\0\0"), [ETHER, "ipv6", "tcp", "tcpOptions", "shim"])
    yield case(frame() / ip4(tos=0x58) / UDP() / Raw(b"no telemetry"), udp)
    old = b"\x14\x03\0\0" + b"\x10" + bytes(11)
    yield case(frame() / ip4(tos=0x5C) / UDP() / Raw(old), [*udp, "shim", "instructions"], error="IntVersion")
    short = b"\x14\x02\0\0" + instructions
    yield case(frame() / ip4(tos=0x5C) / UDP() / Raw(short), [*udp, "shim", "instructions"], error="IntLength")


def message(kind: str, body: bytes, length: int | None = None) -> bytes:
    """Return an ITCH message in a MoldUDP64 block."""
    inside = kind.encode() + struct.pack("!HH", 17, 2) + (34_200_000_000_000).to_bytes(6, "big") + body
    return struct.pack("!H", len(inside) if length is None else length) + inside


def feed(*messages: bytes, count: int | None = None) -> Packet:
    head = b"20261123AB" + struct.pack("!QH", 1001, len(messages) if count is None else count)
    return over_udp4(26400, Raw(head + b"".join(messages)))


def market_data() -> Iterator[Case]:
    stock = int.from_bytes(b"ACME    ", "big")
    bodies = {
        "A": ("body.add", struct.pack("!QcI8sI", 5, b"B", 100, b"ACME    ", 123400)),
        "F": ("body.add", struct.pack("!QcI8sI4s", 5, b"S", 100, b"ACME    ", 123400, b"MPID")),
        "E": ("body.executed", struct.pack("!QIQ", 5, 40, 9)),
        "C": ("body.executed", struct.pack("!QIQcI", 5, 40, 9, b"Y", 7)),
        "X": ("body.cancel", struct.pack("!QI", 5, 10)),
        "D": ("body.delete", struct.pack("!Q", 5)),
        "U": ("body.replace", struct.pack("!QQII", 5, 6, 10, 99)),
        "P": ("body.trade", struct.pack("!QcI8sIQ", 5, b"B", 1, b"ACME    ", 3, 4)),
    }
    base = [*UNDER4, "mold"]
    for kind, (name, body) in bodies.items():
        for n in (1, 2, 4, 5):
            heads = [f"messages[{i}]" for i in range(min(n, 4))]
            packet = feed(*[message(kind, body)] * n)
            found = case(packet, [*base, *heads, name], mold__sequence=1001, messages_0__stockLocate=17)
            found.fields[f"{name}.order"] = 5
            if name in ("body.add", "body.trade"):
                found.fields[f"{name}.stock"] = stock
            yield found
        yield case(feed(message(kind, body, length=12)), [*base, "messages[0]", name], error="MessageLength")
    yield case(feed(message("S", b"O"), message("A", bodies["A"][1])), [*base, "messages[0]", "messages[1]"])
    yield case(feed(), base)
    yield case(feed(count=0xFFFF), base)
    yield case(feed(message("S", b"O", length=3)), [*base, "messages[0]"], error="MessageLength")
    yield case(over_udp6(26400, Raw(bytes(18) + b"\0\0")), [ETHER, "vlan", "ipv6", "udp", "mold"])
    yield case(over_udp4(53, Raw(b"no")), UNDER4)


PROTOCOLS = {
    "geneve": geneve,
    "gtpu": gtpu,
    "int": telemetry,
    "market_data": market_data,
    "mpls": mpls,
    "nsh": nsh,
    "srv6": srv6,
    "tcp_options": tcp_options,
}
