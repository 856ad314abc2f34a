"""Loads a compiled program into the kernel and makes it the XDP engine.

Fed by ``compiler.py`` (the C source and its key layout) through ``amalgamate.py`` and ``bytecode.py``; used by
``vswitchd/`` (one object per P4 program), ``ovsp4 compile --load`` and tests.  The object's maps are handed to
``xdp_dp.c``, which implements ``dp_ops`` over them.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datapath.build import build_shared
from datapath.errors import LoadError, NotSupportedError, VerifierError
from datapath.ir.layout import KeyLayout
from datapath.xdp import amalgamate
from datapath.xdp.bytecode import HINT, Bytecode, compile_bytecode, last_lines

LEAST_KERNEL = "5.15"
XDP_HAS_FRAGS = 1 << 5  # BPF_F_XDP_HAS_FRAGS of linux/bpf.h: takes packets of several buffers
LOG_STATES, LOG_STATS = 1, 4  # BPF_LOG_LEVEL1, BPF_LOG_STATS, linux/bpf_verifier.h
SHORT_LOG_SIZE = 1 << 12  # bytes
LOG_SIZE = 1 << 24  # bytes; what the verifier writes at most (kernel/bpf/verifier.c)
MOST_VERIFIED = 1_000_000  # BPF_COMPLEXITY_LIMIT_INSNS, linux/bpf.h
_ABOUT_INSTRUCTIONS = re.compile(r"\d+: |from \d+ to |processed \d+ insns|verification time|stack depth|mark_precise")
SWITCH, XSK_ONLY = "xdp_switch", "xdp_xsk_only"  # functions of main.c and xsk_only.c
# In the order of enum xdp_fd (object.h), behind the program itself.
MAP_NAMES = (
    "ports", "bridges", "masks", "flows", "chains", "programs", "selects", "hashes", "sets", "flow_counts",
    "port_counts", "drop_counts", "error_counts", "tx_ports", "tx_sets", "sockets", "value_sets",
)  # fmt: skip
_SOURCES = ("load.c", "object.c", "sets.c", "translate.c", "flows.c", "xdp_dp.c")


@dataclass(frozen=True)
class LoadedProgram:
    """A program in the kernel, and what it took to get it there."""

    program_fd: int
    map_fds: dict[str, int]
    n_instructions: int  # as the verifier gets them, before the JIT
    n_verified: int  # that the verifier followed, over all ways through the program; it gives up after a million
    load_time_s: float  # compiling (or finding it in the cache) and verifying
    verify_time_s: float

    def close(self) -> None:
        """Release program and maps; a program that is attached stays with its interface.  To be called once."""
        for fd in (self.program_fd, *self.map_fds.values()):
            os.close(fd)


class XskOnly:
    """The loaded program of ``afxdp`` mode: hands every packet to the interface's AF_XDP socket."""

    def __init__(self, loaded: LoadedProgram) -> None:
        self._library = _library()
        self._loaded: LoadedProgram | None = loaded
        self.program_fd = loaded.program_fd
        self.map_fds = loaded.map_fds
        self.n_instructions = loaded.n_instructions
        self.n_verified = loaded.n_verified
        self.load_time_s = loaded.load_time_s
        self.verify_time_s = loaded.verify_time_s

    def attach(self, ifindex: int) -> None:
        """Attach the program to an interface of this network namespace, in native mode.

        Raises:
            NotSupportedError: The interface's driver has no native XDP.
            LoadError: There is no such interface, or it has a program already.
        """
        _check(self._library.xdp_attach(self.program_fd, ifindex), f"attaching XDP to interface {ifindex}")

    def detach(self, ifindex: int) -> None:
        """Detach what is attached; no error if nothing is."""
        self._library.xdp_detach(ifindex)

    def xsk_register(self, ifindex: int, xsk_fd: int) -> None:
        """Let packets for userspace that come in at an interface go to an AF_XDP socket bound to its queue 0.

        Raises:
            LoadError: The socket is not bound, or the interface's index is out of range.
        """
        error = self._library.xdp_sockets_put(self.map_fds["sockets"], ifindex, xsk_fd)
        _check(error, f"registering the AF_XDP socket of interface {ifindex}")

    def xsk_unregister(self, ifindex: int) -> None:
        """Take the interface's socket away; no error if it has none."""
        self._library.xdp_sockets_put(self.map_fds["sockets"], ifindex, -1)

    def close(self) -> None:
        """Release program and maps; an attached program stays with its interface."""
        if self._loaded:
            self._loaded.close()
            self._loaded = None


