"""Writes frames to pcap and pcapng files.  Used by ``cli/paths.py`` and the testbed's captures.

Source: draft-ietf-opsawg-pcap, the format with nanoseconds; draft-ietf-opsawg-pcapng, sections 4.1 to 4.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

_MAGIC_NS = 0xA1B23C4D
_LINKTYPE_ETHERNET = 1
_SNAPLEN = 262144


def write_pcap(path: Path, frames: Iterable[tuple[float, bytes]]) -> None:
    """Write frames with the time that each was seen, in seconds since 1970."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", _MAGIC_NS, 2, 4, 0, 0, _SNAPLEN, _LINKTYPE_ETHERNET))
        for time_s, data in frames:
            seconds = int(time_s)
            nanoseconds = int((time_s - seconds) * 1e9)
            file.write(struct.pack("<IIII", seconds, nanoseconds, len(data), len(data)) + data)


# ---------------------------------------------------------------------------------------------------- pcapng
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6  # block types
_BYTE_ORDER, _UNKNOWN_LENGTH = 0x1A2B3C4D, -1
_OPTION_COMMENT, _OPTION_TSRESOL = 1, 9


def write_pcapng(path: Path, frames: Iterable[tuple[float, bytes, str]]) -> None:
    """Write frames with the time of each, in seconds since 1970, and a comment that viewers show with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)))
        in_ns = _option(_OPTION_TSRESOL, b"\x09")
        file.write(_block(_INTERFACE, struct.pack("<HHI", _LINKTYPE_ETHERNET, 0, _SNAPLEN) + in_ns))
        for time_s, data, comment in frames:
            time_ns = int(time_s * 1e9)
            head = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(data), len(data))
            file.write(_block(_PACKET, head + _padded(data) + _option(_OPTION_COMMENT, comment.encode())))


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _option(code: int, value: bytes) -> bytes:
    """Return an option, and the end of options behind it."""
    return struct.pack("<HH", code, len(value)) + _padded(value) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
