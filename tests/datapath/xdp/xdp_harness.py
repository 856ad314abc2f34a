"""What the XDP engine's tests are written with: a namespace for a thread, an engine, flows, single runs of the program.

Network namespaces belong to threads, so a test's body runs in a thread of its own that has left the machine's
namespace: nothing to clean up, whatever becomes of the test.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datapath.ir.layout import KeyLayout
from datapath.xdp.loader import XdpObject, load

CLONE_NEWNET = 0x40000000
PROGRAM = Path(__file__).parents[1] / "runtime" / "eth_ipv4.c"
ERRORS = ("NoError", "PacketTooShort", "NoMatch", "StackOutOfBounds", "HeaderTooShort", "ParserTimeout",
          "ParserInvalidArgument")  # fmt: skip
LAYOUT = KeyLayout(1, "eth_ipv4", 56, (), (), (), ERRORS)
ETHERNET, IPV4 = 0, 1  # header ids
VALID, ETH_KEY, IP_KEY = 8, 16, 30  # offsets in the key

XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)
SYS_BPF, BPF_PROG_TEST_RUN = 321, 10

OUTPUT, SET, DEC_TTL, CSUM, SELECT, BUCKET, CONTROLLER = range(1, 8)
RESTART, UNSUMMED, SWAPPED, ZERO_NONE, IN_PORT = 1, 2, 4, 8, 16
DROPS = ("NONE", "PARSER_REJECT", "NO_ACTION", "MISS", "UPCALL_FULL", "TTL", "BAD_PORT", "TX_FULL", "NO_BUFFER",
         "TOO_LONG", "BAD_ACTION", "UNKNOWN_PORT")  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def in_own_namespace(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a thread that has a network namespace of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        failures: list[BaseException] = []

        def body() -> None:
            try:
                if _libc.unshare(CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "unshare")
                test(*args, **kwargs)
            except BaseException as error:  # handed to pytest's thread, whatever it is
                failures.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]

    return run


@dataclass(frozen=True)
class Action:
    """One ``struct dp_action``."""

    op: int
    arg: int = 0
    size: int = 0
    header: int = 0
    flags: int = 0
    value: bytes = b""
    mask: bytes = b""

    def pack(self) -> bytes:
        return struct.pack("=BBBBI8s8s", self.op, self.size, self.header, self.flags, self.arg, self.value, self.mask)


def output(port: int, flags: int = 0) -> Action:
    return Action(OUTPUT, port, flags=flags)


def set_bytes(header: int, offset: int, value: bytes, flags: int = 0, mask: bytes | None = None) -> Action:
    return Action(SET, offset, len(value), header, flags, value, b"\xff" * len(value) if mask is None else mask)


def bucket(weight: int, *actions: Action) -> list[Action]:
    return [Action(BUCKET, len(actions), value=struct.pack(">I", weight)), *actions]


def route(out_port: int, next_hop: bytes = b"\2\0\0\0\0\x11", own: bytes = b"\2\0\0\0\0\x22") -> list[Action]:
    """IPv4 forwarding: addresses of the link layer, time to live, header checksum, output."""
    return [
        set_bytes(ETHERNET, 0, next_hop, UNSUMMED),
        set_bytes(ETHERNET, 6, own, UNSUMMED),
        Action(DEC_TTL, 8, header=IPV4, flags=RESTART),
        Action(CSUM, 10, header=IPV4),
        output(out_port),
    ]


def pack_actions(actions: list[Action]) -> bytes:
    return b"".join(a.pack() for a in actions)


class Stats(ctypes.Structure):
    _fields_ = (("n_packets", ctypes.c_uint64), ("n_bytes", ctypes.c_uint64))


_INT, _U32, _P = ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p
_STATS_P, _U64_P, _U32_P = ctypes.POINTER(Stats), ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ctypes.c_uint32)
_OPS = (
    ("port_add", _INT, (_P, _U32, _INT)),
    ("port_del", _INT, (_P, _U32)),
    ("flow_put", _INT, (_P, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, _U32, _U32_P)),
    ("flow_mod", _INT, (_P, _U32, ctypes.c_char_p, _U32)),
    ("flow_del", _INT, (_P, _U32, _STATS_P)),
    ("flow_stats", _INT, (_P, _U32, _STATS_P)),
    ("hash_put", _INT, (_P, _U32, ctypes.c_char_p)),
    ("value_sets_put", _INT, (_P, ctypes.c_char_p, _U32)),
    ("drops", _INT, (_P, _U64_P, _U64_P)),
    ("port_stats", _INT, (_P, _U32, _STATS_P, _STATS_P)),
    ("execute", _INT, (_P, _U32, ctypes.c_char_p, _U32, ctypes.c_char_p, _U32)),
    ("close", None, (_P,)),
)


class Bridge:
    """Calls ``struct dp_ops``; knows nothing of the engine behind it."""

    def __init__(self, dp: int) -> None:
        self.dp = dp
        table = ctypes.cast(dp, ctypes.POINTER(_P))[0]
        functions = ctypes.cast(table, ctypes.POINTER(_P))
        self.ops = {
            name: ctypes.CFUNCTYPE(result, *arguments)(functions[i]) for i, (name, result, arguments) in enumerate(_OPS)
        }

    def call(self, name: str, *args: Any) -> int:
        return int(self.ops[name](self.dp, *args))

    def put(self, key: bytes, mask: bytes, actions: list[Action]) -> int:
        """Install a flow; returns its id, or a negative errno."""
        flow_id = _U32()
        masked = bytes(k & m for k, m in zip(key, mask, strict=True))
        error = self.call("flow_put", masked, mask, pack_actions(actions), len(actions), ctypes.byref(flow_id))
        return error or flow_id.value

    def mod(self, flow_id: int, actions: list[Action]) -> int:
        return self.call("flow_mod", flow_id, pack_actions(actions), len(actions))

    def delete(self, flow_id: int) -> tuple[int, tuple[int, int]]:
        last = Stats()
        error = self.call("flow_del", flow_id, ctypes.byref(last))
        return error, (last.n_packets, last.n_bytes)

    def stats(self, flow_id: int) -> tuple[int, int]:
        stats = Stats()
        assert self.call("flow_stats", flow_id, ctypes.byref(stats)) == 0
        return stats.n_packets, stats.n_bytes

    def port_stats(self, port: int) -> tuple[int, int, int, int]:
        rx, tx = Stats(), Stats()
        assert self.call("port_stats", port, ctypes.byref(rx), ctypes.byref(tx)) == 0
        return rx.n_packets, rx.n_bytes, tx.n_packets, tx.n_bytes

    def drops(self) -> tuple[dict[str, int], dict[str, int]]:
        """Counters by drop reason and by parser error; those that are not zero."""
        counters, errors = (ctypes.c_uint64 * 64)(), (ctypes.c_uint64 * 256)()
        assert self.call("drops", counters, errors) == 0
        return (
            {name: counters[i] for i, name in enumerate(DROPS) if counters[i]},
            {name: errors[i] for i, name in enumerate(ERRORS) if errors[i]},
        )

    def close(self) -> None:
        self.ops["close"](self.dp)


@functools.cache
def loaded() -> XdpObject:
    """The hand-written program, loaded once for all tests."""
    return load(PROGRAM.read_text(), LAYOUT)


@dataclass(frozen=True)
class Run:
    """One run of the program: verdict, packet afterwards, nanoseconds a packet."""

    verdict: int
    packet: bytes
    duration_ns: int


def run_program(program_fd: int, packet: bytes, ifindex: int, repeat: int = 1) -> Run:
    """Run an XDP program on a packet as if it came from an interface of this thread's namespace."""
    context = ctypes.create_string_buffer(struct.pack("=IIIIII", 0, len(packet), 0, ifindex, 0, 0))
    data, out = ctypes.create_string_buffer(packet, len(packet)), ctypes.create_string_buffer(4096)
    attr = ctypes.create_string_buffer(
        struct.pack(
            "=IIIIQQIIIIQQIII",
            program_fd, 0, len(packet), 4096, ctypes.addressof(data), ctypes.addressof(out), repeat, 0,
            24, 0, ctypes.addressof(context), 0, 0, 0, 0,
        ),
        128,
    )  # fmt: skip
    if _libc.syscall(SYS_BPF, BPF_PROG_TEST_RUN, attr, 80):
        error = ctypes.get_errno()
        raise OSError(error, f"BPF_PROG_TEST_RUN: {os.strerror(error)}")
    _, verdict, _, out_size, *_, duration_ns = struct.unpack_from("=IIIIQQII", attr)
    return Run(verdict, out.raw[:out_size], duration_ns)
