"""The rest of SlowPath: counters, timeouts, limits, several engines, packets to and from the controller, byte code."""

from __future__ import annotations

import re
import select as posix_select
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slowpath_layout import IPV4, KEY_SIZE, LAYOUT, dec_ttl, make_packet, mask_of, match, set_field
from slowpath_mock import FLAGS, Lab, MockEngine

from datapath.errors import SwitchError
from datapath.slowpath import byte_code
from datapath.slowpath.bridge import SlowPath
from datapath.slowpath.byte_code import ByteAction, decode, from_text, to_text
from datapath.slowpath.model import (
    ALL_TABLES,
    PORT_FLOOD,
    Bucket,
    Flow,
    Group,
    Match,
    Output,
    ToController,
    ToGroup,
)

ANY = Match(bytes(KEY_SIZE), bytes(KEY_SIZE))
ALL = Flow(ANY, (Output(2),))
PACKET = make_packet()


def test_counters_go_from_the_engine_to_all_flows_on_the_way() -> None:
    with Lab() as lab:
        first, second = Flow(ANY, goto_table=1), Flow(ANY, (Output(2),), table=1)
        lab.slow_path.change(add=[first, second])
        for _ in range(5):
            lab.engine.forward(PACKET)
        size = len(PACKET.data)
        assert [(s.flow, s.n_packets, s.n_bytes) for s in lab.slow_path.flows()] == [
            (first, 5, 5 * size),
            (second, 5, 5 * size),
        ]
        (megaflow,) = lab.slow_path.megaflows()
        assert (megaflow.n_packets, megaflow.n_bytes, megaflow.engines) == (5, 5 * size, ("user",))
        (removed,) = lab.slow_path.change(delete=[(second, True)])
        assert (removed.reason, removed.stats.n_packets) == ("delete", 5)
        lab.engine.forward(PACKET)
        assert [s.n_packets for s in lab.slow_path.flows()] == [6]


def test_flows_are_filtered_by_table_and_match() -> None:
    net = Flow(match(ipv4__dst=(0x0A000000, 0xFF000000)))
    host = Flow(match(ipv4__dst=0x0A000001), table=2)
    other = Flow(match(ipv4__dst=0x0B000001), table=2)
    with Lab() as lab:
        lab.slow_path.change(add=[net, host, other])
        assert [s.flow for s in lab.slow_path.flows(net.match)] == [net, host]
        assert [s.flow for s in lab.slow_path.flows(table=2)] == [host, other]
        assert [s.flow for s in lab.slow_path.flows(host.match, 0)] == []


def test_deletion_is_loose_or_strict() -> None:
    net = Flow(match(ipv4__dst=(0x0A000000, 0xFF000000)))
    host = Flow(match(ipv4__dst=0x0A000001), priority=5)
    with Lab() as lab:
        lab.slow_path.change(add=[net, host, replace(host, table=3)])
        assert lab.slow_path.flow_del(replace(net, priority=1)) == 0
        assert lab.slow_path.flow_del(Flow(host.match), strict=False) == 1
        assert lab.slow_path.flow_del(replace(net, table=ALL_TABLES), strict=False) == 2
        assert lab.slow_path.flows() == []


def test_an_addition_replaces_the_flow_with_its_match_and_priority() -> None:
    with Lab() as lab:
        lab.slow_path.flow_put(ALL)
        (removed,) = lab.slow_path.change(add=[replace(ALL, cookie=9)])
        assert (removed.stats.flow, removed.reason) == (ALL, "replace")
        assert [s.flow.cookie for s in lab.slow_path.flows()] == [9]
        gone = lab.slow_path.change(add=[replace(ALL, cookie=c) for c in (1, 2, 3)])
        assert [r.stats.flow.cookie for r in gone] == [9, 1, 2]
        assert [s.flow.cookie for s in lab.slow_path.flows()] == [3]


