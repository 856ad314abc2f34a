"""Checksums that sum other checksums: whatever is edited, each is as right as it was, by computing its sum in full.

Layouts are random: headers of any size, checksums at any place in them, at any parity, which sum any bits and the
checksums declared before them, as a tunnel's outer one does; some may be zero for "none" and then stay so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from slowpath_layout import Packet
from slowpath_mock import FLAGS, MockEngine
from slowpath_reference import place_of, summed

from datapath.ir.layout import KeyChecksum, KeyHeader, KeyLayout
from datapath.slowpath import byte_code
from datapath.slowpath.bridge import SlowPath
from datapath.slowpath.model import Action, Bucket, DecTtl, Flow, Group, Match, Output, SetField, ToGroup
from datapath.slowpath.replay import replay

HEADERS_AT = 16  # where headers begin in the key
COVERS = (0xFF, 0xFF, 0, 0, 0xF0, 0x0F)  # what a checksum sums of a byte
ABSENT = 0xFFFF
two_bytes = st.binary(min_size=2, max_size=2)


@dataclass(frozen=True)
class Stack:
    """A packet of a layout, and what is done to it."""

    layout: KeyLayout
    data: bytes
    offsets: tuple[int, ...]
    actions: tuple[Action, ...]

    def packet(self) -> Packet:
        key = bytearray(self.layout.key_size)
        key[3] = 1  # in_port
        for header, start in zip(self.layout.headers, self.offsets, strict=True):
            if start != ABSENT:
                key[8] |= 0x80 >> header.header_id
                key[header.key_offset : header.key_offset + header.size] = self.data[start : start + header.size]
        return Packet(self.data, 1, self.offsets, bytes(key))


# ------------------------------------------------------------------------------------------------ what is drawn
@st.composite
def layouts(draw: st.DrawFn) -> KeyLayout:
    sizes = draw(st.lists(st.integers(3, 9), min_size=2, max_size=5))
    starts = [HEADERS_AT + sum(sizes[:i]) for i in range(len(sizes))]
    key_size = (HEADERS_AT + sum(sizes) + 7) // 8 * 8
    headers = tuple(
        KeyHeader(f"h{i}", f"h{i}_t", i, start, size, size * 8, i)
        for i, (start, size) in enumerate(zip(starts, sizes, strict=True))
    )
    places: list[tuple[int, int]] = []
    for _ in range(draw(st.integers(1, 4))):
        header = draw(st.integers(0, len(sizes) - 1))
        offset = draw(st.integers(0, sizes[header] - 2))
        if all(h != header or abs(o - offset) > 1 for h, o in places):
            places.append((header, offset))
    checksums = tuple(draw(declared(headers, key_size, places, n)) for n in range(len(places)))
    return KeyLayout(1, "stack", key_size, headers, (), checksums, ("NoError",))


@st.composite
def declared(
    draw: st.DrawFn, headers: tuple[KeyHeader, ...], key_size: int, places: list[tuple[int, int]], number: int
) -> KeyChecksum:
    """Draw what a checksum sums: nothing of itself and of those declared later, others all or not at all."""
    masks = []
    for header in headers:
        cover = [draw(st.sampled_from((0xFF, 0)))] * header.size
        if draw(st.booleans()):
            cover = draw(st.lists(st.sampled_from(COVERS), min_size=header.size, max_size=header.size))
        for later, (owner, at) in enumerate(places):
            if owner == header.header_id:
                cover[at : at + 2] = [0 if later >= number else draw(st.sampled_from((0xFF, 0)))] * 2
        mask = bytes(header.key_offset) + bytes(cover)
        masks.append((header.path, mask.ljust(key_size, b"\0").hex()))
    swapped = tuple(h.path for h in headers if draw(st.booleans()))
    owner, at = places[number]
    return KeyChecksum(f"h{owner}", "sum", owner, at, "", swapped, False, draw(st.booleans()), cover_masks=tuple(masks))


def edits(layout: KeyLayout) -> st.SearchStrategy[Action]:
    """Draw a set-field of some bits outside checksums, a decrement of such a byte (summed whole), or an output."""
    own = {(c.header_id, at) for c in layout.checksums for at in (c.header_offset, c.header_offset + 1)}
    free = [(h, at) for h in layout.headers for at in range(h.size) if (h.header_id, at) not in own]
    covers = {h.path: [bytes.fromhex(dict(c.cover_masks)[h.path]) for c in layout.checksums] for h in layout.headers}
    whole = [(h, at) for h, at in free if all(cover[h.key_offset + at] in (0, 0xFF) for cover in covers[h.path])]

    def set_field(place: tuple[KeyHeader, int], size: int, value: bytes, mask: bytes) -> Action:
        header, at = place
        n = next(n for n in range(size, 0, -1) if all((header, at + i) in free for i in range(n)))
        return set_bytes(header, at, value[:n], mask[:n])

    four = st.binary(min_size=4, max_size=4)
    choices: list[st.SearchStrategy[Action]] = [
        st.builds(set_field, st.sampled_from(free), st.integers(1, 4), four, st.one_of(st.just(b"\xff" * 4), four)),
        st.just(Output(2)),
    ]
    if whole:
        choices.append(st.sampled_from(whole).map(lambda p: DecTtl(8 * (p[0].key_offset + p[1]), p[0].path)))
    return st.one_of(choices)


def set_bytes(header: KeyHeader, at: int, value: bytes, mask: bytes) -> SetField:
    offset_bits, width_bits = 8 * (header.key_offset + at), 8 * len(value)
    return SetField(offset_bits, width_bits, int.from_bytes(value, "big"), int.from_bytes(mask, "big"), header.path)


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Draw a packet whose checksums are right, or some of them wrong, or zero for none; and edits of it."""
    layout = draw(layouts())
    offsets, at = [], 0
    for header in layout.headers:
        here = draw(st.integers(0, 5)) > 0
        offsets.append(at if here else ABSENT)
        at += header.size if here else 0
    stack = Stack(layout, draw(st.binary(min_size=at + 16, max_size=at + 16)), tuple(offsets), ())
    off = [draw(st.sampled_from((0, 0, 0, 1, 0x1234))) for _ in layout.checksums]
    none = [c.zero_is_none and draw(st.booleans()) for c in layout.checksums]
    actions = draw(st.lists(edits(layout), min_size=1, max_size=5))
    return Stack(layout, with_sums(stack, off, none), stack.offsets, (*actions, Output(2)))


