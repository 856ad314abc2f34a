"""A header that no other switch knows, between Ethernet and IPv4: matched on, rewritten, its checksum kept right."""

from typing import ClassVar

import pytest
from scapy.fields import BitField, ByteField, ThreeBytesField, XShortField
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, bind_layers
from scapy.utils import checksum

pytestmark = pytest.mark.topology("shim.yaml")


class Shim(Packet):
    fields_desc: ClassVar = [
        BitField("version", 1, 4),
        BitField("flags", 0, 4),
        ByteField("hops", 5),
        ThreeBytesField("tenant", 0),
        ByteField("slice", 0),
        XShortField("next", 0x0800),
        XShortField("checksum", None),
    ]

    def post_build(self, header: bytes, payload: bytes) -> bytes:
        if self.checksum is None:
            header = header[:8] + checksum(header[:8] + b"\0\0").to_bytes(2, "big")
        return header + payload


bind_layers(Ether, Shim, type=0x88B5)
bind_layers(Shim, IP, next=0x0800)


def shim(payload: Packet, destination: str = "10.0.0.9", **fields: int) -> Packet:
    ether = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
    return ether / Shim(**fields) / IP(src="10.0.0.1", dst=destination) / payload


def test_tenant_is_mapped_to_its_slice(inject, expect):
    with expect("server", shim(TCP(dport=80) / b"hello", tenant=42, slice=7, hops=4)):
        inject("client", shim(TCP(dport=80) / b"hello", tenant=42))


def test_a_range_of_tenants_by_mask(inject, expect):
    with expect("quarantine", shim(UDP(dport=80), tenant=0x1FF, slice=9, hops=4)):
        inject("client", shim(UDP(dport=80), tenant=0x1FF))


def test_headers_behind_the_shim_are_matched_and_their_checksums_follow(inject, expect, packet_checksums):
    with expect("server", shim(UDP(dport=53) / b"query", "10.0.0.53", tenant=42, slice=7, hops=4)) as seen:
        inject("client", shim(UDP(dport=53) / b"query", tenant=42))
    packet_checksums(bytes(Ether(seen.captured.data)))


def test_unknown_version_is_rejected_and_counted(network, inject, expect_none):
    before = network.client.stats("edge")["parser_errors"].get("ShimVersion", 0)
    with expect_none("server", drop="PARSER_REJECT"):
        inject("client", shim(UDP(dport=53), tenant=42, version=2))
    assert network.client.stats("edge")["parser_errors"]["ShimVersion"] == before + 1


def test_no_hops_left(inject, expect_none):
    with expect_none("server", drop="TTL"):
        inject("client", shim(UDP(dport=53), tenant=42, hops=1))
