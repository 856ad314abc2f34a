"""What an engine's parser left in flow key and trace, as the same ``ParseOutcome`` that the reference model gives.

Fed by ``user/parse_only.py`` and ``xdp/parse_only.py``; read by ``cli/parse.py`` and the differential tests.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from datapath.ir.interpret import HeaderValue, ParseOutcome
from datapath.ir.layout import VALID_OFFSET, KeyHeader, KeyLayout
from datapath.ir.model import Header, Program

N_VISITED = 256  # runtime/packet.h


def result_type(n_headers: int) -> Any:
    """Return ``struct parse_result`` (runtime/packet.h, with PROGRAM_TRACE) of a program as a ctypes class."""
    n = max(n_headers, 1)
    members = [
        ("hdr_off", ctypes.c_uint16 * n),
        ("scratch", ctypes.c_uint64),
        ("offset_bits", ctypes.c_uint32),
        ("error", ctypes.c_uint32),
        ("n_visited", ctypes.c_uint32),
        ("visited", ctypes.c_uint16 * N_VISITED),
        ("hdr_bits", ctypes.c_uint32 * n),
    ]
    return type("ParseResult", (ctypes.Structure,), {"_fields_": members})


@dataclass(frozen=True)
class KeyReader:
    """Turns keys of one layout into outcomes."""

    program: Program
    layout: KeyLayout

    @cached_property
    def headers(self) -> list[tuple[Header, KeyHeader]]:
        return [(self.program.header(h.path), h) for h in self.layout.headers]

    @cached_property
    def variables(self) -> list[tuple[str, int, int]]:
        names = {v.name for v in self.program.variables}
        return [(f.path, f.offset_bits, f.width_bits) for f in self.layout.fields if f.path in names]

    def outcome(self, packet: bytes, rejected: bool, key: bytes, result: Any) -> ParseOutcome:
        """Return the outcome of one run.

        Args:
            packet: The frame; the content of varbits is taken from it.
            rejected: What ``program_parse`` returned.
            key: The flow key.
            result: A ``result_type`` that the parser filled in.
        """
        bits = int.from_bytes(key, "big")
        headers = {
            header.path: self.header(header, place, bits, len(key) * 8, packet, result.hdr_bits[place.header_id])
            for header, place in self.headers
            if key[VALID_OFFSET + place.header_id // 8] & 0x80 >> place.header_id % 8
        }
        visited = result.visited[: min(result.n_visited, N_VISITED)]
        return ParseOutcome(
            verdict="reject" if rejected else "accept",
            error=self.layout.errors[result.error],
            offset_bits=result.offset_bits,
            headers=headers,
            variables={name: _field(bits, len(key) * 8, offset, width) for name, offset, width in self.variables},
            states=tuple(self.layout.states[i] for i in visited),
        )

    def header(
        self, header: Header, place: KeyHeader, key: int, key_bits: int, packet: bytes, start: int
    ) -> HeaderValue:
        """Return a header: its fixed fields from the key, a varbit from the packet."""
        values = {}
        raw = raw_bits = varbit_bits = 0
        if place.varbit_field:
            length = self.layout.field(f"{header.path}.{place.varbit_field}.$length")
            varbit_bits = _field(key, key_bits, length.offset_bits, length.width_bits)
        for item in header.fields:
            width = item.width_bits
            if item.varbit_max_bits:
                width = varbit_bits
                packet_bits = len(packet) * 8
                value = _field(int.from_bytes(packet, "big"), packet_bits, start + item.offset_bits, width)
            else:
                value = _field(key, key_bits, place.key_offset * 8 + item.offset_bits, width)
            values[item.name] = value
            raw, raw_bits = raw << width | value, raw_bits + width
        size = (raw_bits + 7) // 8
        return HeaderValue(True, (raw << (size * 8 - raw_bits)).to_bytes(size, "big"), values, varbit_bits)


def _field(bits: int, n_bits: int, offset: int, width: int) -> int:
    if not width:
        return 0
    return bits >> (n_bits - offset - width) & ((1 << width) - 1)
