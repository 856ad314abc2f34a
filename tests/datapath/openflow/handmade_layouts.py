"""Key layouts built by hand, as small as each test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datapath.ir.layout import LAYOUT_VERSION, KeyField, KeyHeader, KeyLayout
from datapath.ir.model import CORE_ERRORS

Fields = Sequence[tuple[str, int]]  # (name, width in bits)

ETHERNET: Fields = (("dstAddr", 48), ("srcAddr", 48), ("etherType", 16))
VLAN: Fields = (("pcp", 3), ("dei", 1), ("vid", 12), ("etherType", 16))
ARP: Fields = (
    ("hwType", 16), ("protoType", 16), ("hwSize", 8), ("protoSize", 8), ("op", 16),
    ("sha", 48), ("spa", 32), ("tha", 48), ("tpa", 32),
)  # fmt: skip
IPV4: Fields = (
    ("version", 4), ("ihl", 4), ("diffserv", 8), ("totalLen", 16), ("identification", 16), ("flags", 3),
    ("fragOffset", 13), ("ttl", 8), ("protocol", 8), ("hdrChecksum", 16), ("srcAddr", 32), ("dstAddr", 32),
)  # fmt: skip
IPV6: Fields = (
    ("version", 4), ("trafficClass", 8), ("flowLabel", 20), ("payloadLen", 16), ("nextHdr", 8), ("hopLimit", 8),
    ("srcAddr", 128), ("dstAddr", 128),
)  # fmt: skip
TCP: Fields = (
    ("srcPort", 16), ("dstPort", 16), ("seqNo", 32), ("ackNo", 32), ("dataOffset", 4), ("res", 3), ("ecn", 3),
    ("ctrl", 6), ("window", 16), ("checksum", 16), ("urgentPtr", 16),
)  # fmt: skip
UDP: Fields = (("srcPort", 16), ("dstPort", 16), ("length", 16), ("checksum", 16))
ICMP: Fields = (("type", 8), ("code", 8), ("checksum", 16))
SHIM: Fields = (("version", 4), ("flags", 4), ("hops", 8), ("tenant", 24), ("slice", 8), ("nextType", 16))

L2L3: Mapping[str, Fields] = {
    "ethernet": ETHERNET,
    "vlan[0]": VLAN,
    "vlan[1]": VLAN,
    "arp": ARP,
    "ipv4": IPV4,
    "ipv6": IPV6,
    "icmp": ICMP,
    "icmpv6": ICMP,
    "tcp": TCP,
    "udp": UDP,
    "shim": SHIM,
}


def make_layout(headers: Mapping[str, Fields], shared: Mapping[str, str] | None = None) -> KeyLayout:
    """Return the layout of a program with these headers.

    Args:
        headers: Path -> fields.
        shared: Header -> header declared before it, whose slot it uses too.
    """
    offset = 16
    key_headers, fields = [], [KeyField("in_port", 0, 32), KeyField("parser_error", 32, 8)]
    starts: dict[str, int] = {}
    for number, (path, members) in enumerate(headers.items()):
        width_bits = sum(width for _, width in members)
        size = (width_bits + 7) // 8
        starts[path] = starts[shared[path]] if shared and path in shared else offset
        offset = max(offset, starts[path] + size)
        type_name = path.partition("[")[0] + "_t"
        key_headers.append(KeyHeader(path, type_name, number, starts[path], size, width_bits, number))
        fields.append(KeyField(f"{path}.$valid", 64 + number, 1, path))
        at = 0
        for name, width in members:
            fields.append(KeyField(f"{path}.{name}", starts[path] * 8 + at, width, path, at))
            at += width
    return KeyLayout(
        LAYOUT_VERSION, "handmade", (offset + 7) // 8 * 8, tuple(key_headers), tuple(fields), (), CORE_ERRORS
    )
