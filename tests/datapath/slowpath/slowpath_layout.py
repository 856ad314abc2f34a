"""A key layout made by hand, its parser, and packets: Ethernet, IPv4, and UDP and TCP in one shared slot, one variable.

Used by every test of the slow path, so that these need no compiler.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

from datapath.ir.layout import KeyChecksum, KeyField, KeyHeader, KeyLayout
from datapath.slowpath.model import DecTtl, Match, SetField

KEY_SIZE = 72
ZONE, ETHERNET, IPV4, L4 = 16, 18, 32, 52  # byte offsets in the key
HEADERS = (
    KeyHeader("ethernet", "ethernet_t", 0, ETHERNET, 14, 112, 0),
    KeyHeader("ipv4", "ipv4_t", 1, IPV4, 20, 160, 1),
    KeyHeader("udp", "udp_t", 2, L4, 8, 64, 2),
    KeyHeader("tcp", "tcp_t", 3, L4, 20, 160, 3),
)
_HEADER_FIELDS = {  # header -> (field, width in bits)
    "ethernet": (("dst", 48), ("src", 48), ("type", 16)),
    "ipv4": (
        *(("version", 4), ("ihl", 4), ("tos", 8), ("length", 16), ("id", 16), ("flags", 16)),
        *(("ttl", 8), ("protocol", 8), ("checksum", 16), ("src", 32), ("dst", 32)),
    ),
    "udp": (("src", 16), ("dst", 16), ("length", 16), ("checksum", 16)),
    "tcp": (
        *(("src", 16), ("dst", 16), ("seq", 32), ("ack", 32), ("flags", 16), ("window", 16)),
        *(("checksum", 16), ("urgent", 16)),
    ),
}


def _fields() -> tuple[KeyField, ...]:
    fields = [KeyField("in_port", 0, 32), KeyField("parser_error", 32, 8)]
    fields += [KeyField(f"{h.path}.$valid", 64 + h.header_id, 1) for h in HEADERS]
    fields.append(KeyField("meta.zone", 8 * ZONE, 16))
    for header in HEADERS:
        at = 0
        for name, width in _HEADER_FIELDS[header.path]:
            fields.append(KeyField(f"{header.path}.{name}", 8 * header.key_offset + at, width, header.path, at))
            at += width
    return tuple(fields)


FIELDS = {f.path: f for f in _fields()}


def _cover(*ranges: tuple[int, int]) -> str:
    """Return the hex mask with ones in these [start, end) byte ranges of the key."""
    mask = bytearray(KEY_SIZE)
    for start, end in ranges:
        mask[start:end] = b"\xff" * (end - start)
    return bytes(mask).hex()


def _transport_checksum(path: str, field_at: int, size: int, zero_is_none: bool) -> KeyChecksum:
    pseudo = ((IPV4 + 9, IPV4 + 10), (IPV4 + 12, IPV4 + 20))
    own = ((L4, L4 + field_at), (L4 + field_at + 2, L4 + size))
    header_id = next(h.header_id for h in HEADERS if h.path == path)
    masks = (("ipv4", _cover(*pseudo)), (path, _cover(*own)))
    return KeyChecksum(
        path, "checksum", header_id, field_at, _cover(*pseudo, *own), (), True, zero_is_none, cover_masks=masks
    )


LAYOUT = KeyLayout(
    version=1,
    program="slowpath_test",
    key_size=KEY_SIZE,
    headers=HEADERS,
    fields=tuple(FIELDS.values()),
    checksums=(
        KeyChecksum("ipv4", "checksum", 1, 10, _cover((IPV4, IPV4 + 10), (IPV4 + 12, IPV4 + 20))),
        _transport_checksum("udp", 6, 8, True),
        _transport_checksum("tcp", 16, 20, False),
    ),
    errors=("NoError", "PacketTooShort"),
)


@dataclass(frozen=True)
class Packet:
    """A frame, where its headers are, and its key."""

    data: bytes
    in_port: int
    header_offsets: tuple[int, ...]  # by header id, 0xffff where absent
    key: bytes

    def key_words(self) -> ctypes.Array[ctypes.c_uint64]:
        return (ctypes.c_uint64 * (len(self.key) // 8)).from_buffer_copy(self.key)


def key_of(data: bytes, in_port: int, header_offsets: tuple[int, ...], zone: int = 0) -> bytes:
    """Return the key of a frame whose headers stand there."""
    key = bytearray(KEY_SIZE)
    struct.pack_into(">IBBH", key, 0, in_port, 0, 0, 7)  # bridge 7
    struct.pack_into(">H", key, ZONE, zone)
    for header in HEADERS:
        offset = header_offsets[header.header_id]
        if offset != 0xFFFF:
            key[8] |= 0x80 >> header.header_id
            key[header.key_offset : header.key_offset + header.size] = data[offset : offset + header.size]
    return bytes(key)


def parse(data: bytes, in_port: int) -> Packet:
    """Parse a frame that is long enough for what it says it is."""
    offsets = [0, 0xFFFF, 0xFFFF, 0xFFFF]
    if data[12:14] == b"\x08\x00":
        offsets[1] = 14
        protocol = data[23]
        if protocol in (17, 6):
            offsets[2 if protocol == 17 else 3] = 34
    where = tuple(offsets)
    return Packet(data, in_port, where, key_of(data, in_port, where))


def internet_checksum(data: bytes) -> int:
    """RFC 1071, over bytes padded to a multiple of two."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksums(data: bytes, header_offsets: tuple[int, ...]) -> bytes:
    """Return the frame with all its checksums computed anew, in full; a UDP checksum of zero stays."""
    frame = bytearray(data)
    _, ipv4, udp, tcp = header_offsets
    if ipv4 != 0xFFFF:
        frame[ipv4 + 10 : ipv4 + 12] = b"\0\0"
        struct.pack_into(">H", frame, ipv4 + 10, internet_checksum(bytes(frame[ipv4 : ipv4 + 20])))
    for l4, at in ((udp, 6), (tcp, 16)):
        if l4 == 0xFFFF or (l4 == udp and frame[l4 + at : l4 + at + 2] == b"\0\0"):
            continue
        frame[l4 + at : l4 + at + 2] = b"\0\0"
        pseudo = bytes(frame[ipv4 + 12 : ipv4 + 20]) + bytes((0, frame[ipv4 + 9])) + struct.pack(">H", len(frame) - l4)
        checksum = internet_checksum(pseudo + bytes(frame[l4:]))
        struct.pack_into(">H", frame, l4 + at, checksum or (0xFFFF if l4 == udp else 0))
    return bytes(frame)