class XdpObject(XskOnly):
    """A P4 program loaded as the XDP engine; serves all bridges with that program."""

    def __init__(self, loaded: LoadedProgram, layout: KeyLayout, n_cpus: int) -> None:
        super().__init__(loaded)
        fds = (ctypes.c_int * (1 + len(MAP_NAMES)))(self.program_fd, *(self.map_fds.get(n, -1) for n in MAP_NAMES))
        error = ctypes.c_int()
        name = layout.program.encode()
        self._handle = self._library.xdp_object_open(
            fds, layout.key_size, len(layout.errors), n_cpus, layout.hash, name, ctypes.byref(error)
        )
        _check(error.value, "mapping the XDP program's maps")

    def open_bridge(self, bridge_id: int, on_reject: str = "drop") -> int:
        """Open a bridge.

        Args:
            bridge_id: The number that stands in its packets' keys, 0 to 1023, not in use on this object.
            on_reject: "drop", or "continue": packets that the parser rejects are looked up too.

        Returns:
            The address of a ``struct dp`` (runtime/dp.h) for the slow path, whose ``close`` ends it.

        Raises:
            LoadError: The number is in use or out of range.
        """
        error = ctypes.c_int()
        dp = self._library.xdp_bridge_open(self._handle, bridge_id, on_reject == "continue", ctypes.byref(error))
        _check(error.value, f"opening bridge {bridge_id} on the XDP engine")
        return int(dp)

    def set_link(self, dp: int, port: int, is_up: bool) -> None:
        """Say whether the link of a bridge's port is up; packets for one that is down are dropped and counted.

        Raises:
            LoadError: The bridge has no such port.
        """
        _check(self._library.xdp_port_link(dp, port, is_up), f"port {port}: setting its link")

    def close(self) -> None:
        """Release all; every bridge is closed before."""
        if self._handle:
            self._library.xdp_object_close(self._handle)
            self._handle = None
        super().close()


def load(c_source: str, layout: KeyLayout) -> XdpObject:
    """Compile a generated program with the XDP engine around it, and load it.

    Args:
        c_source: The program as ``codegen`` emits it.
        layout: Its key layout.

    Returns:
        The loaded object; nothing is attached yet.

    Raises:
        VerifierError: The kernel refused the program; carries the log's last lines.
        NotSupportedError: BCC or kernel headers are missing, or the kernel lacks a feature.
        LoadError: BCC could not compile it.
    """
    n_cpus = online_cpus()
    return XdpObject(load_text(amalgamate.switch_source(c_source, n_cpus), SWITCH), layout, n_cpus)


def takes_jumbo_frames() -> bool:
    """Tell whether AF_XDP sockets take packets of several buffers (since Linux 6.6); else they would be lost.

    Without them, a veth takes the program only up to an MTU of some 3,500 bytes at its far end.
    """
    return tuple(int(n) for n in platform.release().split("-")[0].split(".")[:2]) >= (6, 6)


def online_cpus() -> int:
    """Return how many processors to keep counters for: one more than the highest number of those in use."""
    text = Path("/sys/devices/system/cpu/online").read_text()  # "0-3,8-11"
    return 1 + int(text.strip().replace("-", ",").split(",")[-1])


def load_xsk_only() -> XskOnly:
    """Load the program of ``afxdp`` mode; raises as ``load`` does."""
    return XskOnly(load_text(amalgamate.join([amalgamate.read("xsk_only.c")]), XSK_ONLY))


def load_text(text: str, name: str) -> LoadedProgram:
    """Compile an XDP program in BCC's C, make its maps, and run it through the verifier.

    Args:
        text: The whole program.
        name: Its function.

    Returns:
        What is in the kernel now; the caller closes it.

    Raises:
        VerifierError, NotSupportedError, LoadError: As ``load``.
    """
    started = time.monotonic()
    bytecode = compile_bytecode(text, name)
    map_fds: dict[str, int] = {}
    try:
        for spec in bytecode.maps:
            inner = map_fds.get(spec.inner, -1)
            numbers = (spec.key_size, spec.value_size, spec.max_entries, spec.flags, inner)
            fd = _library().xdp_map_create(spec.type, spec.name[:15].encode(), *numbers)
            _check_feature(fd, f"BPF map {spec.name} (type {spec.type})")
            map_fds[spec.name] = fd
        verify = time.monotonic()
        program_fd = _verify(bytecode, bytecode.linked(map_fds))
        ended = time.monotonic()
    except BaseException:
        for fd in map_fds.values():
            os.close(fd)
        raise
    n_verified = _library().xdp_program_verified(program_fd)
    return LoadedProgram(
        program_fd,
        map_fds,
        bytecode.n_instructions,
        n_verified,
        load_time_s=ended - started,
        verify_time_s=ended - verify,
    )


