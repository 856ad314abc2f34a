"""The program in the kernel, one packet at a time (BPF_PROG_TEST_RUN): verdict, packet afterwards, counters."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edit_model import NEXT, TTL, edit, internet_checksum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xdp_harness import (
    CONTROLLER,
    CSUM,
    DEC_TTL,
    ETHERNET,
    IN_PORT,
    IP_KEY,
    IPV4,
    SELECT,
    VALID,
    XDP_DROP,
    XDP_REDIRECT,
    Action,
    Bridge,
    Run,
    bucket,
    in_own_namespace,
    loaded,
    output,
    pack_actions,
    route,
    run_program,
    set_bytes,
)
from xdp_network import Pair, ipv4_packet, make_pairs

from datapath.build import RUNTIME_DIR, build_shared

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for XDP and namespaces"),
]

EINVAL, ENOENT, EEXIST, ENOSPC, EOPNOTSUPP = -22, -2, -17, -28, -95
DESTINATION = IP_KEY + 16


class Switch:
    """A bridge with ports 1 and 2, and packets run on it."""

    def __init__(self, bridge: Bridge, pairs: list[Pair]) -> None:
        self.bridge = bridge
        self.pairs = pairs

    def run(self, packet: bytes, port: int = 1) -> Run:
        return run_program(loaded().program_fd, packet, self.pairs[port - 1].port_ifindex)


@contextmanager
def switch(on_reject: str = "drop") -> Iterator[Switch]:
    pairs = make_pairs(2)
    bridge = Bridge(loaded().open_bridge(7, on_reject))
    try:
        for i, pair in enumerate(pairs):
            assert bridge.call("port_add", i + 1, pair.port_ifindex) == 0
        yield Switch(bridge, pairs)
    finally:
        bridge.close()


def match(*fields: tuple[int, bytes, bytes]) -> tuple[bytes, bytes]:
    """Key and mask from (offset, value, mask)."""
    key, mask = bytearray(56), bytearray(56)
    for offset, value, bits in fields:
        key[offset : offset + len(value)] = value
        mask[offset : offset + len(bits)] = bits
    return bytes(key), bytes(mask)


ANY_IPV4 = match((VALID, b"\xc0", b"\xc0"))


def to(destination: bytes, bits: bytes = b"\xff" * 4) -> tuple[bytes, bytes]:
    return match((VALID, b"\xc0", b"\xc0"), (DESTINATION, destination, bits))


@in_own_namespace
def test_a_route_edits_counts_and_redirects() -> None:
    with switch() as sw:
        flow = sw.bridge.put(*ANY_IPV4, route(2))
        run = sw.run(ipv4_packet(ttl=2))
        assert run.verdict == XDP_REDIRECT
        assert run.packet[:12] == b"\2\0\0\0\0\x11\2\0\0\0\0\x22"
        assert run.packet[22] == 1
        assert internet_checksum(run.packet[14:34]) == 0
        assert sw.bridge.stats(flow) == (1, 60)


@in_own_namespace
def test_an_ended_ttl_goes_up_unchanged() -> None:
    with switch() as sw:
        flow = sw.bridge.put(*ANY_IPV4, route(2))
        for ttl in (0, 1):
            packet = ipv4_packet(ttl=ttl)
            assert sw.run(packet).packet == packet
        assert sw.bridge.drops() == ({"UPCALL_FULL": 2}, {})  # no socket is there to take them
        assert sw.bridge.stats(flow) == (0, 0)


@in_own_namespace
def test_two_decrements_need_a_ttl_of_three() -> None:
    with switch() as sw:
        sw.bridge.put(*ANY_IPV4, [Action(DEC_TTL, 8, header=IPV4), Action(DEC_TTL, 8, header=IPV4), output(2)])
        assert sw.run(ipv4_packet(ttl=2)).verdict == XDP_DROP
        run = sw.run(ipv4_packet(ttl=3))
        assert (run.verdict, run.packet[22]) == (XDP_REDIRECT, 1)


@in_own_namespace
def test_drops_have_one_reason_each() -> None:
    with switch() as sw:
        sw.bridge.put(*to(b"\x0a\0\0\1"), [])
        sw.bridge.put(*to(b"\x0a\0\0\2"), [output(9)])
        sw.bridge.put(*to(b"\x0a\0\0\3"), [set_bytes(ETHERNET, 100, b"1"), output(2)])
        sw.bridge.put(*to(b"\x0a\0\0\4"), [output(1)])
        packets = [ipv4_packet(bytes([10, 0, 0, i])) for i in (1, 2, 3, 4, 5)]
        packets.append(b"\2" * 12 + b"\x08\0" + bytes(10))
        assert [sw.run(p).verdict for p in packets] == [XDP_DROP] * 6
        assert sw.bridge.drops() == (
            {"NO_ACTION": 2, "BAD_PORT": 1, "BAD_ACTION": 1, "UPCALL_FULL": 1, "PARSER_REJECT": 1},
            {"PacketTooShort": 1},
        )
        assert sw.bridge.port_stats(1)[0] == 6


@in_own_namespace
def test_rejected_packets_are_looked_up_where_the_bridge_says_so() -> None:
    with switch("continue") as sw:
        sw.bridge.put(*match((4, b"\1", b"\xff")), [output(2)])
        assert sw.run(b"\2" * 12 + b"\x08\0" + bytes(10)).verdict == XDP_REDIRECT
        assert sw.bridge.drops() == ({}, {"PacketTooShort": 1})


@in_own_namespace
def test_a_packet_goes_back_only_where_the_flow_says_so() -> None:
    with switch() as sw:
        flow = sw.bridge.put(*ANY_IPV4, [output(1)])
        assert [sw.run(ipv4_packet(), port).verdict for port in (1, 2)] == [XDP_DROP, XDP_REDIRECT]
        assert sw.bridge.mod(flow, [output(1, IN_PORT)]) == 0
        assert [sw.run(ipv4_packet(), port).verdict for port in (1, 2)] == [XDP_REDIRECT, XDP_REDIRECT]


SETS = [set_bytes(IPV4, i, b"x") for i in range(17)]


@pytest.mark.parametrize(
    ("actions", "error"),
    [
        pytest.param([Action(CONTROLLER, 100), output(2)], EOPNOTSUPP, id="controller"),
        pytest.param([output(2), SETS[0], output(3)], EOPNOTSUPP, id="edit-between-outputs"),
        pytest.param([output(2), Action(DEC_TTL, 8)], EOPNOTSUPP, id="ttl-after-output"),
        pytest.param([output(2), output(2)], EOPNOTSUPP, id="same-port-twice"),
        pytest.param([output(2), output(1, IN_PORT)], EOPNOTSUPP, id="back-for-some"),
        pytest.param([*SETS, output(2)], EOPNOTSUPP, id="too-many-edits"),
        pytest.param([set_bytes(0, 8, b"x"), Action(DEC_TTL, 8)], EOPNOTSUPP, id="set-then-decrement"),
        pytest.param([Action(SELECT, 5, 0)], EINVAL, id="unknown-hash-mask"),
        pytest.param([Action(SELECT, 1, 1), output(2)], EINVAL, id="no-bucket"),
        pytest.param([Action(SELECT, 1, 1), Action(6, 2, value=b"\0\0\0\1"), output(2)], EINVAL, id="bucket-too-long"),
        pytest.param([Action(99)], EINVAL, id="unknown-action"),
        pytest.param([set_bytes(0, 0, b"")], EINVAL, id="set-of-nothing"),
        pytest.param([output(1024)], EINVAL, id="port-out-of-range"),
    ],
)
@in_own_namespace
def test_refuses_lists_that_it_cannot_run(actions: list[Action], error: int) -> None:
    with switch() as sw:
        assert sw.bridge.call("hash_put", 1, b"\xff" * 56) == 0
        assert sw.bridge.put(*ANY_IPV4, actions) == error
        flow = sw.bridge.put(*ANY_IPV4, [output(2)])  # nothing of it was left behind
        assert flow > 0
        assert sw.bridge.mod(flow, actions) == error
        assert sw.run(ipv4_packet()).verdict == XDP_REDIRECT


@in_own_namespace
def test_edits_after_the_last_output_do_not_matter() -> None:
    with switch() as sw:
        sw.bridge.put(*ANY_IPV4, [output(2), set_bytes(ETHERNET, 0, b"\xff" * 6)])
        run = sw.run(ipv4_packet())
        assert (run.verdict, run.packet) == (XDP_REDIRECT, ipv4_packet())


@in_own_namespace
def test_flows_come_change_and_go() -> None:
    with switch() as sw:
        flow = sw.bridge.put(*ANY_IPV4, [output(2)])
        assert sw.bridge.put(*ANY_IPV4, []) == EEXIST
        assert sw.run(ipv4_packet()).verdict == XDP_REDIRECT
        assert sw.bridge.mod(flow, []) == 0
        assert sw.run(ipv4_packet()).verdict == XDP_DROP
        assert sw.bridge.drops()[0] == {"NO_ACTION": 1}
        assert sw.bridge.delete(flow) == (0, (2, 120))
        sw.run(ipv4_packet())
        assert sw.bridge.drops()[0] == {"NO_ACTION": 1, "UPCALL_FULL": 1}
        assert sw.bridge.delete(flow)[0] == ENOENT
        assert sw.bridge.mod(flow, []) == ENOENT
        again = sw.bridge.put(*ANY_IPV4, [output(2)])
        assert sw.run(ipv4_packet()).verdict == XDP_REDIRECT
        assert sw.bridge.stats(again) == (1, 60)


@in_own_namespace
def test_a_bridge_has_at_most_64_masks() -> None:
    with switch() as sw:
        masks = [to(b"\0" * 4, struct.pack(">I", 1 + i)) for i in range(65)]
        flows = [sw.bridge.put(*m, []) for m in masks]
        assert min(flows[:64]) > 0
        assert flows[64] == ENOSPC
        assert sw.bridge.delete(flows[10])[0] == 0
        assert sw.bridge.put(*masks[64], []) > 0


@in_own_namespace
def test_all_masks_are_searched() -> None:
    """Each flow of its own mask, 64 of them; first by search, then by the hint that the search left."""
    with switch() as sw:
        for i in range(64):
            flow = match((VALID, b"\xc0", b"\xc0"), (DESTINATION, bytes([10, i, 0, 0]), bytes([255, 255, i, 0])))
            assert sw.bridge.put(*flow, [set_bytes(ETHERNET, 0, bytes([i] * 6)), output(2)]) > 0
        for i in [*range(64), *range(64)]:
            run = sw.run(ipv4_packet(bytes([10, i, 0, 7])))
            assert (run.verdict, run.packet[:6]) == (XDP_REDIRECT, bytes([i] * 6))
        assert sw.bridge.drops() == ({}, {})


@in_own_namespace
def test_a_full_table_refuses_and_forwards_on() -> None:
    """Numbers of flows come back after a grace period, with counters at zero."""
    with switch() as sw:
        flows = []
        for i in range(70_000):
            flow = sw.bridge.put(*to(struct.pack(">I", 0x0A000000 + i)), [output(2)])
            if flow == ENOSPC and i >= 65_535:
                break
            if flow > 0:
                flows.append(flow)
        assert 65_500 < len(flows) <= 65_535
        assert sw.run(ipv4_packet(b"\x0a\0\0\5")).verdict == XDP_REDIRECT
        for flow in flows:
            assert sw.bridge.call("flow_del", flow, None) == 0
        assert sw.run(ipv4_packet(b"\x0a\0\0\5")).verdict == XDP_DROP
        flow = sw.bridge.put(*to(b"\x0a\0\0\5"), [output(2)])
        assert flow > 0
        assert sw.run(ipv4_packet(b"\x0a\0\0\5")).verdict == XDP_REDIRECT
        assert sw.bridge.stats(flow) == (1, 60)


@in_own_namespace
def test_select_chooses_as_the_shared_code_does() -> None:
    """The bucket of act_bucket() (the user engine's, and trace's), for 200 addresses and four weights."""
    shim = ctypes.CDLL(
        str(build_shared("test-actions", [Path(__file__).parent / "actions_shim.c"], include_dirs=[RUNTIME_DIR]))
    )
    shim.key_hash.restype = ctypes.c_uint32
    hash_mask = match((DESTINATION, b"", b"\xff" * 4))[1]
    buckets = [bucket(w, set_bytes(ETHERNET, 6, bytes([i] * 6)), output(2)) for i, w in enumerate((1, 0, 3, 2))]
    actions = [set_bytes(ETHERNET, 0, b"\x77" * 6), Action(SELECT, 3, 4), *[a for b in buckets for a in b]]
    places = [2, 5, 8, 11]
    with switch() as sw:
        assert sw.bridge.call("hash_put", 3, hash_mask) == 0
        assert sw.bridge.put(*ANY_IPV4, actions) > 0
        chosen = []
        for i in range(200):
            address = bytes([10, 0, i, 1])
            run = sw.run(ipv4_packet(address))
            assert (run.verdict, run.packet[:6]) == (XDP_REDIRECT, b"\x77" * 6)
            key = match((DESTINATION, address, b""))[0]
            selected = pack_actions(actions[1:])
            place = shim.choose_bucket(selected, len(actions) - 1, ctypes.c_uint32(shim.key_hash(key, hash_mask, 56)))
            assert places[run.packet[6]] == place + 1
            chosen.append(run.packet[6])
        assert set(chosen) == {0, 2, 3}


@st.composite
def edit_lists(draw: st.DrawFn) -> list[Action]:
    """Edits of the IPv4 header; whatever was set is not decremented afterwards."""
    actions: list[Action] = []
    for _ in range(draw(st.integers(0, 8))):
        size = draw(st.integers(1, 8))
        offset = draw(st.integers(0, 20 - size))
        value, mask = draw(st.binary(min_size=size, max_size=size)), draw(st.binary(min_size=size, max_size=size))
        actions.append(set_bytes(IPV4, offset, value, mask=mask))
    decrements = [Action(DEC_TTL, draw(st.sampled_from([8, 1])), header=IPV4) for _ in range(draw(st.integers(0, 2)))]
    return decrements + actions


@in_own_namespace
def test_edits_in_the_kernel_equal_the_model() -> None:
    with switch() as sw:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(actions=edit_lists(), ttl=st.integers(0, 255))
        def check(actions: list[Action], ttl: int) -> None:
            packet = ipv4_packet(ttl=ttl, payload=bytes(range(10)))
            flow = sw.bridge.put(*ANY_IPV4, [*actions, output(2)])
            assert flow > 0
            run = sw.run(packet)
            verdict, expected = edit(packet, 14, actions)
            assert sw.bridge.delete(flow)[0] == 0
            if verdict == TTL:
                assert (run.verdict, run.packet) == (XDP_DROP, packet)
            else:
                assert (verdict, run.verdict, run.packet) == (NEXT, XDP_REDIRECT, expected)

        check()


@in_own_namespace
def test_lookup_equals_a_linear_model() -> None:
    """Random flows under random masks, put, changed and deleted; every packet is treated as the list says."""
    with switch() as sw:
        # The first byte of an address names the mask, so that no two flows overlap.
        masks = [bytes([255, 240 if i % 2 else 255, 85 * (i % 4), i * 37 & 255]) for i in range(12)]
        steps = st.tuples(
            st.sampled_from(["put", "delete", "mod", "packet", "packet"]),
            st.integers(0, 11),
            st.integers(0, 3),
            st.integers(0, 3),
        )

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(steps=st.lists(steps, max_size=60))
        def check(steps: list[tuple[str, int, int, int]]) -> None:
            model: dict[tuple[bytes, bytes], tuple[int, int]] = {}  # (key, mask) -> (flow, tag)
            tag = 0
            for step, mask_index, a, b in steps:
                address = bytes([mask_index, a * 77, b * 99 & 255, (a * 31 + b * 5) & 255])
                key, mask = to(address, masks[mask_index])
                key = bytes(k & m for k, m in zip(key, mask, strict=True))
                known = model.get((key, mask))
                tag = (tag + 1) % 250
                actions = [set_bytes(ETHERNET, 5, bytes([tag])), output(2)]
                if step == "put":
                    flow = sw.bridge.put(key, mask, actions)
                    assert (flow == EEXIST) == bool(known)
                    if not known:
                        model[key, mask] = (flow, tag)
                elif known and step == "mod":
                    assert sw.bridge.mod(known[0], actions) == 0
                    model[key, mask] = (known[0], tag)
                elif known and step == "delete":
                    assert sw.bridge.delete(known[0])[0] == 0
                    del model[key, mask]
                elif step == "packet":
                    run = sw.run(ipv4_packet(address))
                    assert run.verdict == (XDP_REDIRECT if known else XDP_DROP)
                    assert not known or run.packet[5] == known[1]
            for flow, _ in model.values():
                assert sw.bridge.delete(flow)[0] == 0

        check()


@in_own_namespace
def test_checksums_are_kept_right_in_the_kernel() -> None:
    with switch() as sw:
        new_source = set_bytes(IPV4, 12, b"\xc0\xa8\x01\x02", flags=1)
        sw.bridge.put(
            *ANY_IPV4, [new_source, Action(DEC_TTL, 8, header=IPV4), Action(CSUM, 10, header=IPV4), output(2)]
        )
        for i in range(256):
            packet = sw.run(ipv4_packet(bytes([10, i, 255 - i, 0]), ttl=2 + i % 200)).packet
            assert packet[26:30] == b"\xc0\xa8\x01\x02"
            assert internet_checksum(packet[14:34]) == 0