# ------------------------------------------------------------------------------------------------ what must hold
def total_of(stack: Stack, checksum: KeyChecksum, data: bytes) -> int:
    return summed(stack.layout, (checksum.header_id, checksum.header_offset), data, stack.offsets)


def with_sums(stack: Stack, off: list[int], none: list[bool]) -> bytes:
    """Compute all checksums, each ``off`` by so much, or zero; those that sum others come after them."""
    data = bytearray(stack.data)
    for checksum, wrong, is_none in zip(stack.layout.checksums, off, none, strict=True):
        at = place_of(checksum, stack.offsets)
        if at is not None:
            value = (wrong - total_of(stack, checksum, bytes(data))) % 65535 or 65535
            data[at : at + 2] = (0 if is_none else value).to_bytes(2, "big")
    return bytes(data)


def how_wrong(stack: Stack, data: bytes) -> list[int | None]:
    """Return by how much each checksum of a packet is off, modulo 65535; None where it has none."""
    found: list[int | None] = []
    for checksum in stack.layout.checksums:
        at = place_of(checksum, stack.offsets)
        value = None if at is None else int.from_bytes(data[at : at + 2], "big")
        is_none = value is None or (checksum.zero_is_none and not value)
        found.append(None if is_none else (total_of(stack, checksum, data) + (value or 0)) % 65535)
    return found


def forwarded(stack: Stack, bucket: tuple[Action, ...] = ()) -> list[bytes]:
    """Run the packet through slow path and engine; the megaflow's byte code in plain Python must do the same.

    Args:
        stack: What is sent, and the flow's actions.
        bucket: Actions of the two buckets of group 1.

    Returns:
        What is sent to port 2.
    """
    anything = Match(bytes(stack.layout.key_size), bytes(stack.layout.key_size))
    packet = stack.packet()
    engine = MockEngine(layout=stack.layout)
    with SlowPath(stack.layout, flags=FLAGS) as slow_path:
        slow_path.port_put(2)
        slow_path.port_put(3)
        engine.join(slow_path)
        slow_path.group_put(Group(1, "all", (Bucket(bucket), Bucket(bucket))))
        slow_path.flow_put(Flow(anything, stack.actions))
        sent = engine.forward(packet)
        if bucket:
            assume(not slow_path.stats()["overflows"])  # of more than 64 actions
        code = slow_path.translate(packet.key).actions
        assert slow_path.stats()["overflows"] == 0
    engine.close()
    actions = byte_code.from_text(code, [h.path for h in stack.layout.headers])
    sent = [(port, data) for port, data in sent if port > 0]
    assert replay(actions, stack.data, stack.offsets, in_port=1) == sent
    return [data for port, data in sent if port == 2]


