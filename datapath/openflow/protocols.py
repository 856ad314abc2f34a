"""Recognise well-known headers in a key layout, so that Open vSwitch's field names mean something there.

The rule.  A header is taken for a protocol's if its width and the places of its telling fields are that protocol's
(``Shape.anchors``; other fields may be split or joined as the program likes).  Where another protocol could have the
same shape (UDP, ICMP, a VLAN tag in two fields ...) its path or type name must also contain one of ``Shape.words``.
Of several such headers the outermost counts: those without "inner" in their path first, then in order of declaration,
which puts element 0 of a stack first.  No program is known by name.

Used by ``fields.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from datapath.ir.layout import KeyHeader, KeyLayout


@dataclass(frozen=True)
class Shape:
    """How a protocol's header looks: (offset, width) in bits of fields that must be there."""

    width_bits: int
    anchors: tuple[tuple[int, int], ...]
    words: tuple[str, ...] = ()  # one of them must be in the path or the type's name; (): the shape is enough
    at_least: bool = False  # the header may be longer than ``width_bits``
    unless: tuple[str, ...] = ()  # words that say it is something else


SHAPES: dict[str, tuple[Shape, ...]] = {
    "ethernet": (Shape(112, ((0, 48), (48, 48), (96, 16))),),  # IEEE 802.3
    "vlan": (  # IEEE 802.1Q
        Shape(32, ((0, 3), (3, 1), (4, 12), (16, 16))),
        Shape(32, ((0, 16), (16, 16)), ("vlan", "dot1q", "8021q", "tag")),
        Shape(32, ((4, 12), (16, 16)), ("vlan", "dot1q", "8021q", "tag")),
    ),
    "mpls": (Shape(32, ((0, 20), (20, 3), (23, 1), (24, 8))),),  # RFC 3032
    "arp": (  # RFC 826, for Ethernet and IPv4
        Shape(224, ((48, 16), (64, 48), (112, 32), (144, 48), (192, 32))),
        Shape(64, ((0, 16), (16, 16), (48, 16)), ("arp",)),
    ),
    "arp_addresses": (Shape(160, ((0, 48), (48, 32), (80, 48), (128, 32)), ("arp",)),),
    "ipv4": (Shape(160, ((64, 8), (72, 8), (80, 16), (96, 32), (128, 32))),),  # RFC 791
    "ipv6": (Shape(320, ((48, 8), (56, 8), (64, 128), (192, 128))),),  # RFC 8200
    "tcp": (Shape(160, ((0, 16), (16, 16), (32, 32), (64, 32), (112, 16), (128, 16), (144, 16))),),  # RFC 9293
    "udp": (Shape(64, ((0, 16), (16, 16), (32, 16), (48, 16)), ("udp",)),),  # RFC 768
    "sctp": (Shape(96, ((0, 16), (16, 16), (32, 32), (64, 32)), ("sctp",)),),  # RFC 9260
    "icmp6": (Shape(32, ((0, 8), (8, 8), (16, 16)), ("icmpv6", "icmp6", "icmp_v6"), at_least=True),),  # RFC 4443
    "icmp": (  # RFC 792
        Shape(32, ((0, 8), (8, 8), (16, 16)), ("icmp",), at_least=True, unless=("icmpv6", "icmp6", "icmp_v6")),
    ),
}


def recognise_protocols(layout: KeyLayout) -> dict[str, KeyHeader]:
    """Return the outermost header of each protocol that the layout has.

    Args:
        layout: Of any program.

    Returns:
        Protocol (a key of ``SHAPES``) -> header.
    """
    places: dict[str, set[tuple[int, int]]] = {header.path: set() for header in layout.headers}
    for field in layout.fields:
        if field.header in places and not field.path.rpartition(".")[2].startswith("$"):
            places[field.header].add((field.header_offset_bits, field.width_bits))
    outermost_first = sorted(layout.headers, key=lambda h: ("inner" in h.path.lower(), h.header_id))
    found: dict[str, KeyHeader] = {}
    for protocol, shapes in SHAPES.items():
        for header in outermost_first:
            if any(_fits(shape, header, places[header.path]) for shape in shapes):
                found[protocol] = header
                break
    return found


def _fits(shape: Shape, header: KeyHeader, places: set[tuple[int, int]]) -> bool:
    wide_enough = header.width_bits == shape.width_bits or (shape.at_least and header.width_bits > shape.width_bits)
    names = f"{header.path} {header.type_name}".lower()
    named = not shape.words or any(word in names for word in shape.words)
    return wide_enough and named and places.issuperset(shape.anchors) and not any(w in names for w in shape.unless)
