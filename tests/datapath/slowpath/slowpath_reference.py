"""OpenFlow without caches: the plainest way to run a packet through flow tables, as the model for the fast one.

Looks at every flow of a table, edits the frame itself, and computes all checksums anew over the whole frame at each
output.  Shares nothing with the C code.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from slowpath_layout import HEADERS, LAYOUT, ZONE, Packet, key_of, with_checksums

from datapath.ir.layout import KeyChecksum, KeyLayout
from datapath.slowpath.model import (
    PORT_ALL,
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    Bucket,
    DecTtl,
    Flow,
    Group,
    Output,
    SetField,
    ToController,
    ToGroup,
)

CHECKSUMS = {(c.header_id, c.header_offset) for c in LAYOUT.checksums}
_M64 = (1 << 64) - 1
_MULTIPLIER, _START = 0x9E3779B97F4A7C15, 0x243F6A8885A308D3


class TtlOverError(Exception):
    """The packet, or the bucket's copy of it, goes no further."""


@dataclass
class Copy:
    """A copy of the packet on its way."""

    data: bytes
    zone: int = 0
    own: int = 0  # bits of checksums that a flow has written, as a mask over the frame: they stand
    own_bits: int = 0  # what it has written there

    def seen(self, data: bytes) -> bytes:
        """Return the frame ``data`` with the checksums that a flow has written."""
        frame = int.from_bytes(data, "big")
        return ((frame & ~self.own) | self.own_bits).to_bytes(len(data), "big")


@dataclass
class Reference:
    """Flow tables, groups and ports; the same calls as SlowPath has."""

    layout: KeyLayout = LAYOUT
    flows: list[Flow] = field(default_factory=list)
    groups: dict[int, Group] = field(default_factory=dict)
    up: set[int] = field(default_factory=lambda: {1, 2, 3, 4})

    def put(self, flow: Flow) -> None:
        self.flows = [f for f in self.flows if _name(f) != _name(flow)] + [flow]

    def delete(self, flow: Flow) -> None:
        self.flows = [f for f in self.flows if _name(f) != _name(flow)]

    def group_del(self, group: int) -> None:
        del self.groups[group]
        self.flows = [f for f in self.flows if ToGroup(group) not in f.actions]

    def forward(self, packet: Packet) -> list[tuple[int, bytes]]:
        run = _Run(self, packet)
        try:
            run.table(0, Copy(packet.data))
        except TtlOverError:
            run.outputs.append((-2, b""))
        return run.outputs


def _name(flow: Flow) -> tuple[object, ...]:
    return flow.table, flow.priority, flow.match


