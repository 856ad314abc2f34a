"""Packets for the shipped programs: every protocol they know, every way to be wrong, every length."""

from __future__ import annotations

import random
from collections.abc import Iterator

ETHERNET = bytes.fromhex("0200000000010200000000ff")
SHIM = 0x88B5


def tagged(ether_type: int, payload: bytes, *tags: int) -> bytes:
    """Return an Ethernet frame with VLAN tags of these types."""
    frame = ETHERNET
    for i, tag in enumerate(tags):
        frame += tag.to_bytes(2, "big") + (0x2000 + i).to_bytes(2, "big")
    return frame + ether_type.to_bytes(2, "big") + payload


def ipv4(protocol: int, payload: bytes, options: bytes = b"", ihl: int | None = None, fragment: int = 0) -> bytes:
    size = 5 + len(options) // 4 if ihl is None else ihl
    head = bytes([0x40 | size, 0]) + (20 + len(options) + len(payload)).to_bytes(2, "big") + b"\x12\x34"
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    return head + fragment.to_bytes(2, "big") + bytes([64, protocol, 0xAB, 0xCD]) + addresses + options + payload


def ipv6(next_header: int, payload: bytes) -> bytes:
    head = bytes.fromhex("60012345") + len(payload).to_bytes(2, "big") + bytes([next_header, 64])
    return head + bytes(range(32)) + payload


def shim(next_type: int, payload: bytes, version: int = 1) -> bytes:
    return bytes([version << 4 | 3, 9]) + b"\x00\x12\x34\x05" + next_type.to_bytes(2, "big") + b"\xbe\xef" + payload


TRANSPORT = {
    1: b"\x08\x00\x11\x22rest",
    6: bytes(range(20)) + b"x",
    17: bytes(range(8)) + b"y",
    58: b"\x80\x00\x33\x44",
}


def payloads() -> Iterator[tuple[int, bytes]]:
    """Yield EtherTypes and what follows them."""
    for protocol, body in TRANSPORT.items():
        yield 0x0800, ipv4(protocol, body)
        yield 0x0800, ipv4(protocol, body, options=bytes(range(8)))
        yield 0x86DD, ipv6(protocol, body)
    yield 0x0800, ipv4(6, TRANSPORT[6], options=bytes(40))
    yield 0x0800, ipv4(6, TRANSPORT[6], ihl=4)
    yield 0x0800, ipv4(17, TRANSPORT[17], fragment=0x2000)
    yield 0x0800, ipv4(17, TRANSPORT[17], fragment=0x00B9)
    yield 0x0806, bytes(range(28))
    yield 0x1234, b"unknown"


def shipped_packets() -> list[bytes]:
    """Return whole, truncated, and randomly damaged packets."""
    whole = []
    for ether_type, payload in payloads():
        for tags in ((), (0x8100,), (0x88A8, 0x8100), (0x8100, 0x8100, 0x8100)):
            whole.append(tagged(ether_type, payload, *tags))
        whole.append(tagged(SHIM, shim(ether_type, payload)))
        whole.append(tagged(SHIM, shim(ether_type, payload, version=2), 0x8100))
    truncated = [packet[:n] for packet in whole[::7] for n in range(len(packet))]
    rng = random.Random(1)
    damaged = []
    for _ in range(200):
        packet = bytearray(rng.choice(whole))
        packet[rng.randrange(12, len(packet))] = rng.randrange(256)
        damaged.append(bytes(packet))
    return whole + truncated + damaged + [rng.randbytes(rng.randrange(100)) for _ in range(50)]
