"""Network namespaces held by a file descriptor, and threads that work inside them.

The process itself never changes its namespace: whatever must happen inside another one (opening a socket, netlink,
sysctl, ethtool) runs on a thread that enters it and ends.  A socket keeps the namespace it was opened in.  A namespace
made here has no name and no process: it goes when its descriptor is closed, so also when this process is killed.

Used by ``interfaces.py``, ``nodes.py``, ``taps.py``, ``capture.py``, ``reachability.py``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from datapath import SetupError

T = TypeVar("T")
CLONE_NEWNET = 0x40000000  # linux/sched.h

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace; close it when done."""

    def __init__(self, fd: int, what: str) -> None:
        """Take over a descriptor of a namespace; use ``of`` and ``create`` instead."""
        self.fd = fd
        self.what = what  # for messages: "of process 12"

    @classmethod
    def of(cls, pid: int) -> Self:
        """Open the namespace of a process.

        Raises:
            SetupError: There is no such process, or we may not.
        """
        try:
            return cls(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC), f"of process {pid}")
        except OSError as error:
            raise SetupError(f"cannot open the network namespace of process {pid}: {error.strerror}") from error

    @classmethod
    def create(cls) -> Self:
        """Make a new, empty namespace.

        Raises:
            SetupError: We may not; it takes root.
        """

        def unshare() -> int:
            if _libc.unshare(CLONE_NEWNET):
                reason = os.strerror(ctypes.get_errno())
                raise SetupError(f"cannot make a network namespace: {reason}; run as root")
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

        return cls(_on_a_thread(unshare), "of our own")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the namespace; may be called twice."""
        fd, self.fd = self.fd, -1  # first: an interrupted close must not be repeated on whoever has the number then
        if fd >= 0:
            os.close(fd)

    def call(self, function: Callable[[], T]) -> T:
        """Run a function inside the namespace, on a thread of its own, and return what it returns.

        What it raises is raised here.  It must start no process and no thread that outlives it: processes that die
        with the thread that started them would die at once.
        """

        def enter_and_run() -> T:
            if _libc.setns(self.fd, CLONE_NEWNET):
                reason = os.strerror(ctypes.get_errno())
                raise SetupError(f"cannot enter the network namespace {self.what}: {reason}; run as root")
            return function()

        return _on_a_thread(enter_and_run)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket inside the namespace; it stays there, whoever uses it."""
        return self.call(lambda: socket.socket(family, kind, protocol))


def call_in(where: int | Namespace, function: Callable[[], T]) -> T:
    """Run a function inside a namespace that is given as such, or by a process in it; see ``Namespace.call``."""
    if isinstance(where, Namespace):
        return where.call(function)
    with Namespace.of(where) as namespace:
        return namespace.call(function)


def _on_a_thread(function: Callable[[], T]) -> T:
    """Run a function on a new thread and wait for it."""
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(function())
        except BaseException as error:  # handed to the waiting thread, which raises it
            errors.append(error)

    thread = threading.Thread(target=run, name="in-namespace", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return values[0]


def set_sysctl(name: str, value: str) -> None:
    """Write a network sysctl of the namespace that the calling thread is in; absent ones (no IPv6) are left alone."""
    with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(value)