@dataclass
class _Run:
    model: Reference
    packet: Packet
    outputs: list[tuple[int, bytes]] = field(default_factory=list)

    def table(self, number: int, copy: Copy) -> None:
        key = key_of(copy.seen(copy.data), self.packet.in_port, self.packet.header_offsets, copy.zone)
        found = [f for f in self.model.flows if f.table == number and _matches(f, key)]
        if not found:
            return
        flow = max(found, key=lambda f: f.priority)
        self.actions(flow.actions, copy)
        if flow.goto_table is not None:
            self.table(flow.goto_table, copy)

    def actions(self, actions: tuple[Action, ...], copy: Copy) -> None:
        for action in actions:
            if isinstance(action, Output):
                self.output(action.port, copy)
            elif isinstance(action, ToController):
                self.outputs.append((-1, self.finished(copy)[: action.max_size]))
            elif isinstance(action, SetField):
                self.set_field(action, copy)
            elif isinstance(action, DecTtl):
                self.dec_ttl(copy)
            else:
                self.group(self.model.groups[action.group], copy)

    def finished(self, copy: Copy) -> bytes:
        return copy.seen(with_checksums(copy.data, self.packet.header_offsets))

    def output(self, port: int, copy: Copy) -> None:
        in_port = self.packet.in_port
        if port in (PORT_FLOOD, PORT_ALL):
            ports = sorted(self.model.up - {in_port})
        elif port == PORT_IN_PORT:
            ports = [in_port]
        else:
            ports = [port] if port != in_port else []
        self.outputs += [(p, self.finished(copy)) for p in ports]

    def set_field(self, action: SetField, copy: Copy) -> None:
        if not action.header:
            assert action.offset_bits == 8 * ZONE
            copy.zone = (copy.zone & ~action.mask) | (action.value & action.mask)
            return
        header = next(h for h in HEADERS if h.path == action.header)
        start = self.packet.header_offsets[header.header_id]
        if start == 0xFFFF:
            return
        shift = 8 * len(copy.data) - (8 * start + action.offset_bits - 8 * header.key_offset) - action.width_bits
        mask, bits = action.mask << shift, (action.value & action.mask) << shift
        if (header.header_id, action.offset_bits // 8 - header.key_offset) in CHECKSUMS:
            copy.own |= mask
            copy.own_bits = (copy.own_bits & ~mask) | bits
            return
        frame = (int.from_bytes(copy.data, "big") & ~mask) | bits
        copy.data = frame.to_bytes(len(copy.data), "big")

    def dec_ttl(self, copy: Copy) -> None:
        start = self.packet.header_offsets[1]
        if start == 0xFFFF:
            return
        if copy.data[start + 8] < 2:
            raise TtlOverError
        copy.data = copy.data[: start + 8] + bytes((copy.data[start + 8] - 1,)) + copy.data[start + 9 :]

    def group(self, group: Group, copy: Copy) -> None:
        live = [b for b in group.buckets if not b.watch_port or b.watch_port in self.model.up]
        if group.kind == "select":
            live = [b for b in live if b.weight]
            live = [choose(self.packet.key, group.hash_mask, live)] if live else []
        for bucket in live:
            try:
                self.actions(bucket.actions, replace(copy))
            except TtlOverError:  # of this copy
                self.outputs.append((-2, b""))


def place_of(checksum: KeyChecksum, offsets: tuple[int, ...]) -> int | None:
    """Return where a checksum stands in the packet; None if its header is not there."""
    start = offsets[checksum.header_id]
    return None if start == 0xFFFF else start + checksum.header_offset


def summed(layout: KeyLayout, place: tuple[int, int], data: bytes, offsets: tuple[int, ...]) -> int:
    """Add up all that the checksum at ``place`` (header, offset) is declared to sum, modulo 65535, in full."""
    total = 0
    for checksum in layout.checksums:
        if (checksum.header_id, checksum.header_offset) != place:
            continue
        masks = dict(checksum.cover_masks)
        for header in layout.headers:
            start = offsets[header.header_id]
            if start == 0xFFFF or header.path not in masks:
                continue
            mask = bytes.fromhex(masks[header.path])[header.key_offset : header.key_offset + header.size]
            for at, bits in enumerate(mask):
                is_high = (at % 2 == 0) ^ (header.path in checksum.swapped)
                total += (data[start + at] & bits) << (8 if is_high else 0)
    return total % 65535


def _matches(flow: Flow, key: bytes) -> bool:
    return all(k & m == v for k, m, v in zip(key, flow.match.mask, flow.match.key, strict=True))


def choose(key: bytes, mask: bytes, buckets: list[Bucket]) -> Bucket:
    """Choose as runtime/hash.h does, written from its description."""
    state = _START
    for at in range(0, len(key), 8):
        word_mask = int.from_bytes(mask[at : at + 8], "little")
        if word_mask:
            state = ((state ^ (int.from_bytes(key[at : at + 8], "little") & word_mask)) * _MULTIPLIER) & _M64
            state ^= state >> 32
    point = ((state * _MULTIPLIER & _M64) >> 32) * sum(b.weight for b in buckets) >> 32
    for bucket in buckets:
        if point < bucket.weight:
            return bucket
        point -= bucket.weight
    raise AssertionError("no bucket")
