"""Recomputes every checksum of a captured packet in full, to check what the switch did incrementally.

The data path never sums a payload; assertions do.  Knows IPv4's header checksum, and the checksums of TCP, UDP, ICMP,
ICMPv6 and IGMP over their payloads, at every depth that scapy can dissect (tunnels too).  A UDP checksum of zero over
IPv4 means "none" and is fine.  Used by the plugin's assertions, by ``capture.py`` and by tests.

Source: RFC 1071; RFC 791, 792, 768, 9293, 8200 section 8.1, 4443.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PROTOCOLS = {"TCP": 6, "UDP": 17}
_IPV6_PROTOCOL_ICMP = 58


@dataclass(frozen=True)
class ChecksumResult:
    """One checksum of a packet."""

    layer: str  # "IP", "TCP", with its number if there are several: "IP[1]"
    found: int
    expected: int

    @property
    def correct(self) -> bool:
        return self.found == self.expected

    def __str__(self) -> str:
        verdict = "correct" if self.correct else f"should be 0x{self.expected:04x}"
        return f"{self.layer} checksum 0x{self.found:04x}: {verdict}"


def internet_checksum(data: bytes) -> int:
    """Return the Internet checksum of some bytes, as it stands in a header (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) ^ 0xFFFF


def check_checksums(packet: Any) -> list[ChecksumResult]:
    """Return every checksum that the packet has, recomputed.

    Those that cannot be are left out: in fragments, in cut packets, behind IPv6 extension headers.

    Args:
        packet: bytes that begin with Ethernet, or a scapy packet (whose bytes are taken as they would be sent).
    """
    results: list[ChecksumResult] = []
    counts: dict[str, int] = {}
    layer = _dissect(packet)
    while layer is not None and layer.__class__.__name__ != "NoPayload":
        name = layer.__class__.__name__
        result = _check_layer(layer)
        if result is not None:
            number = counts.get(name, 0)
            counts[name] = number + 1
            results.append(ChecksumResult(f"{name}[{number}]" if number else name, *result))
        layer = layer.payload
    return results


def assert_checksums(packet: Any, declared: Sequence[ChecksumResult] = ()) -> None:
    """Fail unless the packet has a checksum and all it has are correct.

    Args:
        packet: bytes that begin with Ethernet, or a scapy packet.
        declared: what ``declared_checksums.py`` found in it besides.
    """
    __tracebackhide__ = True  # pytest shows the test's own line
    results = [*check_checksums(packet), *declared]
    wrong = [str(result) for result in results if not result.correct]
    if wrong:
        raise AssertionError("wrong checksums: " + "; ".join(wrong))
    if not results:
        raise AssertionError(f"the packet has no checksum that could be checked: {_dissect(packet).summary()}")


def _dissect(packet: Any) -> Any:
    from scapy.layers.l2 import Ether  # scapy takes 0.3 s

    data = bytes(packet)
    first = packet.__class__ if hasattr(packet, "fields_desc") else Ether
    return first(data)


def _check_layer(layer: Any) -> tuple[int, int] | None:
    """Return (found, expected) for a layer with a checksum that can be recomputed."""
    name = layer.__class__.__name__
    if name == "IP":
        header = bytearray(layer.original[: 4 * layer.ihl])
        if len(header) < 20 or len(header) < 4 * layer.ihl:
            return None
        header[10:12] = b"\0\0"
        return int(layer.chksum), internet_checksum(bytes(header))
    network = layer.underlayer
    if name in _PROTOCOLS or name == "ICMP" or name.startswith("ICMPv6") or name == "IGMP":
        return _check_transport(layer, network, name)
    return None


def _check_transport(layer: Any, network: Any, name: str) -> tuple[int, int] | None:
    data = _segment(network)
    if data is None:
        return None
    field = 16 if name == "TCP" else 6 if name == "UDP" else 2
    if len(data) < field + 2:
        return None
    found = struct.unpack_from("!H", data, field)[0]
    if name == "UDP" and found == 0 and _is_ipv4(network):
        return None  # RFC 768: the sender made none
    summed = data[:field] + b"\0\0" + data[field + 2 :]
    if name in _PROTOCOLS:
        summed = _pseudo_header(network, _PROTOCOLS[name], len(data)) + summed
    elif name.startswith("ICMPv6"):
        summed = _pseudo_header(network, _IPV6_PROTOCOL_ICMP, len(data)) + summed
    expected = internet_checksum(summed)
    if name == "UDP" and expected == 0:
        expected = 0xFFFF
    return found, expected


def _is_ipv4(network: Any) -> bool:
    return bool(network.__class__.__name__ == "IP")


def _segment(network: Any) -> bytes | None:
    """Return what an IP packet carries, without Ethernet's padding; None for fragments and cut packets."""
    if network is None or network.__class__.__name__ not in ("IP", "IPv6"):
        return None
    if _is_ipv4(network):
        if network.frag or network.flags.MF:
            return None
        start, size = 4 * network.ihl, network.len
    else:
        start, size = 40, 40 + network.plen
    data = bytes(network.original[start:size])
    return data if len(network.original) >= size else None


def _pseudo_header(network: Any, protocol: int, size: int) -> bytes:
    if _is_ipv4(network):
        return bytes(network.original[12:20]) + struct.pack("!BBH", 0, protocol, size)
    return bytes(network.original[8:40]) + struct.pack("!IHBB", size, 0, 0, protocol)
