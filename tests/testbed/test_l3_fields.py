"""Finding the fields of Ethernet and IPv4 in programs that call them what they like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from datapath import TopologyError
from testbed.l3_fields import find_l3_fields
from topologies import L3Fields, Topology, load

SHAPES = {
    "ethernet": {"dst": (0, 48), "src": (48, 48), "kind": (96, 16)},
    "ipv4": {
        **{"ver": (0, 4), "ihl": (4, 4), "tos": (8, 8), "len": (16, 16), "id": (32, 16), "off": (48, 16)},
        **{"hops": (64, 8), "next": (72, 8), "sum": (80, 16), "from": (96, 32), "to": (128, 32)},
    },
    "udp": {"sport": (0, 16), "dport": (16, 16), "len": (32, 16), "sum": (48, 16)},
    "shim": {"x": (0, 16), "y": (16, 16)},
}


@dataclass(frozen=True)
class Field:
    path: str
    width_bits: int
    header: str = ""
    header_offset_bits: int = 0


def _fields(**headers: str) -> list[Field]:
    """Return the layout of a program: header name -> shape."""
    found = [Field("in_port", 32)]
    for header, shape in headers.items():
        found.append(Field(f"{header}.$valid", 1, header))
        found += [Field(f"{header}.{name}", w, header, o) for name, (o, w) in SHAPES[shape].items()]
    return found


ROUTED = load("leaf-spine")


def _with(**fields: object) -> Topology:
    return replace(ROUTED, fields=L3Fields(**fields))  # type: ignore[arg-type]


def test_by_shape() -> None:
    found = find_l3_fields(ROUTED, _fields(s="shim", mac="ethernet", network="ipv4", transport="udp"))
    assert found == L3Fields(
        ethernet_dst="mac.dst",
        ethernet_src="mac.src",
        ipv4_dst="network.to",
        ipv4_ttl="network.hops",
        hash=("network.from", "network.to", "network.next", "transport.sport", "transport.dport"),
    )


def test_the_first_of_several() -> None:
    found = find_l3_fields(ROUTED, _fields(eth="ethernet", outer="ipv4", inner="ipv4"))
    assert found.ipv4_dst == "outer.to"


def test_names_go_first() -> None:
    topology = _with(ipv4_dst="inner.to", hash=("inner.from",))
    found = find_l3_fields(topology, _fields(eth="ethernet", outer="ipv4", inner="ipv4"))
    assert (found.ipv4_dst, found.ipv4_ttl, found.hash) == ("inner.to", "outer.hops", ("inner.from",))


def test_nothing_of_that_shape() -> None:
    with pytest.raises(TopologyError) as caught:
        find_l3_fields(ROUTED, _fields(eth="ethernet", odd="shim"))
    assert "routing l3-ecmp needs ipv4_dst" in str(caught.value)
    assert "the headers are eth, odd" in str(caught.value)
    assert "ethernet_dst" not in str(caught.value)


def test_names_that_the_program_does_not_have() -> None:
    with pytest.raises(TopologyError) as caught:
        find_l3_fields(_with(ipv4_ttl="ip.hop", hash=("ip.from", "zz")), _fields(eth="ethernet", ip="ipv4"))
    assert "fields.ipv4_ttl: l2l3 has no field 'ip.hop'\n  hint: did you mean 'ip.hops'?" in str(caught.value)
    assert "fields.hash: l2l3 has no field 'zz'" in str(caught.value)


def test_l2_needs_ethernet_only() -> None:
    assert find_l3_fields(load("linear"), _fields(eth="ethernet")).ethernet_dst == "eth.dst"
    with pytest.raises(TopologyError, match="routing l2 needs ethernet_dst"):
        find_l3_fields(load("linear"), _fields(odd="shim"))
