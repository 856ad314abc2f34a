"""Runs the engines' byte code on one packet in plain Python: what a trace shows leaving the switch.

The engines run ``runtime/actions.h``; this says the same in the plainest words, bit for bit, and counts nothing.
Fed by ``vswitchd``'s trace with what ``byte_code.py`` decoded; tests hold the engines against it.

Source: RFC 1624, equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from datapath.slowpath.byte_code import (
    CSUM,
    DEC_TTL,
    F_GO_ON,
    F_IN_PORT,
    F_INNER_ONLY,
    F_RESTART,
    F_SWAPPED,
    F_UNSUMMED,
    F_ZERO_NONE,
    OUTPUT,
    SET,
    ByteAction,
)


def replay(
    actions: Sequence[ByteAction], packet: bytes, hdr_off: Sequence[int], in_port: int = 0
) -> list[tuple[int, bytes]]:
    """Return (port, packet) for everything that the actions send.

    Args:
        actions: The byte code that this packet runs: a select group is replaced by its bucket.
        packet: The frame as it came in.
        hdr_off: Where its headers start, in bytes, by header id.
        in_port: Where it came in: nothing goes back there unless an output says so.
    """
    data = bytearray(packet)
    sent: list[tuple[int, bytes]] = []
    difference = 0
    slots = [0] * 8
    for action in actions:
        if action.op == OUTPUT:
            if action.arg != in_port or action.flags & F_IN_PORT:
                sent.append((action.arg, bytes(data)))
        elif action.op in (SET, DEC_TTL):
            at = hdr_off[action.header] + action.arg
            size = action.size if action.op == SET else 1
            old = bytes(data[at : at + size])
            if len(old) < size:
                break
            if action.op == DEC_TTL and old[0] < 2:
                if action.flags & F_GO_ON:
                    continue
                break
            new = _masked(old, action) if action.op == SET else bytes((old[0] - 1,))
            data[at : at + size] = new
            difference = 0 if action.flags & F_RESTART else difference
            if not action.flags & F_UNSUMMED:
                difference = _fold(difference + (_sum(old, action.arg) ^ 0xFFFF) + _sum(new, action.arg))
        elif action.op == CSUM:
            _update(data, hdr_off[action.header] + action.arg, _difference(action, difference, slots), action, slots)
    return sent


def _masked(old: bytes, action: ByteAction) -> bytes:
    return bytes((o & ~m) | (v & m) for o, v, m in zip(old, action.value, action.mask, strict=False))


def _sum(data: bytes, offset: int) -> int:
    """Return the ones'-complement sum of bytes that start at ``offset`` of their header."""
    padded = bytes(offset % 2) + data
    padded += bytes(len(padded) % 2)
    return _fold(sum(int.from_bytes(padded[i : i + 2], "big") for i in range(0, len(padded), 2)))


def _fold(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _swap(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def _difference(action: ByteAction, collected: int, slots: list[int]) -> int:
    """Return what a DP_CSUM folds in: the difference collected, and what is in its slot."""
    difference = _swap(collected) if action.flags & F_SWAPPED else collected
    if not action.size:
        return difference
    if action.flags & F_INNER_ONLY:
        difference = 0
    difference = _fold(difference + slots[action.size - 1])
    slots[action.size - 1] = 0
    return difference


def _update(data: bytearray, at: int, difference: int, action: ByteAction, slots: list[int]) -> None:
    """Apply a difference to the checksum at byte ``at``, and add the change to the slots that it names."""
    old = int.from_bytes(data[at : at + 2], "big")
    if at + 2 > len(data) or (action.flags & F_ZERO_NONE and old == 0):
        return
    difference %= 0xFFFF  # no change is 0xffff too: it must not make 0 of 0xffff
    new = ~_fold((~old & 0xFFFF) + difference) & 0xFFFF
    if action.flags & F_ZERO_NONE and new == 0:
        new = 0xFFFF
    data[at : at + 2] = new.to_bytes(2, "big")
    change = _fold((old ^ 0xFFFF) + new)
    for slot in range(8):
        if action.value[0] >> slot & 1:
            slots[slot] = _fold(slots[slot] + (_swap(change) if action.mask[0] >> slot & 1 else change))
