"""In-band telemetry in the v1model style: each switch writes into the room that the sender left."""

from typing import ClassVar

import pytest
from scapy.fields import ByteField, FieldLenField, PacketListField, ShortField, XShortField
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import checksum

pytestmark = pytest.mark.topology("travel_log.yaml")


class Record(Packet):
    fields_desc: ClassVar = [ShortField("node", 0), ShortField("port", 0)]

    def extract_padding(self, rest: bytes) -> tuple[bytes, bytes]:
        return b"", rest


class Log(Packet):
    fields_desc: ClassVar = [
        ByteField("n_used", 0),
        FieldLenField("room", None, fmt="B", count_of="records"),
        XShortField("sum", None),
        PacketListField("records", [], Record, count_from=lambda packet: packet.room),
    ]

    def post_build(self, header: bytes, payload: bytes) -> bytes:
        if self.sum is None:
            header = header[:2] + checksum(header[:2]).to_bytes(2, "big") + header[4:]
        return header + payload


def logged(*nodes: int, room: int) -> Packet:
    """Return a packet that has been at some nodes, always in at port 1."""
    records = [Record(node=node, port=1) for node in nodes] + [Record() for _ in range(room - len(nodes))]
    frame = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B9)
    return frame / Log(n_used=len(nodes), records=records) / Raw(b"reading")


def test_every_switch_signs(inject, expect, packet_checksums):
    with expect("h2", logged(101, 102, 103, room=4)) as seen:
        inject("h1", logged(room=4))
    packet_checksums(seen.captured.data)


def test_a_full_log_is_carried_on_unchanged(inject, expect):
    with expect("h2", logged(101, 102, room=2)):
        inject("h1", logged(room=2))


def test_no_room_at_all(inject, expect):
    with expect("h2", logged(room=0)):
        inject("h1", logged(room=0))


def test_other_packets_are_forwarded_too(inject, expect):
    plain = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88BA) / Raw(bytes(46))
    with expect("h2", plain):
        inject("h1", plain)
