"""Writes frames to a pcap file that Wireshark and tcpdump read.  Used by ``cli/paths.py`` and the testbed's captures.

Source: draft-ietf-opsawg-pcap, the format with nanoseconds.
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
