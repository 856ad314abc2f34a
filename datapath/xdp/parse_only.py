"""Runs a program's parser in the kernel, by test runs of an XDP program that does nothing else.

Fed by ``compiler.py``; used by ``ovsp4 parse --engine xdp``, ``ovsp4 compile --load`` and the differential tests.

Source: linux/bpf.h, union bpf_attr (BPF_PROG_TEST_RUN, map element commands).
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from datapath.errors import LoadError
from datapath.ir.interpret import ParseOutcome
from datapath.ir.layout import KeyLayout
from datapath.ir.model import Program
from datapath.ir.outcome import KeyReader, result_type
from datapath.ir.value_sets import Entry, pack
from datapath.xdp import amalgamate
from datapath.xdp.loader import load_text

FUNCTION = "xdp_parse_only"
MIN_FRAME = 14  # bytes; the kernel takes no shorter test frame
_SYSCALL = {"x86_64": 321}.get(platform.machine(), 280)  # asm/unistd.h
_MAP_LOOKUP, _MAP_UPDATE, _TEST_RUN = 1, 2, 10


class _Element(ctypes.Structure):
    _fields_ = (
        ("map_fd", ctypes.c_uint32),
        ("key", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
    )


class _TestRun(ctypes.Structure):
    _fields_ = (
        ("prog_fd", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("data_in", ctypes.c_uint64),
        ("data_out", ctypes.c_uint64),
        ("repeat", ctypes.c_uint32),
        ("duration", ctypes.c_uint32),
    )


class XdpParser:
    """A loaded parser; call it with packets, then close it."""

    def __init__(self, program: Program, layout: KeyLayout, c_source: str) -> None:
        """Compile and load.

        Raises:
            VerifierError: The kernel refused the program.
            NotSupportedError: BCC or kernel headers are missing, or this is not root.
        """
        text = amalgamate.join(
            [
                "#define PROGRAM_TRACE\n#define PKT_LIMIT",
                '#include "ctx/xdp.h"',
                c_source,
                amalgamate.read("parse_only.c"),
            ]
        )
        self._loaded = load_text(text, FUNCTION)
        self.load_time_s, self.n_instructions = self._loaded.load_time_s, self._loaded.n_instructions
        self._fd = self._loaded.program_fd
        self._map_fd = self._loaded.map_fds["run"]
        self._reader = KeyReader(program, layout)
        self._program = program
        self._run = _run_type(layout, len(pack(program, {})))()
        self._index = ctypes.c_int(0)

    def set_value_sets(self, entries: Mapping[str, Sequence[Entry]]) -> None:
        """Set what is in the value sets; one that is not named is empty.

        Raises:
            FlowError: One has no room for its entries.
        """
        self._run.value_sets[:] = pack(self._program, entries)

    def parse(self, packet: bytes, in_port: int = 0) -> ParseOutcome:
        """Parse one packet.

        Raises:
            LoadError: The kernel refused the test run (a frame has to fit into one page).
        """
        self._run.in_port, self._run.limit = in_port, len(packet)
        self._element(_MAP_UPDATE)
        self.test_run(packet)
        self._element(_MAP_LOOKUP)
        return self._reader.outcome(packet, bool(self._run.rejected), bytes(self._run.key), self._run.result)

    def test_run(self, packet: bytes, repeat: int = 1) -> int:
        """Run the program on a packet; returns the mean time in nanoseconds."""
        data = ctypes.create_string_buffer(packet.ljust(MIN_FRAME, b"\0"), max(len(packet), MIN_FRAME))
        run = _TestRun(prog_fd=self._fd, data_size_in=len(data), data_in=ctypes.addressof(data), repeat=repeat)
        _bpf(_TEST_RUN, run, f"a test run of a {len(packet)}-byte packet")
        return int(run.duration)

    def close(self) -> None:
        """Release program and map."""
        self._loaded.close()

    def _element(self, command: int) -> None:
        element = _Element(self._map_fd, ctypes.addressof(self._index), ctypes.addressof(self._run), 0)
        _bpf(command, element, "access to the parser's map")


def _run_type(layout: KeyLayout, value_sets_size: int) -> Any:
    """Return ``struct parse_run`` of parse_only.c."""
    members = [
        ("key", ctypes.c_uint64 * (layout.key_size // 8)),
        ("result", result_type(len(layout.headers))),
        ("rejected", ctypes.c_uint32),
        ("in_port", ctypes.c_uint32),
        ("limit", ctypes.c_uint32),
        ("zero", ctypes.c_uint32),
        ("value_sets", ctypes.c_uint8 * value_sets_size),
    ]
    return type("ParseRun", (ctypes.Structure,), {"_fields_": members})


def _bpf(command: int, attributes: ctypes.Structure, what: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_uint32(ctypes.sizeof(attributes))
    if libc.syscall(ctypes.c_long(_SYSCALL), ctypes.c_int(command), ctypes.byref(attributes), size) < 0:
        raise LoadError(f"the kernel refused {what}: {os.strerror(ctypes.get_errno())}")
