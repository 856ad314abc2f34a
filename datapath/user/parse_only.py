"""Runs a program's parser as native code, without a switch around it.

Fed by ``compiler.py``; used by ``ovsp4 parse --engine user`` and the differential tests.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

from datapath.build import OPTIMISE, RUNTIME_DIR, build_shared
from datapath.ir.interpret import ParseOutcome
from datapath.ir.layout import KeyLayout
from datapath.ir.model import Program
from datapath.ir.outcome import KeyReader, result_type
from datapath.ir.value_sets import Entry, pack

SOURCE = Path(__file__).with_name("parse_only.c")


class UserParser:
    """A compiled parser; call it with packets."""

    def __init__(self, program: Program, layout: KeyLayout, c_source: str, flags: Sequence[str] = OPTIMISE) -> None:
        """Build the library, or find it in the cache.

        Args:
            program: The IR, of which headers and variables are read.
            layout: Its key layout.
            c_source: As ``codegen`` emits it.
            flags: Of the C compiler.

        Raises:
            LoadError: The C compiler refused it, or there is none.
        """
        texts = {"program.h": c_source, "parse_only.c": SOURCE.read_text()}
        path = build_shared(f"parse-{program.name}", texts=texts, include_dirs=[RUNTIME_DIR], flags=flags)
        self._library = ctypes.CDLL(str(path))
        self._reader = KeyReader(program, layout)
        self._result = result_type(len(layout.headers))()
        self._key = (ctypes.c_uint64 * (layout.key_size // 8))()  # aligned as struct flow_key is
        self._program = program
        assert self._library.parse_only_key_size() == layout.key_size
        assert self._library.parse_only_result_size() == ctypes.sizeof(self._result)

    def set_value_sets(self, entries: Mapping[str, Sequence[Entry]]) -> None:
        """Set what is in the value sets; one that is not named is empty.

        Raises:
            FlowError: One has no room for its entries.
        """
        if self._program.value_sets:
            packed = pack(self._program, entries)
            assert self._library.parse_only_value_sets_size() == len(packed)
            self._library.parse_only_value_sets(packed)

    def parse(self, packet: bytes, in_port: int = 0) -> ParseOutcome:
        """Parse one packet."""
        # A copy of its own, so that a read past the end is past the end of an allocation too.
        data = (ctypes.c_uint8 * len(packet)).from_buffer_copy(packet)
        rejected = self._library.parse_only(
            data, len(packet), in_port, ctypes.byref(self._key), ctypes.byref(self._result)
        )
        return self._reader.outcome(packet, bool(rejected), bytes(self._key), self._result)
