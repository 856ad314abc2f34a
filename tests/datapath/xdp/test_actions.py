"""The edits that both engines share: compared with a plain model, and with checksums computed from nothing."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from edit_model import BAD, NEXT, TTL, edit, internet_checksum
from hypothesis import given, settings
from hypothesis import strategies as st
from xdp_harness import (
    CSUM,
    DEC_TTL,
    OUTPUT,
    RESTART,
    SELECT,
    SWAPPED,
    UNSUMMED,
    ZERO_NONE,
    Action,
    bucket,
    pack_actions,
    set_bytes,
)

from datapath.build import RUNTIME_DIR, build_shared
from datapath.slowpath.byte_code import decode
from datapath.slowpath.replay import replay

HEADER = 6  # where the header under test starts
HEADER_SIZE = 24
CHECK = 10  # its checksum's offset


@pytest.fixture(scope="module")
def shim() -> ctypes.CDLL:
    return ctypes.CDLL(
        str(build_shared("test-actions", [Path(__file__).parent / "actions_shim.c"], include_dirs=[RUNTIME_DIR]))
    )


def run(shim: ctypes.CDLL, packet: bytes, actions: list[Action], header: int = HEADER) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(packet, len(packet))
    verdict = shim.run_edits(buffer, len(packet), header, pack_actions(actions), len(actions))
    return verdict, buffer.raw


@st.composite
def sets(draw: st.DrawFn, flags: int = 0) -> Action:
    """A DP_SET in the header that leaves its checksum alone."""
    size = draw(st.integers(1, 8))
    offsets = [i for i in range(HEADER_SIZE - size + 1) if i + size <= CHECK or i >= CHECK + 2]
    value, mask = draw(st.binary(min_size=size, max_size=size)), draw(st.binary(min_size=size, max_size=size))
    return set_bytes(0, draw(st.sampled_from(offsets)), value, flags, mask)


edits = st.lists(sets() | st.integers(0, 9).map(lambda at: Action(DEC_TTL, at)), max_size=6)
packets = st.binary(min_size=HEADER + HEADER_SIZE, max_size=HEADER + HEADER_SIZE + 4)


@given(packet=packets, actions=edits)
def test_edits_equal_the_model(shim: ctypes.CDLL, packet: bytes, actions: list[Action]) -> None:
    verdict, result = run(shim, packet, actions)
    assert (verdict, result) == edit(packet, HEADER, actions)


@given(packet=packets, actions=st.lists(sets(), min_size=1, max_size=5))
def test_incremental_checksum_equals_a_new_one(shim: ctypes.CDLL, packet: bytes, actions: list[Action]) -> None:
    sealed = seal(packet)
    verdict, result = run(shim, sealed, [*actions, Action(CSUM, CHECK)])
    _, expected = edit(sealed, HEADER, actions)
    assert verdict == NEXT
    if expected == sealed or any(without_checksum(expected)):
        assert result == seal(expected)
    else:  # changed into nothing but zeros: RFC 1624's equation has no way to tell, and says 0 instead of 0xffff
        assert result[HEADER : HEADER + HEADER_SIZE] == bytes(HEADER_SIZE)


def without_checksum(packet: bytes) -> bytes:
    return packet[HEADER : HEADER + CHECK] + packet[HEADER + CHECK + 2 : HEADER + HEADER_SIZE]


def seal(packet: bytes) -> bytes:
    """Return the packet with the header's checksum right."""
    data = bytearray(packet)
    data[HEADER + CHECK : HEADER + CHECK + 2] = b"\0\0"
    check = internet_checksum(bytes(data[HEADER : HEADER + HEADER_SIZE]))
    data[HEADER + CHECK : HEADER + CHECK + 2] = check.to_bytes(2, "big")
    return bytes(data)


@given(packet=packets, action=sets(), before=sets())
def test_restart_and_unsummed_keep_changes_out_of_the_sum(
    shim: ctypes.CDLL, packet: bytes, action: Action, before: Action
) -> None:
    """Only the change after RESTART counts, so the checksum differs from the old as that change alone makes it."""
    unsummed = set_bytes(0, 0, b"\x5a\xa5", UNSUMMED)
    restarted = Action(action.op, action.arg, action.size, 0, RESTART, action.value, action.mask)
    _, changed = run(shim, packet, [unsummed, before])
    _, alone = run(shim, changed, [action, Action(CSUM, CHECK)])
    _, result = run(shim, packet, [unsummed, before, restarted, Action(CSUM, CHECK)])
    assert result == alone


def test_a_dec_ttl_restarts_too(shim: ctypes.CDLL) -> None:
    packet = seal(bytes(range(HEADER + HEADER_SIZE)))
    actions = [set_bytes(0, 0, b"\xff"), Action(DEC_TTL, 8, flags=RESTART), Action(CSUM, CHECK)]
    _, lone = run(shim, packet, actions[1:])
    _, result = run(shim, packet, actions)
    assert result[HEADER + 1 :] == lone[HEADER + 1 :]


