"""Runs batches of packets through a program's parser: in userspace, in the kernel, and by the reference model.

Used by ``differential_fuzz.py``.  The two compiled engines fill arrays of ``struct fuzz_answer`` (batch.h) that are
compared as a whole; ``records.py`` says what the reference model expects the first part of an answer to be.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from datapath.build import RUNTIME_DIR, build_shared
from datapath.compiler import CompiledProgram
from datapath.xdp import amalgamate
from datapath.xdp.loader import load_text
from datapath.xdp.parse_only import _TEST_RUN, _bpf, _TestRun

HERE = Path(__file__).parent
PACKET_MAX, BATCH = 512, 2048  # batch.h
FLAGS = ("-O2", "-g")


class Packet(ctypes.Structure):
    """``struct fuzz_packet``."""

    _fields_ = (("size", ctypes.c_uint32), ("in_port", ctypes.c_uint32), ("data", ctypes.c_uint8 * PACKET_MAX))

    @property
    def content(self) -> bytes:
        return bytes(self.data[: self.size])


class Word(ctypes.Structure):
    """``struct fuzz_word``."""

    _fields_ = (("size", ctypes.c_uint32), ("bytes", ctypes.c_uint8 * 16))


def packets_of(seeds: Sequence[bytes]) -> ctypes.Array[Packet]:
    """Return seeds as C has them, cut to what fits."""
    made = (Packet * len(seeds))()
    for place, seed in zip(made, seeds, strict=True):
        cut = seed[:PACKET_MAX]
        place.size, place.data[: len(cut)] = len(cut), cut
    return made


def words_of(words: Sequence[bytes]) -> ctypes.Array[Word]:
    made = (Word * len(words))()
    for place, word in zip(made, words, strict=True):
        place.size, place.bytes[: len(word)] = len(word), word
    return made


def batch_h(compiled: CompiledProgram) -> str:
    """Return batch.h for a program: the key of one without headers has no validity bits."""
    text = (HERE / "batch.h").read_text()
    return text if compiled.program.headers else f"#define FUZZ_NO_HEADERS\n{text}"


class UserBatch:
    """Packets, their maker, and the userspace engine."""

    def __init__(self, compiled: CompiledProgram, seeds: Sequence[bytes], words: Sequence[bytes], seed: int) -> None:
        """Build the library, or find it in the cache.

        Args:
            compiled: The program.
            seeds: Packets to begin with, at least one.
            words: Bytes that get packets further.
            seed: Of the random numbers.
        """
        texts = {"program.h": compiled.c_source, "batch_user.c": (HERE / "batch_user.c").read_text()}
        texts["batch.h"] = batch_h(compiled)
        name = f"fuzz-{compiled.program.name}"
        self._library = ctypes.CDLL(str(build_shared(name, texts=texts, include_dirs=[RUNTIME_DIR], flags=FLAGS)))
        self.answer_size = self._library.fuzz_answer_size()
        self.packets = (Packet * BATCH)()
        self.answers = (ctypes.c_uint8 * (BATCH * self.answer_size))()
        self._seeds, self._words = packets_of(seeds), words_of(words)
        self._state = ctypes.c_uint64(seed * 2 + 1)

    def make(self) -> None:
        """Fill the batch with the next packets."""
        self._library.fuzz_make(
            self.packets, BATCH, ctypes.byref(self._state), self._seeds, len(self._seeds), self._words, len(self._words)
        )

    def put(self, number: int, packet: bytes, in_port: int) -> None:
        """Replace a packet of the batch."""
        place = self.packets[number]
        place.size, place.in_port, place.data[: len(packet)] = len(packet), in_port, packet

    def parse(self) -> int:
        """Parse the batch; returns the number of the first packet that the parser wrote to, else ``BATCH``."""
        return int(self._library.fuzz_parse(self.packets, BATCH, self.answers))


class XdpBatch:
    """The kernel's engine."""

    def __init__(self, compiled: CompiledProgram, answer_size: int) -> None:
        text = amalgamate.join(
            [
                "#define PROGRAM_TRACE\n#define PKT_LIMIT",
                '#include "ctx/xdp.h"',
                compiled.c_source,
                batch_h(compiled),
                (HERE / "batch_xdp.c").read_text(),
            ]
        )
        self._loaded = load_text(text, "xdp_fuzz")
        self._batch = mmap.mmap(self._loaded.map_fds["batch"], _pages(BATCH * ctypes.sizeof(Packet)))
        self._answers = mmap.mmap(self._loaded.map_fds["answers"], _pages(BATCH * answer_size))
        self._turn = mmap.mmap(self._loaded.map_fds["turn"], mmap.PAGESIZE)
        self.size = BATCH * answer_size

    def parse(self, packets: ctypes.Array[Packet]) -> memoryview:
        """Parse a batch; the answers are valid until the next call."""
        self._batch[: ctypes.sizeof(packets)] = bytes(packets)
        self._turn[:8] = bytes(8)
        frame = ctypes.create_string_buffer(PACKET_MAX)
        run = _TestRun(
            prog_fd=self._loaded.program_fd, data_size_in=PACKET_MAX, data_in=ctypes.addressof(frame), repeat=BATCH
        )
        _bpf(_TEST_RUN, run, "a test run of a batch")
        n_done = int.from_bytes(self._turn[:8], "little")
        assert n_done == BATCH, f"the kernel parsed {n_done} packets of {BATCH}"
        return memoryview(self._answers)[: self.size]

    def close(self) -> None:
        """Release program and maps."""
        for mapping in (self._batch, self._turn):
            mapping.close()
        self._loaded.close()


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def is_root() -> bool:
    """Tell whether the kernel's engine can be used."""
    return os.geteuid() == 0
