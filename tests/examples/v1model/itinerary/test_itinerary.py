"""Source routing in the v1model style: the parser reads the way, flows follow it."""

from typing import ClassVar

import pytest
from scapy.fields import ByteField, FieldLenField, FieldListField
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

pytestmark = pytest.mark.topology("itinerary.yaml")


class Plan(Packet):
    fields_desc: ClassVar = [
        ByteField("left", 0),
        FieldLenField("n_stops", None, fmt="B", count_of="stops"),
        FieldListField("stops", [], ByteField("port", 0), count_from=lambda packet: packet.n_stops),
    ]


def plan(*stops: int, left: int) -> Packet:
    frame = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B8)
    return frame / Plan(left=left, stops=list(stops)) / Raw(b"parcel")


def test_the_short_way(inject, expect):
    with expect("h2", plan(2, 1, left=0)):
        inject("h1", plan(2, 1, left=2))


def test_the_long_way_round(inject, expect):
    with expect("h2", plan(3, 2, 1, left=0)):
        inject("h1", plan(3, 2, 1, left=3))


def test_once_round_the_triangle_and_home(inject, expect):
    with expect("h1", plan(2, 3, 3, 1, left=0)):
        inject("h1", plan(2, 3, 3, 1, left=4))


def test_nothing_left_to_follow(inject, expect_none):
    with expect_none("h2", drop="NO_ACTION"):
        inject("h1", plan(2, 1, left=0))


def test_more_stops_than_the_program_has_room_for(network, inject, expect_none):
    before = network.client.stats("s1")["parser_errors"].get("StackOutOfBounds", 0)
    with expect_none("h2", drop="PARSER_REJECT"):
        inject("h1", plan(2, 3, 3, 2, 3, 3, 1, left=7))
    assert network.client.stats("s1")["parser_errors"]["StackOutOfBounds"] == before + 1