@given(stack=stacks())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_right_stays_right(stack: Stack) -> None:
    before = how_wrong(stack, stack.data)
    for data in forwarded(stack):
        assert how_wrong(stack, data) == before


@given(stack=stacks(), choice=st.integers(0, 3), value=st.integers(0, 0xFFFF))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_others_follow_a_checksum_that_is_written(stack: Stack, choice: int, value: int) -> None:
    chosen = choice % len(stack.layout.checksums)
    checksum = stack.layout.checksums[chosen]
    header = stack.layout.headers[checksum.header_id]
    write = set_bytes(header, checksum.header_offset, value.to_bytes(2, "big"), b"\xff\xff")
    edited = [a for a in stack.actions if isinstance(a, SetField)]
    stack = Stack(stack.layout, stack.data, stack.offsets, (write, *edited, Output(2)))
    before = how_wrong(stack, stack.data)
    (data,) = forwarded(stack)
    at = place_of(checksum, stack.offsets)
    if at is not None:
        assert data[at : at + 2] == value.to_bytes(2, "big")
    after = how_wrong(stack, data)
    assert after[:chosen] + after[chosen + 1 :] == before[:chosen] + before[chosen + 1 :]


@given(stack=stacks(), data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_bucket_writes_ends_with_it(stack: Stack, data: st.DataObject) -> None:
    """Some checksums, whole or some bits, and other edits, between edits of the flow itself."""
    writes = [
        set_bytes(stack.layout.headers[c.header_id], c.header_offset, value, mask)
        for c in stack.layout.checksums
        for value, mask in data.draw(st.lists(st.tuples(two_bytes, st.just(b"\xff\xff") | two_bytes), max_size=1))
    ]
    bucket = data.draw(st.permutations([*writes, *data.draw(st.lists(edits(stack.layout), max_size=2))]))
    n_before = data.draw(st.integers(0, len(stack.actions) - 1))
    actions = (*stack.actions[:n_before], ToGroup(1), *stack.actions[n_before:])
    bucket = [Output(3) if isinstance(action, Output) else action for action in bucket]
    before = how_wrong(stack, stack.data)
    for sent in forwarded(replace(stack, actions=actions), (*bucket, Output(3))):
        assert how_wrong(stack, sent) == before


# ------------------------------------------------------------------------------------------------ single cases
def test_sums_that_hold_each_other_end() -> None:
    """No order of updates is right for them; they must not hang, and each follows what is not in the other."""
    headers = (KeyHeader("h0", "h0_t", 0, 16, 8, 64, 0),)
    first, second = bytes(16) + b"\xff\xff\0\0\xff\xff\xff\xff", bytes(16) + b"\xff\xff\xff\xff\0\0\xff\xff"
    checksums = tuple(
        KeyChecksum("h0", name, 0, at, "", cover_masks=(("h0", cover.hex()),))
        for name, at, cover in (("one", 2, first), ("two", 4, second))
    )
    layout = KeyLayout(1, "ring", 24, headers, (), checksums, ("NoError",))
    stack = Stack(layout, bytes(24), (0,), (set_bytes(headers[0], 0, b"\1\2", b"\xff\xff"), Output(2)))
    assert len(forwarded(stack)) == 1


def test_too_many_sums_inside_each_other_drop() -> None:
    """Six, each over all before it: five slots are more than there are."""
    headers = (KeyHeader("h0", "h0_t", 0, 16, 16, 128, 0),)
    checksums = tuple(
        KeyChecksum(
            "h0", f"sum{n}", 0, 2 + 2 * n, "", zero_is_none=True,
            cover_masks=(("h0", (bytes(16) + b"\xff" * (2 + 2 * n)).ljust(32, b"\0").hex()),),
        )
        for n in range(6)
    )  # fmt: skip
    layout = KeyLayout(1, "deep", 32, headers, (), checksums, ("NoError",))
    packet = Stack(layout, bytes(range(1, 33)), (0,), ()).packet()
    with SlowPath(layout, flags=FLAGS) as slow_path:
        slow_path.port_put(2)
        slow_path.flow_put(
            Flow(Match(bytes(32), bytes(32)), (set_bytes(headers[0], 0, b"\1\2", b"\xff\xff"), Output(2)))
        )
        reason = "an edit changes more than 4 checksums that sum other checksums"
        assert slow_path.translate(packet.key).dropped == reason