@given(packet=packets, offset=st.integers(1, 12), value=st.binary(min_size=1, max_size=8))
def test_swapped_is_for_a_sum_at_the_other_parity(shim: ctypes.CDLL, packet: bytes, offset: int, value: bytes) -> None:
    """The checksum at 22 is of bytes 1 to 20: each word of that sum straddles two of the header's."""

    def checksum(data: bytes) -> bytes:
        return internet_checksum(data[HEADER + 1 : HEADER + 21]).to_bytes(2, "big")

    at = HEADER + 22
    packet = packet[: HEADER + 1] + b"\1" + packet[HEADER + 2 :]  # not all zeros
    sealed = packet[:at] + checksum(packet) + packet[at + 2 :]
    _, result = run(shim, sealed, [set_bytes(0, offset, value), Action(CSUM, 22, flags=SWAPPED)])
    _, expected = edit(sealed, HEADER, [set_bytes(0, offset, value)])
    if any(expected[HEADER + 1 : HEADER + 21]):
        assert result == expected[:at] + checksum(expected) + expected[at + 2 :]


@pytest.mark.parametrize(
    ("check", "changed", "expected"),
    [
        pytest.param(b"\0\0", b"\x12\x34", b"\0\0", id="zero-stays"),
        pytest.param(None, b"\x12\x34", None, id="computed"),
        pytest.param(b"\x12\x34", b"\x12\x34", b"\xff\xff", id="computed-zero-is-sent-as-ones"),
    ],
)
def test_zero_none_is_the_checksum_of_udp(
    shim: ctypes.CDLL, check: bytes | None, changed: bytes, expected: bytes | None
) -> None:
    packet = bytearray(HEADER + HEADER_SIZE)
    packet[HEADER + 2] = 9
    data = seal(bytes(packet)) if check is None else bytes(packet)
    if check is not None:
        data = data[: HEADER + CHECK] + check + data[HEADER + CHECK + 2 :]
    _, result = run(shim, data, [set_bytes(0, 0, changed), Action(CSUM, CHECK, flags=ZERO_NONE)])
    got = result[HEADER + CHECK : HEADER + CHECK + 2]
    if expected is None:
        assert internet_checksum(result[HEADER : HEADER + HEADER_SIZE]) == 0
    else:
        assert got == expected


@pytest.mark.parametrize("ttl", [0, 1])
def test_an_ended_ttl_changes_nothing(shim: ctypes.CDLL, ttl: int) -> None:
    packet = bytes([ttl] * 30)
    assert run(shim, packet, [Action(DEC_TTL, 3)]) == (TTL, packet)


@pytest.mark.parametrize(
    "action",
    [
        set_bytes(0, 20, b"12345"),  # one byte too many
        Action(DEC_TTL, 24),
        Action(CSUM, 23),
        Action(OUTPUT, 1),  # no edit
    ],
)
def test_edits_outside_the_packet_are_bad(shim: ctypes.CDLL, action: Action) -> None:
    packet = bytes(range(HEADER + HEADER_SIZE))
    assert run(shim, packet, [action]) == (BAD, packet)


def test_an_absent_header_is_bad(shim: ctypes.CDLL) -> None:
    packet = bytes(60)
    for action in (set_bytes(0, 0, b"1"), set_bytes(0, 4, b"12345678"), Action(DEC_TTL, 0), Action(CSUM, 2)):
        assert run(shim, packet, [action], header=0xFFFF) == (BAD, packet)


@settings(max_examples=50)
@given(weights=st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_buckets_are_chosen_by_weight(shim: ctypes.CDLL, weights: list[int]) -> None:
    """Hashes spread evenly choose each bucket in proportion, and one without weight never."""
    actions = [Action(SELECT, 1, len(weights))]
    places = []
    for i, weight in enumerate(weights):
        places.append(len(actions))
        actions += bucket(weight, *[Action(OUTPUT, i + 1)] * (i % 3))
    packed = pack_actions(actions)
    step = (1 << 32) // 1000
    chosen = [shim.choose_bucket(packed, len(actions), ctypes.c_uint32(h * step)) for h in range(1000)]
    if not sum(weights):
        assert set(chosen) == {-1}
        return
    for place, weight in zip(places, weights, strict=True):
        assert abs(chosen.count(place) - 1000 * weight / sum(weights)) <= 2


def test_a_malformed_select_chooses_nothing(shim: ctypes.CDLL) -> None:
    too_long = [Action(SELECT, 1, 1), Action(7 - 1, 5, value=b"\0\0\0\1"), Action(OUTPUT, 1)]
    assert shim.choose_bucket(pack_actions(too_long), 3, 0) == -1
    no_bucket = [Action(SELECT, 1, 1), Action(OUTPUT, 1)]
    assert shim.choose_bucket(pack_actions(no_bucket), 2, 0) == -1


flagged = st.sampled_from([0, RESTART, UNSUMMED]).flatmap(sets)
sums = st.sampled_from([0, SWAPPED, ZERO_NONE, SWAPPED | ZERO_NONE]).map(lambda flags: Action(CSUM, CHECK, flags=flags))
ttls = st.integers(0, 9).map(lambda at: Action(DEC_TTL, at))


@given(packet=packets, actions=st.lists(flagged | sums | ttls, max_size=6))
def test_replay_sends_what_the_engines_send(shim: ctypes.CDLL, packet: bytes, actions: list[Action]) -> None:
    verdict, result = run(shim, packet, actions)
    code = decode(bytes(pack_actions([*actions, Action(OUTPUT, 3)])))
    assert replay(code, packet, [HEADER]) == ([(3, result)] if verdict == NEXT else [])
