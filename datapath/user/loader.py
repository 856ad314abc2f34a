"""Builds, opens and drives the user engine of one bridge.

Takes a compiled program from ``compiler.py``; used by ``vswitchd/``, which hands ``UserEngine.dp`` to the slow path:
from then on C calls C, and Python starts, stops and looks at counters.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from datapath.build import OPTIMISE, RUNTIME_DIR, build_shared, c_string
from datapath.errors import LoadError, SwitchError
from datapath.user import binding
from datapath.user.binding import DpAction, DpOps, DpStats, UserConfig, UserCounters, UserParsed

N_FRAMES = 8192  # of 4 KiB: enough for some 60 ports
MAX_FLOWS = 1 << 16
PROGRAM_FILE = "program.c"

_PORT_HINTS = {
    errno.EBUSY: "another AF_XDP socket holds the interface's queue 0",
    errno.EEXIST: "the port number is taken",
    errno.ENOBUFS: "the bridge's packet memory is used up by its other ports; open the engine with more frames",
    errno.EPERM: "AF_XDP needs root (CAP_NET_RAW, CAP_BPF and CAP_IPC_LOCK)",
    errno.ENODEV: "no such interface in this network namespace",
    errno.ENXIO: "no such interface in this network namespace",
    errno.EAFNOSUPPORT: "the kernel has no AF_XDP (CONFIG_XDP_SOCKETS)",
}


class Layout(Protocol):
    """What the engine has to agree on with the control side (``ir.layout.KeyLayout``)."""

    @property
    def key_size(self) -> int: ...
    @property
    def hash(self) -> int: ...


class Compiled(Protocol):
    """A compiled program (``compiler.CompiledProgram``)."""

    @property
    def c_source(self) -> str: ...
    @property
    def layout(self) -> Layout: ...


@dataclass(frozen=True)
class Parsed:
    """What the compiled parser says of a packet."""

    verdict: str  # "accept", "reject"
    error: int  # index into the layout's errors
    offset_bits: int  # of the cursor
    key: bytes
    hdr_off: tuple[int, ...]  # by header id, in bytes; 0xffff: not there


def build_engine(c_source: str, flags: Sequence[str] = OPTIMISE) -> Path:
    """Compile the engine for one program.

    Args:
        c_source: The generated C file.
        flags: Compiler flags (tests add sanitizers).

    Returns:
        The shared object, in the cache.

    Raises:
        NotSupportedError: No compiler or no libxdp; says what to install.
    """
    return build_shared(
        "engine",
        [Path(__file__).parent / "main.c"],
        texts={PROGRAM_FILE: c_source},
        include_dirs=[RUNTIME_DIR, Path(__file__).parent],
        libs=["xdp", "bpf"],
        defines={"PROGRAM_FILE": c_string(PROGRAM_FILE)},
        flags=flags,
    )


class UserEngine:
    """The user engine of one bridge; lives in the network namespace of the thread that adds its ports.

    Calls of the operations (``ops``) need the bridge's lock: ``with engine.locked(): ...``.  The methods here take it
    themselves, ``set_upcall`` too.

    Attributes:
        dp: The engine's ``struct dp *``.
        lock: The bridge's ``struct dp_lock *``.
        ops: Its ``struct dp_ops``, callable from Python.
        info: Its ``struct dp_info``.
    """

    def __init__(
        self,
        compiled: Compiled,
        bridge_id: int,
        lock: int = 0,
        *,
        n_frames: int = N_FRAMES,
        max_flows: int = MAX_FLOWS,
        on_reject: str = "drop",
        flags: Sequence[str] = OPTIMISE,
    ) -> None:
        """Build the engine, or find it in the cache, and open an instance; ``start()`` makes it forward.

        Args:
            compiled: The program.
            bridge_id: 16 bits, unique among the bridges that share an XDP object.
            lock: Address of the bridge's ``struct dp_lock``, which must outlive the engine; 0 makes an own one.
            n_frames: Packet memory, in frames of 4 KiB.
            max_flows: Megaflows that it holds at most.
            on_reject: "drop" or "continue": what becomes of a packet that the parser rejects.

        Raises:
            LoadError: It does not compile, or was built for another layout.
        """
        assert on_reject in ("drop", "continue")
        self._library = ctypes.CDLL(str(build_engine(compiled.c_source, flags)))
        binding.declare(self._library)
        self._own_lock: int = 0 if lock else self._library.user_lock_new()
        self.lock = lock or self._own_lock
        config = UserConfig(self.lock, bridge_id, n_frames, max_flows, on_reject == "continue")
        error = ctypes.c_int()
        self.dp: int = self._library.user_open(ctypes.byref(config), ctypes.byref(error)) or 0
        if not self.dp:
            self._free_lock()
            raise LoadError(f"cannot open the user engine: {os.strerror(-error.value)}")
        dp = binding.Dp.from_address(self.dp)
        self.ops: DpOps = dp.ops.contents
        self.info = dp.info
        self._check(compiled.layout)

    def _check(self, layout: Layout) -> None:
        """Refuse an engine that was built for another layout."""
        found = (self.info.abi_version, self.info.key_size, self.info.layout_hash)
        wanted = (binding.DP_ABI_VERSION, layout.key_size, layout.hash)
        if found != wanted:
            self.close()
            raise LoadError(
                "the engine was built for another key layout: "
                f"ABI, key size, hash are {found[0]}, {found[1]}, {found[2]:#x}; "
                f"wanted {wanted[0]}, {wanted[1]}, {wanted[2]:#x}"
            )

    # ------------------------------------------------------------------------------------------ life
    def start(self) -> None:
        """Start the thread that forwards."""
        error = self._library.user_start(self.dp)
        if error:
            raise SwitchError(f"cannot start the user engine's thread: {os.strerror(-error)}")

    def stop(self) -> None:
        """Stop the thread; ports, flows and counters stay."""
        self._library.user_stop(self.dp)

    def close(self) -> None:
        """Stop, close all sockets, free everything; ``dp`` is not valid any more."""
        if self.dp:
            self.ops.close(self.dp)
            self.dp = 0
        self._free_lock()

    def _free_lock(self) -> None:
        if self._own_lock:
            self._library.user_lock_free(self._own_lock)
        self._own_lock = 0

    def __enter__(self) -> UserEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the bridge's lock; the thread does not forward meanwhile."""
        self._library.user_lock_take(self.lock)
        try:
            yield
        finally:
            self._library.user_lock_give(self.lock)

    # ------------------------------------------------------------------------------------------ control
    def set_upcall(self, function: int, argument: int) -> None:
        """Set what is called for packets that the engine cannot finish.

        Args:
            function: Address of a ``dp_upcall_fn``; 0: none, misses are dropped.
            argument: Its first argument, the slow path.
        """
        with self.locked():
            self._library.user_set_upcall(self.dp, function, argument)

    def add_port(self, port: int, interface: str) -> None:
        """Attach an interface of this network namespace.

        Raises:
            SwitchError: It cannot be; says why.
        """
        try:
            ifindex = socket.if_nametoindex(interface)
        except OSError as error:
            raise SwitchError(f"port {port}: {interface}: no such interface in this network namespace") from error
        with self.locked():
            error_number = -self.ops.port_add(self.dp, port, ifindex)
        if error_number:
            hint = _PORT_HINTS.get(error_number, os.strerror(error_number))
            raise SwitchError(f"port {port}: cannot open an AF_XDP socket on {interface}: {hint}")

    def del_port(self, port: int) -> None:
        """Detach a port.

        Raises:
            SwitchError: There is none of this number.
        """
        with self.locked():
            error_number = -self.ops.port_del(self.dp, port)
        if error_number:
            raise SwitchError(f"port {port}: {os.strerror(error_number)}")

    def xsk_fd(self, port: int) -> int:
        """Return the port's socket, to be put into the XSKMAP of the program on its interface.

        Raises:
            SwitchError: There is no such port, or its interface is gone.
        """
        with self.locked():
            fd: int = self._library.user_xsk_fd(self.dp, port)
        if fd < 0:
            raise SwitchError(f"port {port} has no socket: no such port, or its interface is gone")
        return fd

    def set_link(self, port: int, is_up: bool) -> None:
        """Say whether a port's link is up; packets for one that is down are dropped and counted.

        Raises:
            SwitchError: There is no such port.
        """
        with self.locked():
            error_number = -self._library.user_port_link(self.dp, port, is_up)
        if error_number:
            raise SwitchError(f"port {port}: {os.strerror(error_number)}")

    # ------------------------------------------------------------------------------------------ look
    def counters(self) -> dict[str, int]:
        """Return the engine's state in numbers, the members of ``struct user_counters``."""
        counters = UserCounters()
        with self.locked():
            self._library.user_counters(self.dp, ctypes.byref(counters))
        return {name: int(getattr(counters, name)) for name, _ in UserCounters._fields_}

    def drops(self) -> tuple[dict[str, int], dict[int, int]]:
        """Return the counts that are not zero: by drop reason, and rejected packets by parser error's number."""
        reasons = binding.drop_reasons()
        drops, errors = (ctypes.c_uint64 * len(reasons))(), (ctypes.c_uint64 * binding.N_PARSER_ERRORS)()
        with self.locked():
            self.ops.drops(self.dp, drops, errors)
        by_reason = {reason.name: count for reason, count in zip(reasons, drops, strict=True) if count}
        return by_reason, {number: count for number, count in enumerate(errors) if count}

    def port_stats(self, port: int) -> tuple[DpStats, DpStats]:
        """Return what the port received and sent."""
        rx, tx = DpStats(), DpStats()
        with self.locked():
            error_number = -self.ops.port_stats(self.dp, port, ctypes.byref(rx), ctypes.byref(tx))
        if error_number:
            raise SwitchError(f"port {port}: {os.strerror(error_number)}")
        return rx, tx

    def execute(self, packet: bytes, actions: Sequence[DpAction], in_port: int = 0) -> None:
        """Run actions on a packet as if it had come in at ``in_port``.

        Raises:
            SwitchError: It is too long, or there is no memory for it.
        """
        with self.locked():
            error_number = -self.ops.execute(
                self.dp, in_port, packet, len(packet), binding.actions(*actions), len(actions)
            )
        if error_number:
            raise SwitchError(f"packet of {len(packet)} bytes: {os.strerror(error_number)}")

    def put_value_sets(self, packed: bytes) -> None:
        """Replace the entries of all value sets.

        Args:
            packed: As ``ir.value_sets.pack`` makes it for this program, which has value sets.
        """
        with self.locked():
            error_number = -self.ops.value_sets_put(self.dp, packed, len(packed))
        assert not error_number, os.strerror(error_number)

    def parse(self, packet: bytes, in_port: int = 0) -> Parsed:
        """Run the compiled parser on a packet; nothing else happens to it."""
        key = ctypes.create_string_buffer(self.info.key_size)
        parsed = UserParsed()
        with self.locked():
            self._library.user_parse(self.dp, packet, len(packet), in_port, key, ctypes.byref(parsed))
        return Parsed(
            verdict="reject" if parsed.rejected else "accept",
            error=parsed.error,
            offset_bits=parsed.offset_bits,
            key=key.raw,
            hdr_off=tuple(parsed.hdr_off[: parsed.n_headers]),
        )