def test_a_full_table_refuses_the_whole_batch_and_goes_on() -> None:
    hosts = [Flow(match(ipv4__dst=i), (Output(2),)) for i in range(5)]
    with Lab(table_limit=3) as lab:
        lab.slow_path.change(add=hosts[:2])
        with pytest.raises(SwitchError, match=r"table 0 is full: it holds 3 flows, and number 2 of the 2 to add"):
            lab.slow_path.change(add=hosts[2:4], delete=[(hosts[0], False), (replace(hosts[0], table=1), True)][1:])
        assert [s.flow for s in lab.slow_path.flows()] == hosts[:2]
        with pytest.raises(SwitchError, match="is full"):
            lab.slow_path.change(add=hosts[1:], delete=[(hosts[0], True)])
        assert {s.flow for s in lab.slow_path.flows()} == set(hosts[:2])
        assert lab.engine.forward(make_packet(ip_dst=1)) == [(2, make_packet(ip_dst=1).data)]
        lab.slow_path.change(add=hosts[1:4], delete=[(hosts[0], True)])
        assert [s.flow for s in lab.slow_path.flows()] == hosts[1:4]


def test_flows_time_out() -> None:
    idle = Flow(match(ipv4__dst=0x0A000002), (Output(2),), idle_timeout_s=5)
    hard = Flow(match(ipv4__dst=0x0A000003), (Output(2),), hard_timeout_s=8)
    with Lab() as lab:
        lab.slow_path.change(add=[ALL_LOW, idle, hard])
        for _ in range(2):
            lab.slow_path.advance_clock(4)
            lab.engine.forward(PACKET)
            removed = lab.slow_path.tick()
        assert [(r.stats.flow, r.reason) for r in removed] == [(hard, "hard")]
        lab.slow_path.advance_clock(5)
        ((gone, reason),) = [(r.stats, r.reason) for r in lab.slow_path.tick()]
        assert (gone.flow, reason, gone.n_packets) == (idle, "idle", 2)
        assert gone.idle_s >= 5
        assert [port for port, _ in lab.engine.forward(PACKET)] == [3]


ALL_LOW = Flow(ANY, (Output(3),), priority=1)


def test_idle_megaflows_are_removed() -> None:
    with Lab() as lab:
        lab.slow_path.flow_put(ALL)
        lab.engine.forward(PACKET)
        lab.slow_path.advance_clock(9)
        lab.slow_path.tick()
        assert len(lab.slow_path.megaflows()) == 1
        lab.engine.forward(PACKET)
        lab.slow_path.tick()
        lab.slow_path.advance_clock(9)
        lab.slow_path.tick()
        assert len(lab.slow_path.megaflows()) == 1
        lab.slow_path.advance_clock(2)
        lab.slow_path.tick()
        assert lab.slow_path.megaflows() == []
        assert lab.slow_path.stats()["evicted"] == 1
        assert [s.n_packets for s in lab.slow_path.flows()] == [2]


@pytest.mark.parametrize("where", ["slow path", "engine"])
def test_when_no_more_megaflows_fit_packets_are_still_forwarded(where: str) -> None:
    engine = MockEngine(limit=3 if where == "engine" else 65536)
    with Lab(engine, megaflow_limit=3 if where == "slow path" else 65536) as lab:
        flows = [Flow(match(ipv4__dst=i), (Output(2),)) for i in range(6)]
        lab.slow_path.change(add=flows)
        for _ in range(2):
            for i in range(6):
                assert len(engine.forward(make_packet(ip_dst=i))) == 1
        assert engine.count()["put"] == 3
        stats = lab.slow_path.stats()
        assert (stats["megaflows"], stats["uncached"], stats["upcalls"]) == (3, 6, 9)
        assert [s.n_packets for s in lab.slow_path.flows()] == [2] * 6


