"""The C library of the slow path: built on first use, loaded with ctypes, its structures declared.

The sources are the ``*.c`` beside this file; ``slowpath.h`` has the functions and says what they do.  Read by
``bridge.py`` and by tests; nobody else calls the library.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from ctypes import POINTER, c_bool, c_char_p, c_int, c_long, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

from datapath.build import OPTIMISE, RUNTIME_DIR, build_shared
from datapath.ir.layout import KeyLayout

HERE = Path(__file__).parent
KEY_WORDS_MAX = 256
ACTIONS_MAX = 64
SLOTS = 4
ENGINES_MAX = 4
ALL_TABLES = 0xFF
NO_HEADER = 0xFF
_NO_VARBIT = 0xFFFFFFFF
_ZERO_NONE = 0x08  # DP_F_ZERO_NONE


class Header(ctypes.Structure):
    _fields_ = [
        ("key_offset", c_uint32),
        ("size", c_uint32),
        ("varbit_at", c_uint32),
        ("varbit_length", c_uint32),
    ]


class Checksum(ctypes.Structure):
    _fields_ = [
        ("header", c_uint32),
        ("offset", c_uint32),
        ("flags", c_uint32),
        ("pad", c_uint32),
        ("cover", c_void_p),
        ("swapped", c_void_p),
        ("inner", c_uint64),
        ("inner_swapped", c_uint64),
    ]


class Layout(ctypes.Structure):
    _fields_ = [
        ("hash", c_uint64),
        ("key_size", c_uint32),
        ("n_headers", c_uint32),
        ("n_checksums", c_uint32),
        ("pad", c_uint32),
        ("headers", POINTER(Header)),
        ("checksums", POINTER(Checksum)),
    ]


class Config(ctypes.Structure):
    _fields_ = [("megaflow_limit", c_uint32), ("table_limit", c_uint32), ("idle_ns", c_uint64)]


class Action(ctypes.Structure):
    """``struct sp_action``"""

    _fields_ = [
        ("op", c_uint8),
        ("size", c_uint8),
        ("header", c_uint8),
        ("pad", c_uint8),
        ("arg", c_uint32),
        ("value", c_uint8 * 8),
        ("mask", c_uint8 * 8),
    ]


class DpAction(ctypes.Structure):
    """``struct dp_action`` of runtime/dp.h"""

    _fields_ = [
        ("op", c_uint8),
        ("size", c_uint8),
        ("header", c_uint8),
        ("flags", c_uint8),
        ("arg", c_uint32),
        ("value", c_uint8 * 8),
        ("mask", c_uint8 * 8),
    ]


class DpStats(ctypes.Structure):
    _fields_ = [("n_packets", c_uint64), ("n_bytes", c_uint64)]


class FlowSpec(ctypes.Structure):
    _fields_ = [
        ("cookie", c_uint64),
        ("table", c_uint32),
        ("priority", c_uint32),
        ("goto_table", c_int),
        ("idle_timeout_s", c_uint32),
        ("hard_timeout_s", c_uint32),
        ("n_actions", c_uint32),
    ]


class Removed(ctypes.Structure):
    _fields_ = [
        ("flow_id", c_uint64),
        ("stats", DpStats),
        ("duration_ns", c_uint64),
        ("idle_ns", c_uint64),
        ("reason", c_uint32),
        ("pad", c_uint32),
    ]


class Outcome(ctypes.Structure):
    _fields_ = [
        ("error", c_int),
        ("index", c_uint32),
        ("first_id", c_uint64),
        ("n_removed", c_uint64),
        ("removed", POINTER(Removed)),
    ]


class FlowStats(ctypes.Structure):
    _fields_ = [("flow_id", c_uint64), ("stats", DpStats), ("duration_ns", c_uint64), ("idle_ns", c_uint64)]


class Megaflow(ctypes.Structure):
    _fields_ = [("stats", DpStats), ("idle_ns", c_uint64), ("engines", c_uint32), ("n_actions", c_uint32)]


_COUNTERS = "upcalls uncached overflows revalidated evicted"  # struct sp_counters
_COUNTERS += " megaflows installed deleted modified refused failed flows groups packet_ins packet_ins_lost"


class Stats(ctypes.Structure):
    """``struct sp_stats``, the counters of its first member in line."""

    _fields_ = [(name, c_uint64) for name in _COUNTERS.split()]


class GroupBucket(ctypes.Structure):
    _fields_ = [
        ("weight", c_uint32),
        ("watch_port", c_uint32),
        ("n_actions", c_uint32),
        ("pad", c_uint32),
        ("actions", POINTER(Action)),
    ]


class HashPart(ctypes.Structure):
    _fields_ = [("header", c_uint32), ("pad", c_uint32), ("mask", c_void_p)]


class GroupHead(ctypes.Structure):
    """``struct group`` up to its buckets."""

    _fields_ = [
        ("next", c_void_p),
        ("id", c_uint32),
        ("kind", c_uint32),
        ("n_buckets", c_uint32),
        ("n_parts", c_uint32),
        ("parts", POINTER(HashPart)),
    ]


class BucketTaken(ctypes.Structure):
    _fields_ = [("group", c_uint32), ("bucket", c_uint32), ("in_select", c_uint32), ("pad", c_uint32)]


class Step(ctypes.Structure):
    _fields_ = [("table", c_uint32), ("alternative", c_uint32), ("flow_id", c_uint64)]


class Result(ctypes.Structure):
    """``struct xl_result``"""

    _fields_ = [
        ("mask", c_uint64 * KEY_WORDS_MAX),
        ("actions", DpAction * ACTIONS_MAX),
        ("n_actions", c_uint32),
        ("overflow", c_uint8),
        ("affected", c_bool),
        ("uses_groups", c_bool),
        ("uses_ports", c_bool),
        ("tables", c_uint64 * 4),
        ("n_path", c_uint32),
        ("path", c_void_p * 512),
        ("n_buckets", c_uint32),
        ("buckets", BucketTaken * 64),
        ("n_steps", c_uint32),
        ("steps", Step * 512),
    ]


class PacketInHead(ctypes.Structure):
    _fields_ = [("reason", c_uint32), ("in_port", c_uint32), ("size", c_uint32), ("n_data", c_uint32)]


class LayoutTables:
    """``struct sp_layout`` of a KeyLayout; keeps alive what it points to."""

    def __init__(self, layout: KeyLayout) -> None:
        n_headers = len(layout.headers)
        headers = (Header * max(1, n_headers))()
        for header in layout.headers:
            headers[header.header_id] = _header(layout, header.path)
        places = sorted({(c.header_id, c.header_offset) for c in layout.checksums})
        checksums = (Checksum * max(1, len(places)))()
        self._kept: list[object] = [headers, checksums]
        for i, (header_id, offset) in enumerate(places):
            cover, swapped, flags = _checksum(layout, header_id, offset)
            cover_words = (c_uint64 * (len(cover) // 8)).from_buffer_copy(cover)
            swapped_words = (c_uint64 * (len(swapped) // 8)).from_buffer_copy(swapped)
            self._kept += [cover_words, swapped_words]
            pointers = ctypes.addressof(cover_words), ctypes.addressof(swapped_words)
            inner = _inner(layout, places, i, cover, swapped)
            checksums[i] = Checksum(header_id, offset, flags, 0, *pointers, *inner)
        self.struct = Layout(layout.hash, layout.key_size, n_headers, len(places), 0, headers, checksums)


def _header(layout: KeyLayout, path: str) -> Header:
    header = layout.header(path)
    if not header.varbit_field:
        return Header(header.key_offset, header.size, _NO_VARBIT, 0)
    length = layout.field(f"{path}.{header.varbit_field}.$length")
    return Header(header.key_offset, header.size, header.varbit_header_offset_bits // 8, length.offset_bits // 8)


def _checksum(layout: KeyLayout, header_id: int, offset: int) -> tuple[bytes, bytes, int]:
    """Join all declarations of the checksum at one place.

    Returns:
        For each header the key bits that are summed, then those of them at the other parity; the flags.
    """
    covers, swapped = [0] * len(layout.headers), [0] * len(layout.headers)
    flags = 0
    for checksum in layout.checksums:
        if (checksum.header_id, checksum.header_offset) != (header_id, offset):
            continue
        flags |= _ZERO_NONE if checksum.zero_is_none else 0
        masks = dict(checksum.cover_masks)
        for header in layout.headers:
            text = masks.get(header.path, "00" if masks else checksum.cover_mask)
            mask = int(text, 16) & _slot(layout, header.path)
            covers[header.header_id] |= mask
            swapped[header.header_id] |= mask if header.path in checksum.swapped else 0
    return _joined(layout, covers), _joined(layout, swapped), flags


def _inner(
    layout: KeyLayout, places: Sequence[tuple[int, int]], own: int, cover: bytes, swapped: bytes
) -> tuple[int, int]:
    """Return which checksums one sums itself, a bit for each place, and which of them with their bytes swapped."""
    slots = {h.header_id: h.key_offset for h in layout.headers}
    inner = inner_swapped = 0
    for i, (header_id, offset) in enumerate(places):
        at = header_id * layout.key_size + slots[header_id] + offset
        if i != own and cover[at]:
            inner |= 1 << i
            inner_swapped |= (bool(swapped[at]) ^ offset % 2) << i
    return inner, inner_swapped


def _joined(layout: KeyLayout, masks: Sequence[int]) -> bytes:
    return b"".join(mask.to_bytes(layout.key_size, "big") for mask in masks)


def _slot(layout: KeyLayout, path: str) -> int:
    """Return a key-sized number with ones where the header's slot is."""
    header = layout.header(path)
    return ((1 << 8 * header.size) - 1) << 8 * (layout.key_size - header.key_offset - header.size)


