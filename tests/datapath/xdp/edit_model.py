"""Edits of a packet in plain Python, straight from the words of dp.h; checksums are recomputed, never updated."""

from __future__ import annotations

import struct

from xdp_harness import CSUM, DEC_TTL, SET, Action

NEXT, BAD, TTL = range(3)


def internet_checksum(data: bytes) -> int:
    """RFC 1071, over an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def edit(packet: bytes, header: int, actions: list[Action]) -> tuple[int, bytes]:
    """Apply DP_SET and DP_DEC_TTL; DP_CSUM is left to the caller, who knows what it covers."""
    data = bytearray(packet)
    for action in actions:
        at = header + action.arg
        if action.op == SET:
            if at + action.size > len(data):
                return BAD, bytes(data)
            for i, (value, mask) in enumerate(zip(action.value, action.mask, strict=True)):
                data[at + i] = (data[at + i] & ~mask) | (value & mask)
        elif action.op == DEC_TTL:
            if at >= len(data):
                return BAD, bytes(data)
            if data[at] < 2:
                return TTL, bytes(data)
            data[at] -= 1
        else:
            assert action.op == CSUM
    return NEXT, bytes(data)