def test_an_engine_may_refuse_what_the_user_engine_takes() -> None:
    user, xdp = MockEngine(), MockEngine("xdp", refused_ops=(byte_code.DEC_TTL,))
    with Lab(user, xdp) as lab:
        easy = Flow(match(ipv4__dst=1), (Output(2),))
        hard = Flow(match(ipv4__dst=2), (dec_ttl(), Output(2)))
        lab.slow_path.change(add=[easy, hard])
        for i in (1, 2):
            assert len(user.forward(make_packet(ip_dst=i))) == 1
        engines = {m.key[IPV4 + 19]: m.engines for m in lab.slow_path.megaflows()}
        assert engines == {1: ("user", "xdp"), 2: ("user",)}
        # What changes sides: the easy one becomes hard, the hard one easy.
        lab.slow_path.change(add=[replace(easy, actions=hard.actions), replace(hard, actions=easy.actions)])
        engines = {m.key[IPV4 + 19]: m.engines for m in lab.slow_path.megaflows()}
        assert engines == {1: ("user",), 2: ("user", "xdp")}
        assert lab.slow_path.stats()["deleted"] == 0


def test_counters_of_all_engines_are_added_up() -> None:
    user, xdp = MockEngine(), MockEngine("xdp")
    with Lab(user, xdp) as lab:
        lab.slow_path.flow_put(ALL)
        user.forward(PACKET)
        for _ in range(3):
            xdp.forward(PACKET)
        assert [s.n_packets for s in lab.slow_path.flows()] == [4]
        lab.slow_path.dp_del(xdp.pointer)
        assert [s.n_packets for s in lab.slow_path.flows()] == [4]
        assert [m.engines for m in lab.slow_path.megaflows()] == [("user",)]


def test_an_engine_for_another_layout_is_refused() -> None:
    other = MockEngine(layout=replace(LAYOUT, program="other"))
    with SlowPath(LAYOUT, flags=FLAGS) as slow_path, pytest.raises(SwitchError, match="layout of 'slowpath_test'"):
        slow_path.dp_add(other.pointer)
    other.close()


def test_packets_for_the_controller_are_queued() -> None:
    with Lab() as lab:
        lab.slow_path.flow_put(Flow(match(ipv4__dst=7), (ToController(20),)), Flow(ANY, (dec_ttl(),), priority=1))
        assert not posix_select.select([lab.slow_path.packet_in_fd], [], [], 0)[0]
        to_controller, old = make_packet(ip_dst=7), make_packet(ttl=1, in_port=2)
        lab.engine.forward(to_controller)
        lab.engine.forward(old)
        assert posix_select.select([lab.slow_path.packet_in_fd], [], [], 0)[0]
        first, second = lab.slow_path.packet_ins()
        assert (first.reason, first.packet, first.size) == ("action", to_controller.data[:20], len(to_controller.data))
        assert (second.reason, second.in_port, second.key) == ("ttl", 2, old.key)
        assert not posix_select.select([lab.slow_path.packet_in_fd], [], [], 0)[0]
        assert lab.slow_path.packet_ins() == []


def test_a_slow_controller_loses_packets_and_nothing_else() -> None:
    with Lab() as lab:
        lab.slow_path.flow_put(Flow(ANY, (ToController(), Output(2))))
        for _ in range(1030):
            assert [port for port, _ in lab.engine.forward(PACKET)] == [-1, 2]
        stats = lab.slow_path.stats()
        assert (stats["packet_ins"], stats["packet_ins_lost"]) == (1024, 6)
        assert len(lab.slow_path.packet_ins(limit=2000)) == 1024


def test_packets_are_sent_for_the_controller() -> None:
    with Lab() as lab:
        lab.slow_path.execute(2, PACKET.data, (Output(PORT_FLOOD),))
        assert lab.engine.outputs() == [(1, PACKET.data), (3, PACKET.data), (4, PACKET.data)]
        lab.slow_path.execute(2, PACKET.data, (set_field("udp.dst", 99), Output(3)), PACKET.key)
        assert lab.engine.outputs() == [(3, make_packet(dport=99).data)]
        with pytest.raises(SwitchError, match="need its flow key"):
            lab.slow_path.execute(2, PACKET.data, (dec_ttl(), Output(3)))
        with pytest.raises(SwitchError, match="refused to send"):
            lab.slow_path.execute(2, bytes(1000), (Output(3),))
    with SlowPath(LAYOUT, flags=FLAGS) as alone, pytest.raises(SwitchError, match="no engine"):
        alone.execute(2, PACKET.data, (Output(3),))


