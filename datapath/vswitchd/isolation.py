"""Put the daemon into a network namespace of its own, and tie its life to its parent's.

Used by ``__main__.py`` before anything else is loaded.  Everything made here vanishes with the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import select
import signal
import struct
import sys
import threading
import time
from pathlib import Path

from datapath.errors import SwitchError
from datapath.vswitchd.links import set_up

# include/uapi/linux/sched.h, mount.h, prctl.h
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000
_PR_SET_PDEATHSIG = 1

_LOOP_S = 0.5  # what the server's loop gets to end by itself
_COMPILER_S = 1.5  # what compilers get to clean up, and the loop to end after them
_REPEAT_S = 0.1

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when its parent ends, however it ends.

    Args:
        parent_pid: The parent as it should be; if it is gone already, this process ends now.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise SwitchError(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent_pid:
        sys.exit(1)


def end_with_lifeline(lifeline: int) -> None:
    """See to it that this process does not outlive its lifeline by more than two seconds, however busy it is.

    The server's loop notices the end by itself, but not while a request runs a compiler.  A compiler is told to end
    (it removes its temporary files), so that the request fails and the loop comes round; what does not end is killed.

    Args:
        lifeline: A pipe whose other end closes when it is time.
    """
    threading.Thread(target=_watch_lifeline, args=(lifeline,), name="lifeline", daemon=True).start()


def _watch_lifeline(lifeline: int) -> None:
    poller = select.poll()
    poller.register(lifeline, select.POLLIN)
    poller.poll()
    time.sleep(_LOOP_S)
    deadline = time.monotonic() + _COMPILER_S
    while time.monotonic() < deadline:  # again and again: a request may start one compiler after the other
        _signal_all(signal.SIGTERM)
        time.sleep(_REPEAT_S)
    _signal_all(signal.SIGKILL)


def _signal_all(number: signal.Signals) -> None:
    """Send a signal to this process and its compilers, if it leads a group (``launch.py`` sees to that)."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, number)
    else:
        os.kill(os.getpid(), number)


def enter_fabric() -> None:
    """Move into a new network namespace, with a mount namespace whose /sys shows its interfaces.

    Raises:
        SwitchError: Not permitted.
    """
    if _libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
        reason = os.strerror(ctypes.get_errno())
        raise SwitchError(f"cannot make a network namespace: {reason}; run as root")
    _mount(None, b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(b"sysfs", b"/sys", b"sysfs", 0)
    _mount(b"bpf", b"/sys/fs/bpf", b"bpf", 0)
    _silence_ipv6()
    set_up("lo")


def _mount(source: bytes | None, target: bytes, kind: bytes | None, flags: int) -> None:
    if _libc.mount(source, target, kind, ctypes.c_ulong(flags), None):
        error = ctypes.get_errno()
        remedy = "run as root" if error in (errno.EPERM, errno.EACCES) else "in a chroot, / must be a mount point"
        raise SwitchError(f"cannot mount {target.decode()}: {os.strerror(error)}; {remedy}")


def _silence_ipv6() -> None:
    """Keep the kernel from sending neighbour discovery out of switch ports."""
    for scope in ("all", "default"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")


def raise_memlock_limit() -> None:
    """Raise RLIMIT_MEMLOCK as far as allowed: old kernels count BPF maps and AF_XDP buffers against it."""
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))


def peer_uid(credentials: bytes) -> int:
    """Return the uid in what ``getsockopt(SO_PEERCRED)`` gave: pid, uid, gid."""
    return int(struct.unpack("iII", credentials)[1])
