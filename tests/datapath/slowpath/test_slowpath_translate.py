"""Translation case by case: which fields are un-wildcarded, which byte code comes out, what a trace tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from slowpath_layout import (
    FIELDS,
    KEY_SIZE,
    LAYOUT,
    dec_ttl,
    fields_in,
    make_packet,
    mask_of,
    match,
    set_field,
    with_checksums,
)
from slowpath_mock import FLAGS, Lab

from datapath.errors import SwitchError
from datapath.slowpath.bridge import SlowPath
from datapath.slowpath.model import (
    PORT_ALL,
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    Bucket,
    DecTtl,
    Flow,
    Group,
    Match,
    Output,
    SetField,
    ToController,
    ToGroup,
    Trace,
)

ANY = Match(bytes(KEY_SIZE), bytes(KEY_SIZE))
UDP = make_packet()
VALID4, VALIDU, VALIDT = "ipv4.$valid", "udp.$valid", "tcp.$valid"


def trace(*flows: Flow, packet: bytes = UDP.key, groups: tuple[Group, ...] = ()) -> Trace:
    with Lab() as lab:
        for group in groups:
            lab.slow_path.group_put(group)
        lab.slow_path.change(add=flows)
        return lab.slow_path.translate(packet)


def actions(*of_flow: Action, packet: bytes = UDP.key, groups: tuple[Group, ...] = ()) -> str:
    return trace(Flow(ANY, of_flow), packet=packet, groups=groups).actions


def test_empty_tables_drop_everything_alike() -> None:
    found = trace()
    assert found.actions == "drop"
    assert found.mask == bytes(6) + b"\xff\xff" + bytes(KEY_SIZE - 8)
    assert found.dropped == "no flow matches in table 0"
    assert found.steps[0].flow is None


def test_only_what_was_matched_is_unwildcarded() -> None:
    found = trace(Flow(match(ipv4__dst=(0x0A000000, 0xFF000000)), (Output(2),)))
    assert fields_in(found.mask) == {VALID4, "ipv4.dst"}
    assert found.mask[48:52] == b"\xff\0\0\0"
    assert found.output_ports == (2,)


def test_set_fields_are_written_once_at_the_output() -> None:
    text = actions(set_field("ethernet.dst", 1), set_field("ethernet.dst", 0x020000000009), Output(2), Output(3))
    assert text == "set(ethernet+0,6,0x020000000009,unsummed) output(2) output(3)"


def test_a_set_field_without_output_is_not_written() -> None:
    assert actions(Output(2), set_field("ethernet.dst", 1)) == "output(2)"


def test_a_wildcarded_field_is_written_even_if_this_packet_has_the_value() -> None:
    same = set_field("ethernet.dst", 0x020000000001)
    assert actions(same, Output(2)) == "set(ethernet+0,6,0x020000000001,unsummed) output(2)"
    exact = trace(Flow(match(ethernet__dst=0x020000000001), (same, Output(2))))
    assert exact.actions == "output(2)"


def test_bytes_known_to_be_equal_are_not_written() -> None:
    flow = Flow(match(ipv4__dst=(0x0A000000, 0xFFFF0000)), (set_field("ipv4.dst", 0x0A000007), Output(2)))
    assert trace(flow).actions == ("set(ipv4+18,2,0x0007,restart) csum(ipv4+10) csum(udp+6,zero_none) output(2)")


def test_a_written_field_is_not_unwildcarded_by_later_tables() -> None:
    found = trace(
        Flow(ANY, (set_field("ipv4.dst", 0x0C000001),), goto_table=1),
        Flow(match(ipv4__dst=0x0C000001), (Output(3),), table=1),
        Flow(match(ipv4__ttl=64), (), table=1, priority=1),
    )
    assert fields_in(found.mask) == {VALID4, VALIDU, VALIDT}
    assert found.output_ports == (3,)
    assert [s.table for s in found.steps] == [0, 1]


def test_a_partly_written_field_is_unwildcarded_in_the_rest() -> None:
    found = trace(
        Flow(ANY, (set_field("ipv4.dst", 0x0C000000, 0xFF000000),), goto_table=1),
        Flow(match(ipv4__dst=0x0C000002), (Output(3),), table=1),
    )
    assert found.mask[48:52] == b"\0\xff\xff\xff"
    assert found.output_ports == (3,)


def test_a_decremented_field_is_unwildcarded_whole() -> None:
    found = trace(
        Flow(ANY, (dec_ttl(),), goto_table=1),
        Flow(match(ipv4__ttl=(0x3F, 0x0F)), (Output(3),), table=1),
    )
    assert found.mask[FIELDS["ipv4.ttl"].offset_bits // 8] == 0xFF
    assert found.output_ports == (3,)
    assert found.actions == "dec_ttl(ipv4+8,restart) csum(ipv4+10) output(3)"


def test_a_decremented_byte_is_known_only_as_a_whole() -> None:
    # 64 becomes 63, whose bit 6 is 0 already; but 65 would become 64, and both match.
    high_bit = set_field("ipv4.ttl", 0, 0x40)
    found = trace(Flow(match(ipv4__ttl=(0x40, 0x40)), (dec_ttl(), high_bit, Output(2))))
    assert found.actions.endswith("set(ipv4+8,1,0x00/0x40,restart) csum(ipv4+10) output(2)")
    exact = trace(Flow(match(ipv4__ttl=64), (dec_ttl(), high_bit, Output(2))))
    assert exact.actions == "dec_ttl(ipv4+8,restart) csum(ipv4+10) output(2)"


def test_checksums_follow_in_groups() -> None:
    text = actions(set_field("ipv4.src", 0x0C000001), set_field("ipv4.tos", 4), set_field("udp.dst", 99), Output(2))
    assert text == (
        "set(ipv4+1,1,0x04,restart) csum(ipv4+10) "
        "set(ipv4+12,4,0x0c000001,restart) csum(ipv4+10) csum(udp+6,zero_none) "
        "set(udp+2,2,0x0063,restart) csum(udp+6,zero_none) output(2)"
    )


def test_a_checksum_may_sum_parts_of_a_header_at_the_other_parity() -> None:
    # One place declared twice over disjoint bits, once swapped: so the compiler says that a field stands otherwise.
    udp = LAYOUT.checksums[1]
    protocol = mask_of("ipv4.protocol").hex()
    layout = replace(
        LAYOUT,
        checksums=(
            replace(udp, cover_masks=(("ipv4", mask_of("ipv4.src", "ipv4.dst").hex()),)),
            replace(udp, cover_masks=(("ipv4", protocol),), swapped=("ipv4",)),
        ),
    )
    with SlowPath(layout, flags=FLAGS) as slow_path:
        slow_path.flow_put(Flow(ANY, (set_field("ipv4.protocol", 6), set_field("ipv4.dst", 1), Output(2))))
        assert slow_path.translate(UDP.key).actions == (
            "set(ipv4+9,1,0x06,restart) csum(udp+6,swapped,zero_none) "
            "set(ipv4+16,4,0x00000001,restart) csum(udp+6,zero_none) output(2)"
        )


def test_a_sum_over_a_whole_summed_header_does_not_change() -> None:
    ipv4, udp, _ = LAYOUT.checksums
    whole = bytes(32) + b"\xff" * 20 + bytes(20)  # the header with its checksum: always the same sum
    layout = replace(LAYOUT, checksums=(ipv4, replace(udp, cover_masks=(("ipv4", whole.hex()),))))
    with SlowPath(layout, flags=FLAGS) as slow_path:
        slow_path.flow_put(Flow(ANY, (set_field("ipv4.tos", 4), Output(2))))
        assert slow_path.translate(UDP.key).actions == "set(ipv4+1,1,0x04,restart) csum(ipv4+10) output(2)"


def test_a_shared_slot_takes_the_checksums_of_the_header_that_is_there() -> None:
    tcp = make_packet(protocol=6)
    assert actions(set_field("tcp.dst", 99), Output(2), packet=tcp.key) == (
        "set(tcp+2,2,0x0063,restart) csum(tcp+16) output(2)"
    )
    assert actions(set_field("udp.dst", 99), Output(2), packet=tcp.key) == "output(2)"


def test_without_a_header_name_the_header_that_is_there_is_meant() -> None:
    field = FIELDS["udp.dst"]
    unnamed = SetField(field.offset_bits, 16, 99, 0xFFFF)
    tcp = make_packet(protocol=6)
    assert actions(unnamed, Output(2)) == "set(udp+2,2,0x0063,restart) csum(udp+6,zero_none) output(2)"
    assert actions(unnamed, Output(2), packet=tcp.key) == "set(tcp+2,2,0x0063,restart) csum(tcp+16) output(2)"


def test_setting_a_field_of_a_missing_header_is_skipped_and_depends_on_it() -> None:
    other = make_packet(ethertype=0x86DD)
    found = trace(Flow(ANY, (set_field("ipv4.dst", 1), dec_ttl(), Output(2))), packet=other.key)
    assert found.actions == "output(2)"
    assert fields_in(found.mask) == {VALID4}


def test_an_explicit_checksum_stands() -> None:
    text = actions(set_field("ipv4.checksum", 0xDEAD), set_field("ipv4.tos", 4), dec_ttl(), Output(2))
    assert text.endswith("set(ipv4+1,1,0x04,unsummed) set(ipv4+10,2,0xdead,unsummed) output(2)")
    packet = make_packet()
    with Lab() as lab:
        edits = set_field("ipv4.src", 0x01020304), set_field("ipv4.checksum", 0xDEAD)
        lab.slow_path.flow_put(Flow(ANY, (*edits, Output(2))))
        ((_, data),) = lab.engine.forward(packet)
        assert data[24:26] == b"\xde\xad"
        assert data[26:30] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("ttl", [(), (set_field("ipv4.ttl", 9),)])
def test_an_explicit_checksum_stands_in_whatever_order_and_after_outputs(ttl: tuple[Action, ...]) -> None:
    with Lab() as lab:
        edits = set_field("ipv4.checksum", 0xDEAD), *ttl, dec_ttl(), Output(2), set_field("ipv4.dst", 7), Output(3)
        lab.slow_path.flow_put(Flow(ANY, edits))
        assert [data[24:26] for _, data in lab.engine.forward(UDP)] == [b"\xde\xad"] * 2


def test_a_checksum_that_a_bucket_writes_is_right_again_behind_the_group() -> None:
    bucket = Bucket((set_field("ipv4.checksum", 0xDEAD), set_field("udp.checksum", 0xBEEF), Output(3)))
    source = set_field("ipv4.src", 0x01020304)
    for udp_checksum in (True, 0):
        packet = make_packet(udp_checksum=udp_checksum)
        with Lab() as lab:
            lab.slow_path.group_put(Group(1, "all", (bucket, bucket)))
            lab.slow_path.flow_put(Flow(ANY, (source, Output(2), ToGroup(1), dec_ttl(), Output(4))))
            (_, first), *copies, (_, last) = lab.engine.forward(packet)
        assert [data[24:26] + data[40:42] for _, data in copies] == [b"\xde\xad\xbe\xef"] * 2
        for data in (first, last):
            assert data == with_checksums(data, packet.header_offsets)
        assert last[22] == 63


def test_a_checksum_written_in_part_follows_in_the_rest() -> None:
    with Lab() as lab:
        edits = set_field("ipv4.checksum", 0xFE, 0xFF), Output(2), set_field("ipv4.dst", 0x0CFFFF01), Output(3)
        lab.slow_path.flow_put(Flow(ANY, edits))
        for _, data in lab.engine.forward(UDP):
            assert data[24:26] == with_checksums(data, UDP.header_offsets)[24:25] + b"\xfe"


def test_variables_are_matched_and_never_written_to_the_packet() -> None:
    found = trace(
        Flow(ANY, (set_field("meta.zone", 5),), goto_table=1),
        Flow(match(meta__zone=5), (Output(2),), table=1),
    )
    assert found.actions == "output(2)"
    assert fields_in(found.mask) == set()


def test_flood_leaves_in_port_wildcarded() -> None:
    for port in (PORT_FLOOD, PORT_ALL):
        found = trace(Flow(ANY, (Output(port),)))
        assert found.actions == "output(1) output(2) output(3) output(4)"
        assert found.output_ports == (2, 3, 4)
        assert fields_in(found.mask) == set()


def test_in_port_is_unwildcarded_for_output_to_it() -> None:
    found = trace(Flow(ANY, (Output(PORT_IN_PORT),)))
    assert found.actions == "output(1,in_port)"
    assert fields_in(found.mask) == {"in_port"}
    back = trace(Flow(ANY, (Output(1),)))
    assert (back.output_ports, back.dropped) == ((), "port 1 is where it came from")


def test_output_to_a_missing_port_is_named() -> None:
    assert trace(Flow(ANY, (Output(77),))).dropped == "port 77 does not exist or is down"


def test_ttl_over_is_named() -> None:
    found = trace(Flow(ANY, (dec_ttl(), Output(2))), packet=make_packet(ttl=1).key)
    assert (found.output_ports, found.dropped) == ((), "its time to live is over")


def test_to_controller_gets_the_packet_as_it_is_then() -> None:
    text = actions(ToController(128), set_field("ethernet.src", 1), ToController(), Output(2))
    assert text == "controller(128) set(ethernet+6,6,0x000000000001,unsummed) controller(65535) output(2)"


HASH = mask_of("ipv4.src", "ipv4.dst")


def select(*buckets: Bucket, number: int = 1) -> Group:
    return Group(number, "select", buckets, HASH)


def test_select_repeats_what_follows_in_each_bucket() -> None:
    group = select(Bucket((set_field("ethernet.dst", 2), Output(2))), Bucket((Output(3),), weight=3))
    found = trace(Flow(ANY, (ToGroup(1), Output(4))), groups=(group,))
    assert found.actions == (
        "select(hash=0,"
        "bucket(weight=1,set(ethernet+0,6,0x000000000002,unsummed) output(2) "
        "set(ethernet+0,6,0x020000000001,unsummed) output(4)),"
        "bucket(weight=3,output(3) output(4)))"
    )
    assert fields_in(found.mask) == {"ethernet.$valid", "ethernet.dst"}  # the second output needs the original address
    assert found.output_ports in ((2, 4), (3, 4))
    assert found.groups == ((1, found.output_ports[0] - 2),)


def test_only_the_headers_that_a_packet_has_are_hashed() -> None:
    # UDP's length and checksum stand where TCP has its sequence number.
    ports, sequence = mask_of("udp.src", "udp.dst"), mask_of("tcp.src", "tcp.dst", "tcp.seq")
    both = bytes(a | b for a, b in zip(ports, sequence, strict=True))
    parts = ("udp", ports), ("tcp", sequence)
    group = Group(1, "select", (Bucket((Output(2),)), Bucket((Output(3),))), both, parts)
    with Lab() as lab:
        lab.slow_path.group_put(group)
        lab.slow_path.flow_put(Flow(ANY, (ToGroup(1),)))
        found: dict[int, int] = {}
        for n in range(40):
            packet = make_packet(sport=n // 4, payload=b"x" * (n % 4), udp_checksum=bool(n % 2))
            ((port, _),) = lab.engine.forward(packet)
            assert found.setdefault(n // 4, port) == port
        assert set(found.values()) == {2, 3}
        assert lab.engine.count()["put"] == 1
        lab.engine.forward(make_packet(protocol=6))
        assert lab.engine.count()["put"] == lab.engine.count()["hash"] == 2
        trace = lab.slow_path.translate(UDP.key)
        assert fields_in(trace.mask) == {VALIDU, VALIDT}


def test_more_hash_masks_than_engines_can_number() -> None:
    with Lab() as lab:
        for n in range(100):
            key = bytes(40) + n.to_bytes(2, "big") + bytes(KEY_SIZE - 42)
            buckets = Bucket((Output(2),)), Bucket((Output(3),))
            lab.slow_path.group_put(Group(n, "select", buckets, key))
            lab.slow_path.flow_put(Flow(match(ipv4__dst=n), (ToGroup(n),)))
            assert len(lab.engine.forward(make_packet(ip_dst=n))) == 1
        texts = [m.actions for m in lab.slow_path.megaflows()]
        assert sum("select(" in text for text in texts) == 64  # the others have picked their bucket here
        assert len(texts) == 100


def test_select_goes_on_with_the_next_table_in_each_bucket() -> None:
    group = select(Bucket((set_field("meta.zone", 1),)), Bucket((Output(3),)))
    found = trace(Flow(ANY, (ToGroup(1),), goto_table=1), Flow(ANY, (Output(4),), table=1), groups=(group,))
    assert found.actions == "select(hash=0,bucket(weight=1,output(4)),bucket(weight=1,output(3) output(4)))"
    assert [s.table for s in found.steps] == [0, 1]


def test_edits_before_a_select_are_written_once() -> None:
    group = select(Bucket((Output(2),)), Bucket((Output(3),)))
    text = actions(dec_ttl(), set_field("ethernet.src", 1), ToGroup(1), groups=(group,))
    assert text == (
        "dec_ttl(ipv4+8,restart) csum(ipv4+10) set(ethernet+6,6,0x000000000001,unsummed) "
        "select(hash=0,bucket(weight=1,output(2)),bucket(weight=1,output(3)))"
    )


def test_a_single_live_bucket_needs_no_hash() -> None:
    group = select(Bucket((Output(2),), watch_port=9), Bucket((Output(3),)), Bucket((Output(4),), weight=0))
    assert actions(ToGroup(1), groups=(group,)) == "output(3)"


def test_no_live_bucket_drops() -> None:
    assert actions(ToGroup(1), groups=(select(Bucket((Output(2),), watch_port=9)),)) == "drop"


def test_a_second_select_is_decided_here() -> None:
    first = select(Bucket((Output(2),)), Bucket((Output(3),)))
    second = select(Bucket((Output(4),)), Bucket(()), number=2)
    found = trace(Flow(ANY, (ToGroup(1), ToGroup(2))), groups=(first, second))
    assert found.actions.count("select(") == 1
    assert fields_in(found.mask) == {"ipv4.src", "ipv4.dst"}
    assert {number for number, _ in found.groups} == {1, 2}


def test_all_gives_each_bucket_its_own_copy() -> None:
    group = Group(1, "all", (Bucket((set_field("udp.dst", 99), Output(2))), Bucket((Output(3),))))
    found = trace(Flow(match(udp__dst=80), (ToGroup(1),)), groups=(group,))
    assert found.actions == (
        "set(udp+3,1,0x63,restart) csum(udp+6,zero_none) output(2) "
        "set(udp+3,1,0x50,restart) csum(udp+6,zero_none) output(3)"
    )


def test_where_another_header_has_its_checksum_nothing_is_written_twice() -> None:
    group = Group(1, "all", (Bucket((Output(2),)), Bucket((Output(3),))))
    text = actions(set_field("tcp.seq", 7), ToGroup(1), packet=make_packet(protocol=6).key, groups=(group,))
    assert text == "set(tcp+4,4,0x00000007,restart) csum(tcp+16) output(2) output(3)"


def test_too_many_actions_drop_and_are_counted() -> None:
    outputs = tuple(Output(p) for p in range(2, 67))
    with Lab() as lab:
        lab.slow_path.flow_put(Flow(ANY, outputs))
        assert lab.engine.forward(UDP) == []
        assert lab.slow_path.stats()["overflows"] == 1
        assert lab.engine.count()["put"] == 1  # dropped in the engine from now on
        assert lab.slow_path.translate(UDP.key).dropped == "the flows make more than 64 actions"


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (Flow(ANY, table=254), "table 254: tables are 0 to 253"),
        (Flow(ANY, goto_table=0), "goto_table:0 in table 0"),
        (Flow(ANY, priority=65536), "priority 65536"),
        (Flow(ANY, (Output(0),)), "output to port 0"),
        (Flow(ANY, (Output(1024),)), "ports are 1 to 1023"),
        (Flow(ANY, (ToGroup(7),)), "no group 7"),
        (Flow(Match(b"", b"")), "which has 72 bytes"),
        (Flow(ANY, (set_field("in_port", 1),)), "in_port cannot be set"),
        (Flow(ANY, (set_field("ipv4.$valid", 1),)), "cannot be set"),
        (Flow(ANY, (SetField(8 * 50, 64, 0, 0),)), "are no field"),
        (Flow(ANY, (SetField(8 * 32, 8, 256, 255),)), "wider than"),
        (Flow(ANY, (DecTtl(FIELDS["meta.zone"].offset_bits),)), "dec_ttl works on"),
    ],
)
def test_impossible_flows_are_refused(flow: Flow, message: str) -> None:
    with Lab() as lab:
        with pytest.raises(SwitchError) as caught:
            lab.slow_path.flow_put(Flow(ANY, (Output(1),), priority=1), flow)
        assert message in str(caught.value)
        assert lab.slow_path.flows() == []


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (Group(1, "fast", ()), "no kind 'fast'"),
        (Group(1, "indirect", ()), "has one bucket, not 0"),
        (Group(1, "all", (Bucket((ToGroup(2),)),)), "cannot go to another group"),
        (Group(1, "select", (), b"abc"), "hash mask has 3 bytes"),
        (Group(1, "select", (Bucket((), weight=-1),)), "weight -1"),
    ],
)
def test_impossible_groups_are_refused(group: Group, message: str) -> None:
    with Lab() as lab, pytest.raises(SwitchError, match=message):
        lab.slow_path.group_put(group)