def test_a_trace_changes_nothing() -> None:
    with Lab() as lab:
        lab.slow_path.flow_put(ALL)
        before = lab.slow_path.stats()
        assert lab.slow_path.translate(PACKET.key).output_ports == (2,)
        assert lab.slow_path.stats() == before


def test_a_lock_that_is_given_is_used() -> None:
    with SlowPath(LAYOUT, flags=FLAGS) as owner, SlowPath(LAYOUT, owner.lock_pointer, flags=FLAGS) as guest:
        assert guest.lock_pointer == owner.lock_pointer
        guest.flow_put(ALL)
        assert owner.flows() == []


def test_new_flows_are_fast() -> None:
    """The floor is the rate that the whole switch must reach; alone the slow path does ten times as much."""
    n = 20_000
    with Lab() as lab:
        hashed = mask_of("ipv4.src", "ipv4.dst")
        lab.slow_path.group_put(Group(1, "select", (Bucket((Output(2),)), Bucket((Output(3),))), hashed))
        edits = set_field("ethernet.dst", 1), dec_ttl()
        lab.slow_path.change(
            add=[Flow(match(ipv4__dst=i), (*edits, ToGroup(1))) for i in range(1000)]
            + [Flow(match(ipv4__dst=(0, 0)), (*edits, Output(2)), priority=1)]
        )
        took_ns = lab.engine.bench_ns(PACKET.key, IPV4 + 16, n)
        assert lab.slow_path.stats()["installed"] == n
        assert n / (took_ns / 1e9) > 20_000


byte_actions = st.one_of(
    st.builds(ByteAction, st.just(byte_code.OUTPUT), flags=st.sampled_from([0, 16]), arg=st.integers(1, 1023)),
    st.builds(
        lambda header, arg, data, mask, flags: ByteAction(
            byte_code.SET, len(data), header, flags, arg, data.ljust(8, b"\0"), mask[: len(data)].ljust(8, b"\0")
        ),
        st.integers(0, 3),
        st.integers(0, 60),
        st.binary(min_size=1, max_size=8),
        st.binary(min_size=8, max_size=8),
        st.sampled_from([0, 1, 2]),
    ),
    st.builds(ByteAction, st.just(byte_code.DEC_TTL), header=st.integers(0, 3), flags=st.sampled_from([0, 1, 2])),
    st.builds(
        lambda size, flags, to, swapped: ByteAction(
            byte_code.CSUM, size, 1, flags, 10, bytes((to, *bytes(7))), bytes((to & swapped, *bytes(7)))
        ),
        st.integers(0, 4),
        st.sampled_from([0, 4, 8, 12, 32]),
        st.integers(0, 15),
        st.integers(0, 15),
    ),
    st.builds(ByteAction, st.just(byte_code.CONTROLLER), arg=st.integers(0, 65535)),
)


@given(st.lists(byte_actions, max_size=5), st.lists(st.tuples(st.integers(0, 9), st.lists(byte_actions, max_size=3))))
def test_byte_code_and_text_are_the_same(plain: list[ByteAction], buckets: list[tuple[int, list[ByteAction]]]) -> None:
    code = list(plain)
    if buckets:
        code.append(ByteAction(byte_code.SELECT, size=len(buckets), arg=3))
    for weight, members in buckets:
        code.append(ByteAction(byte_code.BUCKET, arg=len(members), value=weight.to_bytes(4, "big") + bytes(4)))
        code += members
    headers = [h.path for h in LAYOUT.headers]
    assert from_text(to_text(code, headers), headers) == code
    assert decode(b"".join(a.encode() for a in code)) == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output(1", "no closing parenthesis for output at column 1"),
        ("push(ethernet+0)", "no action 'push'"),
        ("csum(arp+0)", "no header 'arp'"),
        ("output(1) x", "unexpected ' x' at column 10"),
        ("select(1)", "expected hash=N at column 8"),
    ],
)
def test_wrong_byte_code_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        from_text(text, [h.path for h in LAYOUT.headers])
