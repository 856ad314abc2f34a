"""Revalidation: what a change keeps, modifies and deletes in the engines, and that nothing stale is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slowpath_layout import KEY_SIZE, Packet, dec_ttl, make_packet, mask_of, match, set_field
from slowpath_mock import Lab, MockEngine

from datapath.slowpath.model import PORT_FLOOD, Bucket, Flow, Group, Match, Output, ToGroup

ANY = Match(bytes(KEY_SIZE), bytes(KEY_SIZE))
LEFT, RIGHT = make_packet(ip_dst=0x0A000001), make_packet(ip_dst=0x0B000001)
TO_LEFT = Flow(match(ipv4__dst=(0x0A000000, 0xFF000000)), (Output(2),))
TO_RIGHT = Flow(match(ipv4__dst=(0x0B000000, 0xFF000000)), (Output(3),))


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(MockEngine(), MockEngine("xdp")) as lab:
        lab.slow_path.change(add=[TO_LEFT, TO_RIGHT])
        assert ports(lab, LEFT) == [2]
        assert ports(lab, RIGHT) == [3]
        yield lab


def ports(lab: Lab, packet: Packet) -> list[int]:
    return [port for port, _ in lab.engine.forward(packet)]


def churn(lab: Lab) -> tuple[int, int, int]:
    """Return puts, mods and deletions, the same in both engines."""
    first, second = (engine.count() for engine in lab.engines)
    assert first == second
    return first["put"], first["mod"], first["del"]


def test_an_unrelated_flow_touches_nothing(lab: Lab) -> None:
    # Its mask has to be searched from now on, which makes new masks longer; what is installed is right all the same.
    lab.slow_path.flow_put(Flow(match(ethernet__type=0x86DD, ipv4__valid=0), (Output(4),), priority=40000))
    assert churn(lab) == (2, 0, 0)
    lab.slow_path.flow_put(Flow(match(ipv4__dst=0x0C000001, ipv4__tos=3), (Output(4),), priority=40000))
    assert churn(lab) == (2, 0, 0)
    assert (ports(lab, LEFT), ports(lab, RIGHT)) == ([2], [3])


def test_a_flow_in_a_table_off_the_way_is_not_even_looked_at(lab: Lab) -> None:
    lab.slow_path.flow_put(Flow(ANY, (Output(4),), table=3))
    assert lab.slow_path.stats()["revalidated"] == 0


def test_new_actions_are_exchanged_in_place(lab: Lab) -> None:
    lab.slow_path.flow_put(Flow(TO_LEFT.match, (Output(4),)))
    assert churn(lab) == (2, 1, 0)
    assert (ports(lab, LEFT), ports(lab, RIGHT)) == ([4], [3])


def test_a_flow_that_divides_a_megaflow_deletes_it_alone(lab: Lab) -> None:
    lab.slow_path.flow_put(Flow(match(ipv4__dst=0x0A000001), (Output(4),), priority=40000))
    assert churn(lab) == (2, 0, 1)
    assert (ports(lab, LEFT), ports(lab, RIGHT)) == ([4], [3])
    assert ports(lab, make_packet(ip_dst=0x0A000002)) == [2]


def test_the_same_flow_again_changes_only_counters(lab: Lab) -> None:
    lab.slow_path.flow_put(TO_LEFT)
    assert churn(lab) == (2, 0, 0)
    assert {s.flow: s.n_packets for s in lab.slow_path.flows()} == {TO_LEFT: 0, TO_RIGHT: 1}
    assert ports(lab, LEFT) == [2]
    assert {s.flow: s.n_packets for s in lab.slow_path.flows()} == {TO_LEFT: 1, TO_RIGHT: 1}


def test_deleting_a_flow_uncovers_what_is_below(lab: Lab) -> None:
    lab.slow_path.flow_put(Flow(ANY, (Output(4),), priority=1))
    lab.slow_path.flow_del(TO_LEFT)
    assert (ports(lab, LEFT), ports(lab, RIGHT)) == ([4], [3])
    assert churn(lab)[2] <= 1


def test_a_batch_of_changes_is_one_revalidation(lab: Lab) -> None:
    before = lab.slow_path.stats()["revalidated"]
    lab.slow_path.change(
        add=[Flow(TO_LEFT.match, (Output(3),)), Flow(TO_RIGHT.match, (Output(2),))], delete=[(Flow(ANY), False)]
    )
    assert lab.slow_path.stats()["revalidated"] - before == 2
    assert churn(lab) == (2, 2, 0)
    assert (ports(lab, LEFT), ports(lab, RIGHT)) == ([3], [2])


def test_later_tables_see_what_was_written(lab: Lab) -> None:
    lab.slow_path.change(
        add=[
            Flow(TO_LEFT.match, (set_field("ipv4.dst", 0x0C000001), dec_ttl()), goto_table=1),
            Flow(ANY, (Output(2),), table=1),
        ]
    )
    assert ports(lab, LEFT) == [2]
    before = churn(lab)
    # No packet of the megaflow has this address in table 1 any more.
    lab.slow_path.flow_put(Flow(match(ipv4__dst=0x0A000001), (Output(4),), table=1, priority=40000))
    assert churn(lab) == before
    assert ports(lab, LEFT) == [2]
    lab.slow_path.flow_put(Flow(match(ipv4__dst=0x0C000001), (Output(4),), table=1, priority=40000))
    assert ports(lab, LEFT) == [4]


def test_ports_change_floods_and_watched_buckets_only(lab: Lab) -> None:
    other = make_packet(ethertype=0x86DD)
    watched = make_packet(ip_dst=0x0C000001)
    hashed = mask_of("ipv4.src")
    lab.slow_path.group_put(
        Group(1, "select", (Bucket((Output(3),), watch_port=3), Bucket((Output(4),), watch_port=4)), hashed)
    )
    lab.slow_path.change(
        add=[Flow(match(ipv4__valid=0), (Output(PORT_FLOOD),)), Flow(match(ipv4__dst=0x0C000001), (ToGroup(1),))]
    )
    assert ports(lab, other) == [2, 3, 4]
    assert ports(lab, watched) in ([3], [4])
    put, mod, deleted = churn(lab)
    lab.slow_path.port_put(3, up=False)
    assert churn(lab) == (put, mod + 2, deleted)
    assert (ports(lab, other), ports(lab, watched)) == ([2, 4], [4])
    lab.slow_path.port_put(3, up=False)
    assert churn(lab) == (put, mod + 2, deleted)
    lab.slow_path.port_del(4)
    assert (ports(lab, other), ports(lab, watched)) == ([2], [])


def test_groups_change_the_megaflows_that_use_them(lab: Lab) -> None:
    lab.slow_path.group_put(Group(1, "indirect", (Bucket((Output(4),)),)))
    lab.slow_path.group_put(Group(2, "indirect", (Bucket((Output(4),)),)))
    lab.slow_path.flow_put(Flow(TO_LEFT.match, (ToGroup(1),)))
    assert ports(lab, LEFT) == [4]
    before = churn(lab)
    lab.slow_path.group_put(Group(2, "indirect", (Bucket((Output(2),)),)))
    assert churn(lab) == before
    lab.slow_path.group_put(Group(1, "indirect", (Bucket((Output(3),)),)))
    assert churn(lab) == (before[0], before[1] + 1, before[2])
    assert ports(lab, LEFT) == [3]


def test_deleting_a_group_deletes_its_flows(lab: Lab) -> None:
    lab.slow_path.group_put(Group(1, "indirect", (Bucket((Output(4),)),)))
    lab.slow_path.flow_put(Flow(TO_LEFT.match, (ToGroup(1),)))
    assert ports(lab, LEFT) == [4]
    (removed,) = lab.slow_path.group_del(1)
    assert (removed.reason, removed.stats.n_packets) == ("group", 1)
    assert ports(lab, LEFT) == []
    assert [s.flow for s in lab.slow_path.flows()] == [TO_RIGHT]
    assert lab.slow_path.groups() == []


def test_hash_masks_reach_the_engines_before_the_flows(lab: Lab) -> None:
    hashed = mask_of("ipv4.src", "ipv4.dst")
    lab.slow_path.group_put(Group(1, "select", (Bucket((Output(2),)), Bucket((Output(4),))), hashed))
    lab.slow_path.flow_put(Flow(TO_LEFT.match, (ToGroup(1),)))
    found = {ports(lab, make_packet(ip_dst=0x0A000000 + i))[0] for i in range(64)}
    assert found == {2, 4}
    # One megaflow for all these connections, in both engines.
    assert sum("select" in m.actions for m in lab.slow_path.megaflows()) == 1
    late = MockEngine("late")
    late.join(lab.slow_path)
    assert late.count()["hash"] == 1
    assert late.count()["put"] == 2
    lab.slow_path.dp_del(late.pointer)
    late.close()
