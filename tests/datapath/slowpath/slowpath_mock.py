"""The mock engine (mock_dp.c) and a slow path joined to it, for tests."""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import POINTER, c_char_p, c_int, c_int32, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

from slowpath_layout import LAYOUT, Packet

from datapath.build import OPTIMISE, RUNTIME_DIR, build_shared
from datapath.ir.layout import KeyLayout
from datapath.slowpath.bridge import SlowPath

HERE = Path(__file__).parent
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
# With OVSP4_SANITIZE=1 and libasan preloaded both libraries are built with the sanitizers.
FLAGS = SANITIZE if os.environ.get("OVSP4_SANITIZE") else OPTIMISE


class _Output(ctypes.Structure):
    _fields_ = [("port", c_int32), ("size", c_uint32), ("data", c_uint8 * 256)]


@functools.cache
def _library() -> ctypes.CDLL:
    path = build_shared("mock_dp", [HERE / "mock_dp.c"], include_dirs=[RUNTIME_DIR], flags=FLAGS)
    lib = ctypes.CDLL(str(path))
    lib.mock_new.restype = c_void_p
    lib.mock_new.argtypes = [c_char_p, c_uint32, c_uint64, c_uint32, c_uint32]
    lib.mock_set_upcall.argtypes = [c_void_p, c_void_p, c_void_p]
    lib.mock_set_limit.argtypes = [c_void_p, c_uint32]
    lib.mock_forward.restype = c_int
    lib.mock_forward.argtypes = [c_void_p, c_uint32, c_void_p, c_uint32, c_void_p, c_void_p, POINTER(c_uint32)]
    lib.mock_output.restype = POINTER(_Output)
    lib.mock_output.argtypes = [c_void_p, c_uint32]
    lib.mock_count.restype = c_uint64
    lib.mock_count.argtypes = [c_void_p, c_uint32]
    lib.mock_free.argtypes = [c_void_p]
    lib.mock_bench.restype = c_uint64
    lib.mock_bench.argtypes = [c_void_p, c_void_p, c_uint32, c_uint32, c_uint32]
    return lib


class MockEngine:
    """A user engine that forwards the packets that a test gives it."""

    def __init__(
        self, name: str = "user", layout: KeyLayout = LAYOUT, limit: int = 65536, refused_ops: tuple[int, ...] = ()
    ) -> None:
        self._lib = _library()
        refused = sum(1 << op for op in refused_ops)
        self._name = name.encode()  # C keeps the pointer
        self.pointer = self._lib.mock_new(self._name, layout.key_size, layout.hash, limit, refused)
        self.hits = 0  # megaflows that the last packet matched

    def join(self, slow_path: SlowPath) -> None:
        self._lib.mock_set_upcall(self.pointer, slow_path.upcall_pointer, slow_path.pointer)
        slow_path.dp_add(self.pointer)

    def forward(self, packet: Packet) -> list[tuple[int, bytes]]:
        """Run one packet; returns (port, frame) for each output, (-1, frame) to the controller, (-2, frame) for TTL."""
        data = ctypes.create_string_buffer(packet.data, len(packet.data))
        offsets = (ctypes.c_uint16 * 64)(*packet.header_offsets)
        hits = c_uint32()
        key = packet.key_words()
        self._lib.mock_forward(self.pointer, packet.in_port, data, len(packet.data), key, offsets, ctypes.byref(hits))
        self.hits = hits.value
        return self.outputs()

    def outputs(self) -> list[tuple[int, bytes]]:
        """Return what the last packet became."""
        n = c_uint32.from_address(self._outputs_address()).value
        found = []
        for i in range(n):
            output = self._lib.mock_output(self.pointer, i).contents
            found.append((output.port, bytes(output.data[: output.size])))
        return found

    def _outputs_address(self) -> int:
        first: Any = self._lib.mock_output(self.pointer, 0)
        return ctypes.addressof(first.contents) - 4  # n_outputs stands before them

    def set_limit(self, limit: int) -> None:
        self._lib.mock_set_limit(self.pointer, limit)

    def count(self) -> dict[str, int]:
        return {name: self._lib.mock_count(self.pointer, i) for i, name in enumerate(("put", "mod", "del", "hash"))}

    def bench_ns(self, key: bytes, vary: int, n: int) -> int:
        """Time ``n`` upcalls whose keys differ in the 4 bytes at ``vary``."""
        words = (c_uint64 * (len(key) // 8)).from_buffer_copy(key)
        return int(self._lib.mock_bench(self.pointer, words, len(key), vary, n))

    def close(self) -> None:
        self._lib.mock_free(self.pointer)


class Lab:
    """A slow path with engines, and ports 1 to 4 up."""

    def __init__(self, *engines: MockEngine, ports: range = range(1, 5), **limits: Any) -> None:
        self.slow_path = SlowPath(LAYOUT, flags=FLAGS, **limits)
        self.engines = engines or (MockEngine(),)
        self.engine = self.engines[0]
        for port in ports:
            self.slow_path.port_put(port)
        for engine in self.engines:
            engine.join(self.slow_path)

    def close(self) -> None:
        self.slow_path.close()
        for engine in self.engines:
            engine.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
