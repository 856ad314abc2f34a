"""Interfaces of this network namespace: their state, and which of them changed, over rtnetlink.

Used by ``switch.py``, which checks interfaces with it and follows their state.  What the kernel reports is taken as a
hint only, and the state is asked for anew: reports queue up, and the oldest may be older than the port.  Written on
plain sockets because the netlink library costs more to import than the rest of the daemon does to start.

Source: rtnetlink(7), netdevice(7); include/uapi/linux/{netlink,rtnetlink,if_link}.h.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFF_LOWER_UP = 0x10000  # carrier; unlike IFF_RUNNING it is true at once, not when the kernel's work queue came by

_NETLINK_ROUTE = 0
_RTMGRP_LINK = 1
_RTM_NEWLINK = 16
_RTM_DELLINK = 17
_RTM_GETLINK = 18
_NLM_F_REQUEST = 0x1
_MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg


def set_up(name: str) -> None:
    """Set an interface administratively up.

    Raises:
        OSError: There is no such interface.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0))
        flags = struct.unpack("16sH22x", answer)[1]
        if not flags & _IFF_UP:
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | _IFF_UP))


def is_up(ifindex: int) -> bool | None:
    """Return whether an interface is administratively up and has a carrier; None if it is not there."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as link:
        body = _LINK.pack(0, 0, ifindex, 0, 0)
        link.sendto(_MESSAGE.pack(16 + len(body), _RTM_GETLINK, _NLM_F_REQUEST, 1, 0) + body, (0, 0))
        for kind, answer in _messages(link.recv(1 << 16)):
            if kind == _RTM_NEWLINK:
                flags = _LINK.unpack_from(answer)[3]
                return bool(flags & _IFF_UP and flags & _IFF_LOWER_UP)
    return None


class LinkWatch:
    """A socket that becomes readable when an interface of this namespace changes."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_ROUTE)
        self._socket.bind((0, _RTMGRP_LINK))

    def fileno(self) -> int:
        return self._socket.fileno()

    def read_changed(self) -> set[int] | None:
        """Return the indexes of interfaces that changed or went; None if reports were lost, so that any may have."""
        changed: set[int] = set()
        while True:
            try:
                messages = _messages(self._socket.recv(1 << 18))
            except BlockingIOError:
                return changed
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                return None
            links = [body for kind, body in messages if kind in (_RTM_NEWLINK, _RTM_DELLINK)]
            changed.update(_LINK.unpack_from(body)[2] for body in links if len(body) >= _LINK.size)


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Split a datagram into (type, body)."""
    found, at = [], 0
    while at + _MESSAGE.size <= len(data):
        size, kind, *_ = _MESSAGE.unpack_from(data, at)
        if size < _MESSAGE.size:
            break
        found.append((kind, data[at + _MESSAGE.size : at + size]))
        at += (size + 3) & ~3
    return found
