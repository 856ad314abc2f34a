"""Loads a compiled program into the kernel and makes it the XDP engine.

Fed by ``compiler.py`` (the C source and its key layout); used by ``vswitchd/`` (one object per P4 program), ``ovsp4
compile --load`` and tests.  ``load`` compiles with BCC and runs the verifier; the object's maps are then handed to
``xdp_dp.c``, which implements ``dp_ops`` over them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datapath.build import build_shared
from datapath.errors import LoadError, NotSupportedError, VerifierError
from datapath.ir.layout import KeyLayout
from datapath.xdp import amalgamate
from datapath.xdp.headers import find_headers

LOG_LINES = 12  # of the verifier's or compiler's log that go into an error
PROGRAM_NAME = "xdp_switch"
XSK_ONLY_NAME = "xdp_xsk_only"
# In the order of enum xdp_fd (object.h), behind the program itself.
MAP_NAMES = (
    "ports", "bridges", "masks", "flows", "chains", "programs", "selects", "hashes", "sets", "flow_counts",
    "port_counts", "drop_counts", "error_counts", "tx_ports", "tx_sets", "sockets",
)  # fmt: skip
_SOURCES = ("object.c", "sets.c", "translate.c", "flows.c", "xdp_dp.c")


class XskOnly:
    """The loaded program of ``afxdp`` mode: hands every packet to the interface's AF_XDP socket."""

    def __init__(self, bpf: Any, name: str, load_time_s: float, n_instructions: int) -> None:
        self._bpf = bpf
        self._library = _library()
        self.program_fd: int = bpf.funcs[name.encode()].fd
        self.load_time_s = load_time_s
        self.n_instructions = n_instructions  # as the verifier took them, before the JIT
        self._sockets_fd: int = bpf[b"sockets"].map_fd

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
        error = self._library.xdp_sockets_put(self._sockets_fd, ifindex, xsk_fd)
        _check(error, f"registering the AF_XDP socket of interface {ifindex}")

    def xsk_unregister(self, ifindex: int) -> None:
        """Take the interface's socket away; no error if it has none."""
        self._library.xdp_sockets_put(self._sockets_fd, ifindex, -1)

    def close(self) -> None:
        """Release program and maps; an attached program stays with its interface."""
        self._bpf.cleanup()


class XdpObject(XskOnly):
    """A P4 program loaded as the XDP engine; serves all bridges with that program."""

    def __init__(self, bpf: Any, layout: KeyLayout, load_time_s: float, n_instructions: int) -> None:
        super().__init__(bpf, PROGRAM_NAME, load_time_s, n_instructions)
        self.map_fds: dict[str, int] = {name: bpf[name.encode()].map_fd for name in MAP_NAMES}
        fds = (ctypes.c_int * (1 + len(MAP_NAMES)))(self.program_fd, *self.map_fds.values())
        error = ctypes.c_int()
        name = layout.program.encode()
        self._handle = self._library.xdp_object_open(
            fds, layout.key_size, len(layout.errors), layout.hash, name, ctypes.byref(error)
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
    bpf, load_time_s, n_instructions = _load(amalgamate.switch_source(c_source), PROGRAM_NAME)
    return XdpObject(bpf, layout, load_time_s, n_instructions)


def load_xsk_only() -> XskOnly:
    """Load the program of ``afxdp`` mode; raises as ``load`` does."""
    bpf, load_time_s, n_instructions = _load(amalgamate.join([amalgamate.read("xsk_only.c")]), XSK_ONLY_NAME)
    return XskOnly(bpf, XSK_ONLY_NAME, load_time_s, n_instructions)


def load_text(text: str, name: str) -> tuple[Any, float, int]:
    """Compile and load any XDP program; raises and returns as ``_load`` does.  For ``parse_only.py``."""
    return _load(text, name)


def _load(text: str, name: str) -> tuple[Any, float, int]:
    """Compile and load; return BCC's object, the time both took and the number of instructions."""
    try:
        from bcc import BPF
    except ImportError as error:
        raise NotSupportedError(
            "BCC (Python module bcc)", "apt-get install python3-bpfcc, and a venv with --system-site-packages"
        ) from error
    started = time.monotonic()
    with _kernel_source(find_headers()):
        bpf = _compile(BPF, text)
        _verify(BPF, bpf, name)
    load_time_s = time.monotonic() - started
    return bpf, load_time_s, len(bpf.dump_func(name.encode())) // 8


def _compile(bpf_class: Any, text: str) -> Any:
    """Compile with BCC, which says what is wrong on standard error only."""
    log: list[str] = []
    try:
        with _captured_stderr(log):
            return bpf_class(text=text.encode(), cflags=["-Wno-macro-redefined"])  # BCC deprecates str
    except Exception as error:  # BCC raises the bare class
        raise LoadError(f"BCC cannot compile the XDP program: {error}\n{_tail(log)}") from error


def _verify(bpf_class: Any, bpf: Any, name: str) -> None:
    """Load one function through the verifier."""
    log: list[str] = []
    try:
        with _captured_stderr(log):
            bpf.load_func(name.encode(), bpf_class.XDP)
    except Exception as error:  # BCC raises the bare class
        if "Operation not permitted" in str(error):
            raise NotSupportedError("loading XDP programs", "needs root (CAP_BPF and CAP_NET_ADMIN)") from error
        raise VerifierError(f"the kernel's verifier refused the XDP program: {error}\n{_tail(log)}") from error


def _tail(log: list[str]) -> str:
    """Return the last lines of a log that say something."""
    lines = [line for line in "".join(log).splitlines() if line.strip() and not re.match(r"\s*; ", line)]
    return "\n".join(lines[-LOG_LINES:])


@contextlib.contextmanager
def _captured_stderr(log: list[str]) -> Iterator[None]:
    """Take what C code writes to file descriptor 2; append it to ``log``."""
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            log.append(file.read().decode(errors="replace"))


@contextlib.contextmanager
def _kernel_source(directory: Path) -> Iterator[None]:
    """Name the kernel headers to BCC."""
    before = os.environ.get("BCC_KERNEL_SOURCE")
    os.environ["BCC_KERNEL_SOURCE"] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ["BCC_KERNEL_SOURCE"]
        else:
            os.environ["BCC_KERNEL_SOURCE"] = before


def _library() -> Any:
    """Build (or find) and load the provider of ``dp_ops``."""
    here = Path(__file__).parent
    path = build_shared("xdp", [here / f for f in _SOURCES], include_dirs=[here, amalgamate.RUNTIME_DIR], libs=["bpf"])
    library = ctypes.CDLL(str(path))
    c_int, c_u32, c_void_p = ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p
    int_p = ctypes.POINTER(c_int)
    for name, result, arguments in (
        ("xdp_attach", c_int, [c_int, c_int]),
        ("xdp_detach", c_int, [c_int]),
        ("xdp_sockets_put", c_int, [c_int, c_int, c_int]),
        ("xdp_object_open", c_void_p, [int_p, c_u32, c_u32, ctypes.c_uint64, ctypes.c_char_p, int_p]),
        ("xdp_object_close", None, [c_void_p]),
        ("xdp_bridge_open", c_void_p, [c_void_p, c_u32, c_int, int_p]),
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
    raise LoadError(f"{what}: {os.strerror(-error)}")
