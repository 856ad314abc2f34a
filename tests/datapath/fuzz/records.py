"""What ``struct fuzz_answer`` (batch.h) has to begin with, told from an outcome of the reference model.

This is the flow key written out once more, from the layout alone: it shares no code with the engines nor with
``ir/outcome.py``, which reads keys.
"""

from __future__ import annotations

import struct

from datapath.compiler import CompiledProgram
from datapath.ir.interpret import ParseOutcome
from datapath.ir.layout import IN_PORT_OFFSET, PARSER_ERROR_OFFSET, VALID_OFFSET
from datapath.ir.outcome import N_VISITED

N_COMPARED = 64  # FUZZ_VISITED of batch.h


class Recorder:
    """Writes records for one program."""

    def __init__(self, compiled: CompiledProgram) -> None:
        layout = compiled.layout
        self.layout = layout
        self.key_bits = layout.key_size * 8
        self.size = layout.key_size + 16 + 2 * N_COMPARED
        self.errors = {name: i for i, name in enumerate(layout.errors)}
        self.states = {name: i for i, name in enumerate(layout.states)}
        names = {v.name for v in compiled.program.variables}
        self.variables = [(f.path, self.shift(f.offset_bits, f.width_bits)) for f in layout.fields if f.path in names]
        self.valid: dict[str, int] = {}
        self.fields: dict[str, list[tuple[str, int]]] = {}
        self.lengths: dict[str, int] = {}
        self.varbits: dict[str, tuple[int, str, int]] = {}  # header id, field, its place in the header
        for place in layout.headers:
            header = compiled.program.header(place.path)
            start = place.key_offset * 8
            fields = [(f.name, self.shift(start + f.offset_bits, f.width_bits)) for f in header.fields if f.width_bits]
            self.fields[place.path] = fields
            self.valid[place.path] = 1 << self.shift(VALID_OFFSET * 8 + place.header_id, 1)
            if place.varbit_field:
                length = layout.field(f"{place.path}.{place.varbit_field}.$length")
                self.lengths[place.path] = self.shift(length.offset_bits, length.width_bits)
                self.varbits[place.path] = (place.header_id, place.varbit_field, place.varbit_header_offset_bits)

    def shift(self, offset_bits: int, width_bits: int) -> int:
        return self.key_bits - offset_bits - width_bits

    def record(self, outcome: ParseOutcome, in_port: int) -> bytes:
        """Return the key, and what follows it."""
        error = self.errors[outcome.error]
        key = in_port << self.shift(IN_PORT_OFFSET * 8, 32) | error << self.shift(PARSER_ERROR_OFFSET * 8, 8)
        for path, header in outcome.headers.items():
            key |= self.valid[path]
            for name, shift in self.fields[path]:
                key |= header.fields[name] << shift
            if path in self.lengths:
                key |= header.varbit_bits << self.lengths[path]
        for name, shift in self.variables:
            key |= outcome.variables[name] << shift
        tail = struct.pack("=IIII", outcome.offset_bits, error, outcome.verdict == "reject", len(outcome.states))
        return key.to_bytes(self.layout.key_size, "big") + tail + self.visited(outcome.states)

    def visited(self, states: tuple[str, ...]) -> bytes:
        """Return the beginning of the trace, in which states beyond the last place start again at the first."""
        kept = [self.states[state] for state in states[:N_COMPARED]]
        for i in range(N_VISITED, len(states)):
            if i % N_VISITED < N_COMPARED:
                kept[i % N_VISITED] = self.states[states[i]]
        return struct.pack(f"={len(kept)}H", *kept).ljust(2 * N_COMPARED, b"\0")

    def varbits_agree(self, outcome: ParseOutcome, packet: bytes, hdr_bits: memoryview) -> bool:
        """Tell whether varbits, whose content is not in the key, have it where the engine says they stand."""
        for path, (number, name, offset) in self.varbits.items():
            header = outcome.headers.get(path)
            if header is None or not header.varbit_bits:
                continue
            end = hdr_bits[number] + offset + header.varbit_bits
            if end > len(packet) * 8:
                return False
            found = int.from_bytes(packet, "big") >> (len(packet) * 8 - end)
            if found & ((1 << header.varbit_bits) - 1) != header.fields[name]:
                return False
        return True