def make_packet(
    *,
    in_port: int = 1,
    dst: int = 0x020000000001,
    protocol: int = 17,
    ip_src: int = 0x0A000001,
    ip_dst: int = 0x0A000002,
    ttl: int = 64,
    tos: int = 0,
    sport: int = 1000,
    dport: int = 80,
    ethertype: int = 0x0800,
    udp_checksum: bool | int = True,
    payload: bytes = b"payload!!",
) -> Packet:
    """Return a well-formed frame of any of the kinds that the layout knows."""
    frame = dst.to_bytes(6, "big") + bytes.fromhex("0200000000aa") + struct.pack(">H", ethertype)
    if protocol == 17:
        l4 = struct.pack(">HHHH", sport, dport, 8 + len(payload), 1 if udp_checksum else 0)
    elif protocol == 6:
        l4 = struct.pack(">HHIIHHHH", sport, dport, 1, 2, 0x5018, 512, 0, 0)
    else:
        l4 = b""
    l4 += payload
    ip = struct.pack(">BBHHHBBHII", 0x45, tos, 20 + len(l4), 0x1234, 0, ttl, protocol, 0, ip_src, ip_dst)
    packet = parse(frame + ip + l4, in_port)
    return parse(with_checksums(packet.data, packet.header_offsets), in_port)


def match(**values: int | tuple[int, int]) -> Match:
    """Return a match: ``ipv4__dst=value`` or ``(value, mask)``; adds the validity bits."""
    key = mask = 0
    for name, value in values.items():
        field = FIELDS[name.replace("__", ".").replace("valid", "$valid")]
        number, bits = value if isinstance(value, tuple) else (value, (1 << field.width_bits) - 1)
        shift = 8 * KEY_SIZE - field.offset_bits - field.width_bits
        key |= (number & bits) << shift
        mask |= bits << shift
        if field.header:
            valid = FIELDS[f"{field.header}.$valid"]
            key |= 1 << (8 * KEY_SIZE - valid.offset_bits - 1)
            mask |= 1 << (8 * KEY_SIZE - valid.offset_bits - 1)
    return Match(key.to_bytes(KEY_SIZE, "big"), mask.to_bytes(KEY_SIZE, "big"))


def set_field(path: str, value: int, mask: int | None = None) -> SetField:
    field = FIELDS[path]
    full = (1 << field.width_bits) - 1
    return SetField(field.offset_bits, field.width_bits, value, full if mask is None else mask, field.header)


def dec_ttl() -> DecTtl:
    return DecTtl(FIELDS["ipv4.ttl"].offset_bits, "ipv4")


def mask_of(*paths: str) -> bytes:
    """Return a key-sized mask with ones in these fields."""
    mask = 0
    for path in paths:
        field = FIELDS[path]
        mask |= ((1 << field.width_bits) - 1) << (8 * KEY_SIZE - field.offset_bits - field.width_bits)
    return mask.to_bytes(KEY_SIZE, "big")


def fields_in(mask: bytes) -> set[str]:
    """Return the fields that a mask touches, without the bridge; of shared slots the fields of both headers."""
    bits = int.from_bytes(mask, "big")
    return {path for path in FIELDS if bits & int.from_bytes(mask_of(path), "big")}