# Function -> (result, arguments); POINTER types where C fills something in.
_PROTOTYPES: dict[str, tuple[object, list[object]]] = {
    "sp_new": (c_void_p, [POINTER(Layout), POINTER(Config), c_void_p]),
    "sp_free": (None, [c_void_p]),
    "sp_lock": (c_void_p, [c_void_p]),
    "sp_release": (None, [c_void_p]),
    "sp_clock_advance": (None, [c_void_p, c_uint64]),
    "sp_dp_add": (c_int, [c_void_p, c_void_p]),
    "sp_dp_del": (c_int, [c_void_p, c_void_p]),
    "sp_port_put": (c_int, [c_void_p, c_uint32, c_bool]),
    "sp_port_del": (c_int, [c_void_p, c_uint32]),
    "sp_batch_new": (c_void_p, [c_void_p]),
    "sp_batch_add": (c_int, [c_void_p, c_char_p, c_char_p, POINTER(FlowSpec), c_void_p]),
    "sp_batch_delete": (c_int, [c_void_p, c_char_p, c_char_p, c_uint32, c_uint32, c_bool]),
    "sp_batch_commit": (None, [c_void_p, c_void_p, POINTER(Outcome)]),
    "sp_group_put": (c_int, [c_void_p, POINTER(GroupHead), c_void_p]),
    "sp_group_del": (c_int, [c_void_p, c_uint32, POINTER(Outcome)]),
    "sp_tick": (None, [c_void_p, POINTER(Outcome)]),
    "sp_flow_dump": (c_long, [c_void_p, c_char_p, c_char_p, c_uint32, POINTER(POINTER(FlowStats))]),
    "sp_megaflow_dump": (c_long, [c_void_p, POINTER(c_void_p)]),
    "sp_stats_get": (None, [c_void_p, POINTER(Stats)]),
    "sp_trace": (c_int, [c_void_p, c_char_p, POINTER(Result)]),
    "sp_execute": (c_int, [c_void_p, c_uint32, c_char_p, c_uint32, c_char_p, c_void_p, c_uint32]),
    "sp_packet_in_get": (c_void_p, [c_void_p]),
    "sp_packet_in_fd": (c_int, [c_void_p]),
}


@functools.cache
def library(flags: Sequence[str] = OPTIMISE) -> ctypes.CDLL:
    """Return the library, built with these compiler flags if that has not been done before."""
    path = build_shared("slowpath", sorted(HERE.glob("*.c")), include_dirs=[HERE, RUNTIME_DIR], flags=flags)
    loaded = ctypes.CDLL(str(path))
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    return loaded


class _Info(ctypes.Structure):
    _fields_ = [
        ("abi_version", c_uint32),
        ("key_size", c_uint32),
        ("layout_hash", c_uint64),
        ("engine", c_char_p),
        ("program", c_char_p),
    ]


class _Dp(ctypes.Structure):
    _fields_ = [("ops", c_void_p), ("info", _Info)]


def engine_name(dp: int) -> str:
    """Return the name of the engine at this address: "user", "xdp"."""
    name: bytes = _Dp.from_address(dp).info.engine
    return name.decode()
