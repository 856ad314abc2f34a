"""Finds the fields that routing needs in a program that it has never seen, by the shape of its headers.

Ethernet is known by its three fields, IPv4 (RFC 791) by where TTL, protocol, checksum and addresses stand, TCP
(RFC 9293) and UDP (RFC 768) by their ports, lengths and size; whatever they are called.  The topology may name the
fields instead.  Feeds ``routing.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol

from datapath import TopologyError
from topologies import L3Fields, Topology


class LayoutField(Protocol):
    """What is needed of a field of the compiled program's layout."""

    @property
    def path(self) -> str: ...
    @property
    def width_bits(self) -> int: ...
    @property
    def header(self) -> str: ...
    @property
    def header_offset_bits(self) -> int: ...


# (offset, width) in bits of the fields that make a shape; a header may have more fields than these
_ETHERNET = ((0, 48), (48, 48), (96, 16))
_IPV4 = ((0, 4), (4, 4), (64, 8), (72, 8), (80, 16), (96, 32), (128, 32))
_TCP = ((0, 16), (16, 16), (32, 32), (64, 32), (112, 16), (128, 16), (144, 16))
_UDP = ((0, 16), (16, 16), (32, 16), (48, 16))

Shape = tuple[tuple[int, int], ...]
Places = dict[tuple[int, int], str]  # the fields of one header: (offset, width) -> path
_NEEDED = {
    "l3-ecmp": ("ethernet_dst", "ethernet_src", "ipv4_dst", "ipv4_ttl", "hash"),
    "l2": ("ethernet_dst",),
    "none": (),
}


def find_l3_fields(topology: Topology, fields: Iterable[LayoutField]) -> L3Fields:
    """Return the paths of the fields that routing uses.

    Args:
        topology: its ``fields`` go before what is found.
        fields: the fields of the compiled program's flow key.

    Raises:
        TopologyError: A field is neither named nor to be found, or a name is none of the program's.
    """
    listed = list(fields)
    headers: dict[str, Places] = {}
    for field in listed:
        if field.header and not field.path.rpartition(".")[2].startswith("$"):
            place = (field.header_offset_bits, field.width_bits)
            headers.setdefault(field.header, {})[place] = field.path
    ethernet, ipv4 = _first(headers, _ETHERNET), _first(headers, _IPV4)
    named = topology.fields
    found = L3Fields(
        ethernet_dst=named.ethernet_dst or ethernet.get((0, 48), ""),
        ethernet_src=named.ethernet_src or ethernet.get((48, 48), ""),
        ipv4_dst=named.ipv4_dst or ipv4.get((128, 32), ""),
        ipv4_ttl=named.ipv4_ttl or ipv4.get((64, 8), ""),
        hash=named.hash or _hash_fields(headers, ipv4),
    )
    _check(topology, found, {field.path for field in listed}, headers)
    return found


def _first(headers: dict[str, Places], shape: Shape) -> Places:
    """Return the first header, in order of declaration, that has the shape."""
    size = max(offset + width for offset, width in shape)
    for places in headers.values():
        if all(place in places for place in shape) and max(o + w for o, w in places) == size:
            return places
    return {}


def _hash_fields(headers: dict[str, Places], ipv4: Places) -> tuple[str, ...]:
    """Return addresses, protocol, and the ports of TCP and UDP where the program has them."""
    paths = [ipv4[place] for place in ((96, 32), (128, 32), (72, 8)) if place in ipv4]
    for shape in (_TCP, _UDP):
        layer4 = _first(headers, shape)
        paths += [layer4[place] for place in ((0, 16), (16, 16)) if place in layer4]
    return tuple(paths)


def _check(topology: Topology, found: L3Fields, known: set[str], headers: dict[str, Places]) -> None:
    where = topology.source or topology.name
    faults = []
    for name in _NEEDED[topology.routing]:
        value = getattr(found, name)
        if not value:
            faults.append(
                f"{where}: error: routing {topology.routing} needs {name}; {topology.program} has no such header"
                f"\n  hint: name the field under 'fields:'; the headers are {', '.join(headers) or '(none)'}"
            )
        for path in (value,) if isinstance(value, str) else value:
            if path and path not in known:
                close = difflib.get_close_matches(path, sorted(known), n=1)
                hint = f"\n  hint: did you mean '{close[0]}'?" if close else ""
                faults.append(f"{where}: error: fields.{name}: {topology.program} has no field '{path}'{hint}")
    if faults:
        raise TopologyError("\n".join(faults))
