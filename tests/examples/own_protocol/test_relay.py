"""A test of a protocol that no switch knew before: 30 lines of P4, 9 of YAML, and this."""

from typing import ClassVar

import pytest
from scapy.fields import ByteField, ShortField, XShortField
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import checksum

pytestmark = pytest.mark.topology("relay.yaml")


class Relay(Packet):
    fields_desc: ClassVar = [
        ShortField("channel", 7),
        ByteField("hops", 9),
        ByteField("kind", 1),
        XShortField("checksum", None),
    ]

    def post_build(self, header: bytes, payload: bytes) -> bytes:
        if self.checksum is None:
            header = header[:4] + checksum(header[:4] + b"\0\0").to_bytes(2, "big")
        return header + payload


def relay(**fields: int) -> Packet:
    return Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B6) / Relay(**fields) / Raw(b"reading")


def test_channel_is_rewritten_and_the_checksum_follows(inject, expect, packet_checksums):
    with expect("b", relay(channel=9, hops=8)) as seen:
        inject("a", relay(channel=7, hops=9))
    packet_checksums(seen.captured.data)


def test_last_hop_goes_no_further(inject, expect_none):
    with expect_none("b", drop="TTL"):
        inject("a", relay(hops=1))


def test_other_protocols_are_rejected(inject, expect_none):
    with expect_none("b", drop="PARSER_REJECT"):
        inject("a", Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x0800) / Raw(bytes(46)))
