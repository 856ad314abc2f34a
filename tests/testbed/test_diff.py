"""Comparing packets: masks by field name, and what is said of a difference."""

from __future__ import annotations

import itertools
from typing import ClassVar

import pytest
from scapy.fields import ShortField, XShortField
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from testbed.diff import diff_packets, dissect, field_places, ignore_mask, matches

ETHER = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
PACKET = Ether(bytes(ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ttl=64) / UDP(sport=1, dport=2) / Raw(b"hello")))


def _changed(**fields: object) -> Ether:
    copy = PACKET.copy()
    for name, value in fields.items():
        copy[IP].setfieldval(name, value)
    return Ether(bytes(copy))


def test_places_cover_the_packet_without_gaps() -> None:
    packet = Ether(bytes(ETHER / Dot1Q(vlan=5, prio=3) / IP(options=[]) / TCP(options=[("MSS", 1460)]) / b"data"))
    places = field_places(packet)
    assert places[0].start_bits == 0
    assert all(a.end_bits == b.start_bits for a, b in itertools.pairwise(places))
    assert places[-1].end_bits == 8 * len(bytes(packet))
    by_name = {place.name: (place.start_bits, place.end_bits) for place in places}
    assert by_name["Dot1Q.vlan"] == (14 * 8 + 4, 16 * 8)
    assert by_name["IP.ttl"] == (26 * 8, 27 * 8)


def test_equal_packets() -> None:
    assert diff_packets(PACKET, PACKET.copy()) == ""
    assert diff_packets(bytes(PACKET), bytes(PACKET)) == ""


class Tag(Packet):
    """A header that scapy finds behind nothing."""

    fields_desc: ClassVar = [ShortField("zone", 7), XShortField("sum", None)]

    def post_build(self, header: bytes, payload: bytes) -> bytes:
        return (header[:2] + header[:2] if self.sum is None else header) + payload


TAGGED = (
    Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B7)
    / Tag(zone=3)
    / IP(src="10.0.0.1", dst="10.0.0.2", ttl=64)
    / UDP()
    / b"hello"
)


def test_headers_of_ones_own_are_compared_field_by_field() -> None:
    other = TAGGED.copy()
    other[Tag].zone, other[IP].ttl = 5, 63
    differing = [line.split(":")[0].strip() for line in diff_packets(TAGGED, bytes(other)).splitlines()]
    assert differing == ["Tag.zone", "Tag.sum", "IP.ttl", "IP.chksum"]
    mask = ignore_mask(dissect(TAGGED), differing)
    assert matches(bytes(TAGGED), bytes(other), mask)


def test_raw_bytes_in_front_of_a_known_header() -> None:
    packet = (
        Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B7)
        / Raw(b"\1\2\3")
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / UDP()
    )
    other = packet.copy()
    other[IP].ttl = 9
    assert "IP.ttl: expected 64, got 9" in diff_packets(packet, bytes(other))


def test_what_does_not_fit_the_expected_layers_is_compared_by_bytes() -> None:
    assert diff_packets(TAGGED, bytes(TAGGED)[:15]) != ""
    assert "size: expected" in diff_packets(TAGGED, bytes(TAGGED)[:20])


def test_each_field_that_differs_has_a_line() -> None:
    text = diff_packets(PACKET, _changed(ttl=63, dst="10.0.0.3"))
    assert text.splitlines() == ["  IP.ttl: expected 64, got 63", "  IP.dst: expected 10.0.0.2, got 10.0.0.3"]


def test_masked_fields_do_not_count() -> None:
    mask = ignore_mask(PACKET, ["IP.ttl"])
    assert sum(255 - byte for byte in mask) == 255
    assert matches(bytes(PACKET), bytes(_changed(ttl=3)), mask)
    assert not matches(bytes(PACKET), bytes(_changed(ttl=3, tos=4)), mask)
    assert diff_packets(PACKET, _changed(ttl=3, tos=4), mask) == "  IP.tos: expected 0x0, got 0x4"


def test_a_field_of_some_bits_masks_those_bits() -> None:
    mask = ignore_mask(PACKET, ["IP.flags"])
    assert mask[20] == 0x1F
    assert mask.count(0xFF) == len(mask) - 1


def test_whole_layers_and_payload_can_be_ignored() -> None:
    mask = ignore_mask(PACKET, ["UDP", "payload"])
    assert mask == b"\xff" * 34 + b"\0" * 13


def test_unknown_fields_are_refused_with_the_known() -> None:
    with pytest.raises(ValueError, match=r"no field 'IP.hops'; it has Ether.dst, .*IP.ttl"):
        ignore_mask(PACKET, ["IP.hops"])


def test_missing_and_additional_layers() -> None:
    tagged = Ether(bytes(ETHER / Dot1Q(vlan=5) / PACKET[IP]))
    text = diff_packets(PACKET, tagged)
    assert "Ether.type: expected 0x800, got 0x8100" in text.replace("IPv4", "0x800").replace("VLAN", "0x8100").replace(
        "n_802_1Q", "0x8100"
    )
    assert "  Dot1Q.vlan: not expected, got 5" in text
    assert "size: expected 47 bytes, got 51" in text


def test_payloads_are_shown_as_bytes() -> None:
    other = Ether(bytes(ETHER / PACKET[IP].copy()))
    other[Raw].load = b"jello"
    assert diff_packets(PACKET, other) == "  payload: expected 68 65 6c 6c 6f, got 6a 65 6c 6c 6f"


def test_padding_of_short_frames_does_not_count_but_other_bytes_do() -> None:
    short = bytes(PACKET)
    assert matches(short, short + b"\0" * (60 - len(short)))
    assert not matches(short, short + b"\0" * (61 - len(short)))
    assert not matches(short, short + b"\1")
    assert not matches(short, short[:-1])


def test_bytes_that_are_no_packet_can_be_compared() -> None:
    assert diff_packets(b"\1" * 20, b"\1" * 19 + b"\2") != ""