def _verify(bytecode: Bytecode, instructions: bytes) -> int:
    """Load the instructions; ask for the verifier's whole log, which is slow to write, only if it can help."""
    flags = XDP_HAS_FRAGS if takes_jumbo_frames() else 0
    arguments = (bytecode.name.encode(), instructions, bytecode.n_instructions, flags)
    log = ctypes.create_string_buffer(SHORT_LOG_SIZE)
    fd: int = _library().xdp_program_load(*arguments, LOG_STATS, log, SHORT_LOG_SIZE)
    if fd >= 0:
        return fd
    if fd == -errno.EPERM:
        _check_feature(fd, "loading XDP programs")
    if fd != -errno.E2BIG:
        log = ctypes.create_string_buffer(LOG_SIZE)
        _library().xdp_program_load(*arguments, LOG_STATES, log, LOG_SIZE)
    text = last_lines([log.value.decode(errors="replace")])
    raise VerifierError(f"the kernel's verifier refused the XDP program: {_refusal(-fd, text)}\n{text}\n{HINT}")


def _refusal(error: int, log: str) -> str:
    """Say in a few words why the verifier refused a program: its own, the last that are about no instruction."""
    if error == errno.E2BIG:
        return f"it is too complex ({MOST_VERIFIED:,} instructions followed)"
    words = [line for line in log.splitlines() if not _ABOUT_INSTRUCTIONS.match(line)]
    return words[-1].strip() if words else os.strerror(error)


@functools.cache
def _library() -> Any:
    """Build (or find) and load the provider of ``dp_ops``."""
    here = Path(__file__).parent
    path = build_shared("xdp", [here / f for f in _SOURCES], include_dirs=[here, amalgamate.RUNTIME_DIR], libs=["bpf"])
    library = ctypes.CDLL(str(path))
    c_int, c_u32, c_void_p, c_char_p = ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_char_p
    int_p = ctypes.POINTER(c_int)
    for name, result, arguments in (
        ("xdp_map_create", c_int, [c_u32, c_char_p, *[c_u32] * 4, c_int]),
        ("xdp_program_load", c_int, [c_char_p, c_char_p, ctypes.c_size_t, c_u32, c_u32, c_char_p, c_u32]),
        ("xdp_program_verified", c_u32, [c_int]),
        ("xdp_attach", c_int, [c_int, c_int]),
        ("xdp_detach", c_int, [c_int]),
        ("xdp_sockets_put", c_int, [c_int, c_int, c_int]),
        ("xdp_object_open", c_void_p, [int_p, c_u32, c_u32, c_u32, ctypes.c_uint64, c_char_p, int_p]),
        ("xdp_object_close", None, [c_void_p]),
        ("xdp_bridge_open", c_void_p, [c_void_p, c_u32, c_int, int_p]),
        ("xdp_port_link", c_int, [c_void_p, c_u32, c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _check(error: int, what: str) -> None:
    """Raise for a negative errno."""
    if error >= 0:
        return
    if -error == errno.EOPNOTSUPP:
        raise NotSupportedError(f"{what}: native XDP", "the driver has none; use veth, or kernel 4.19 and later")
    if -error == errno.EBUSY:
        raise LoadError(f"{what}: already in use; detach the other program or close the other bridge first")
    if -error == errno.ERANGE:
        raise LoadError(
            f"{what}: the MTU at its far end is too large for XDP (before Linux 6.6 set 3,400 or less), or its "
            "index is above 65535"
        )
    raise LoadError(f"{what}: {os.strerror(-error)}")


def _check_feature(error: int, what: str) -> None:
    """Raise for a negative errno of a map or program that the kernel should know."""
    if error == -errno.EPERM:
        raise NotSupportedError(what, "needs root (CAP_BPF and CAP_NET_ADMIN)")
    if error == -errno.EINVAL:
        raise NotSupportedError(what, f"needs kernel {LEAST_KERNEL} or later")
    if error < 0:
        raise LoadError(f"{what}: {os.strerror(-error)}")
