"""``runtime/dp.h`` and ``user/exports.h`` as ctypes declarations; keep them in step with the C.

Used by ``user/loader.py``, and by whatever calls an engine's ``struct dp_ops`` from Python (tests do; the slow path
calls them from C).
"""

from __future__ import annotations

import ctypes
import re
from ctypes import c_int, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path

from datapath.build import RUNTIME_DIR

DP_ABI_VERSION = 3
N_PARSER_ERRORS = 256

OUTPUT, SET, DEC_TTL, CSUM, SELECT, BUCKET, CONTROLLER = range(1, 8)  # enum dp_op
F_RESTART, F_UNSUMMED, F_SWAPPED, F_ZERO_NONE, F_IN_PORT = (1 << bit for bit in range(5))  # DP_F_*
UP_MISS, UP_CONTROLLER, UP_TTL = range(3)  # enum dp_upcall_reason


class DpAction(ctypes.Structure):
    """``struct dp_action``."""

    _fields_ = (
        ("op", c_uint8),
        ("size", c_uint8),
        ("header", c_uint8),
        ("flags", c_uint8),
        ("arg", c_uint32),
        ("value", c_uint8 * 8),
        ("mask", c_uint8 * 8),
    )


class DpStats(ctypes.Structure):
    """``struct dp_stats``."""

    _fields_ = (("n_packets", c_uint64), ("n_bytes", c_uint64))


class DpUpcall(ctypes.Structure):
    """``struct dp_upcall``."""

    _fields_ = (
        ("reason", c_uint32),
        ("in_port", c_uint32),
        ("packet", c_void_p),
        ("size", c_uint32),
        ("max_size", c_uint32),
        ("n_data", c_uint32),
        ("key", c_void_p),
    )


class DpInfo(ctypes.Structure):
    """``struct dp_info``."""

    _fields_ = (
        ("abi_version", c_uint32),
        ("key_size", c_uint32),
        ("layout_hash", c_uint64),
        ("engine", ctypes.c_char_p),
        ("program", ctypes.c_char_p),
    )


_STATS, _ACTIONS, _ID = ctypes.POINTER(DpStats), ctypes.POINTER(DpAction), ctypes.POINTER(c_uint32)
_COUNTERS = ctypes.POINTER(c_uint64)


class DpOps(ctypes.Structure):
    """``struct dp_ops``: every member takes the engine's pointer first."""

    _fields_ = (
        ("port_add", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_int)),
        ("port_del", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32)),
        ("flow_put", ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.c_char_p, ctypes.c_char_p, _ACTIONS, c_uint32, _ID)),
        ("flow_mod", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, _ACTIONS, c_uint32)),
        ("flow_del", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, _STATS)),
        ("flow_stats", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, _STATS)),
        ("hash_put", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, ctypes.c_char_p)),
        ("value_sets_put", ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.c_char_p, c_uint32)),
        ("drops", ctypes.CFUNCTYPE(c_int, c_void_p, _COUNTERS, _COUNTERS)),
        ("port_stats", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, _STATS, _STATS)),
        ("execute", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, ctypes.c_char_p, c_uint32, _ACTIONS, c_uint32)),
        ("close", ctypes.CFUNCTYPE(None, c_void_p)),
    )


class Dp(ctypes.Structure):
    """``struct dp``: what every engine's pointer points to."""

    _fields_ = (("ops", ctypes.POINTER(DpOps)), ("info", DpInfo))


UPCALL = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.POINTER(DpUpcall), ctypes.POINTER(_ACTIONS))  # dp_upcall_fn


class UserConfig(ctypes.Structure):
    """``struct user_config``."""

    _fields_ = (
        ("lock", c_void_p),
        ("bridge_id", c_uint32),
        ("n_frames", c_uint32),
        ("max_flows", c_uint32),
        ("on_reject_continue", c_uint32),
    )


class UserCounters(ctypes.Structure):
    """``struct user_counters``."""

    _fields_ = (
        ("n_frames", c_uint64),
        ("n_free", c_uint64),
        ("n_rx", c_uint64),
        ("n_tx", c_uint64),
        ("n_flows", c_uint64),
        ("n_masks", c_uint64),
        ("n_micro_hits", c_uint64),
        ("n_mega_hits", c_uint64),
        ("n_misses", c_uint64),
        ("n_full", c_uint64),
        ("n_upcalls", c_uint64),
        ("n_sleeps", c_uint64),
        ("n_dead_ports", c_uint64),
        ("pool_error", c_int64),
    )


class UserParsed(ctypes.Structure):
    """``struct user_parsed``; the engine fills in the first ``n_headers`` offsets."""

    _fields_ = (
        ("rejected", c_uint32),
        ("error", c_uint32),
        ("offset_bits", c_uint32),
        ("n_headers", c_uint32),
        ("hdr_off", ctypes.c_uint16 * 256),  # header ids are bytes
    )


@dataclass(frozen=True)
class DropReason:
    """An entry of ``runtime/drop.h``; its place in the table is its number."""

    name: str
    text: str


def drop_reasons(header: Path = RUNTIME_DIR / "drop.h") -> tuple[DropReason, ...]:
    """Read the table of drop reasons, in the order of ``enum drop_reason``."""
    rows = re.findall(r'^\tX\((\w+), "([^"]*)"\)', header.read_text(), re.MULTILINE)
    return tuple(DropReason(name, text) for name, text in rows)


def actions(*items: DpAction) -> ctypes.Array[DpAction]:
    """Return an action list as the operations take it; pass its ``len()`` along."""
    return (DpAction * len(items))(*items)


def declare(library: ctypes.CDLL) -> None:
    """Set the types of the functions that a user engine's shared object exports."""
    signatures: dict[str, tuple[object, tuple[object, ...]]] = {
        "user_open": (c_void_p, (ctypes.POINTER(UserConfig), ctypes.POINTER(c_int))),
        "user_start": (c_int, (c_void_p,)),
        "user_stop": (None, (c_void_p,)),
        "user_set_upcall": (None, (c_void_p, c_void_p, c_void_p)),
        "user_xsk_fd": (c_int, (c_void_p, c_uint32)),
        "user_port_link": (c_int, (c_void_p, c_uint32, c_int)),
        "user_counters": (None, (c_void_p, ctypes.POINTER(UserCounters))),
        "user_parse": (None, (c_void_p, ctypes.c_char_p, c_uint32, c_uint32, c_void_p, ctypes.POINTER(UserParsed))),
        "user_lock_new": (c_void_p, ()),
        "user_lock_take": (None, (c_void_p,)),
        "user_lock_give": (None, (c_void_p,)),
        "user_lock_free": (None, (c_void_p,)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
