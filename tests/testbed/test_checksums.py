"""The full recomputation of checksums, against scapy's and against packets broken on purpose."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Raw

from testbed.checksums import assert_checksums, check_checksums, internet_checksum

ETHER = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
V4 = IP(src="10.0.0.1", dst="10.0.0.2")
V6 = IPv6(src="fd00::1", dst="fd00::2")

PACKETS = {
    "udp": (ETHER / V4 / UDP(sport=1, dport=2) / b"odd", ["IP", "UDP"]),
    "tcp": (ETHER / V4 / TCP(options=[("MSS", 1460)]) / b"even", ["IP", "TCP"]),
    "icmp": (ETHER / V4 / ICMP() / b"ping!", ["IP", "ICMP"]),
    "vlan": (ETHER / Dot1Q(vlan=7) / V4 / UDP(dport=9), ["IP", "UDP"]),
    "ip options": (ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[b"\x94\x04\x00\x00"]) / UDP(), ["IP", "UDP"]),
    "udp6": (ETHER / V6 / UDP(dport=9) / b"abc", ["UDP"]),
    "icmp6": (ETHER / V6 / ICMPv6EchoRequest(data=b"abc"), ["ICMPv6EchoRequest"]),
    "tunnel": (ETHER / V4 / GRE() / IP(src="1.1.1.1", dst="2.2.2.2") / TCP() / b"x", ["IP", "IP[1]", "TCP"]),
    "udp without": (ETHER / V4 / UDP(chksum=0) / b"x", ["IP"]),
    "fragment": (ETHER / IP(src="10.0.0.1", dst="10.0.0.2", flags="MF") / UDP(chksum=77) / b"x", ["IP"]),
}


@pytest.mark.parametrize("name", PACKETS)
def test_scapys_checksums_are_right(name: str) -> None:
    packet, layers = PACKETS[name]
    results = check_checksums(bytes(packet))
    assert [result.layer for result in results] == layers
    assert all(result.correct for result in results), results
    assert_checksums(packet)


@pytest.mark.parametrize("name", PACKETS)
def test_every_flipped_bit_of_a_covered_byte_is_found(name: str) -> None:
    packet, layers = PACKETS[name]
    data = bytes(packet)
    start = 18 if name == "vlan" else 14
    if layers[0] == "IP":
        for at in (start + 8, start + 12, start + 19):  # TTL and addresses
            broken = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            with pytest.raises(AssertionError, match=r"IP checksum 0x[0-9a-f]{4}: should be"):
                assert_checksums(broken)
    if layers[-1] not in ("IP", "ICMP") and name != "vlan":
        broken = data[:-1] + bytes([data[-1] ^ 1])
        with pytest.raises(AssertionError, match=rf"^wrong checksums: {layers[-1]} checksum"):
            assert_checksums(broken)


def test_padding_is_not_summed() -> None:
    data = bytes(PACKETS["udp"][0])
    assert_checksums(data + b"\xff" * 9)


def test_a_computed_zero_is_sent_as_ones() -> None:
    packet = bytes(ETHER / V4 / UDP(sport=1, dport=2, chksum=0) / Raw(b"\0\0"))
    pseudo_header = packet[26:34] + b"\0\x11\0\x0a"
    missing = internet_checksum(pseudo_header + packet[34:])
    packet = packet[:-2] + missing.to_bytes(2, "big")
    assert internet_checksum(pseudo_header + packet[34:]) == 0
    good = packet[:40] + b"\xff\xff" + packet[42:]
    assert_checksums(good)
    assert [r.layer for r in check_checksums(packet)] == ["IP"], "zero on the wire is 'none'"


def test_a_packet_without_checksum_is_no_proof() -> None:
    with pytest.raises(AssertionError, match="no checksum that could be checked"):
        assert_checksums(bytes(ETHER / b"nothing"))


def test_known_value() -> None:
    """RFC 1071, section 3: the example's sum is ddf2."""
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF
