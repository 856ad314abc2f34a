"""Interfaces of this network namespace: flags, and news of them over rtnetlink.

Used by ``switch.py``, which checks interfaces with it and follows their state.  Written on plain sockets because the
netlink library costs more to import than the rest of the daemon does to start.

Source: rtnetlink(7), netdevice(7); include/uapi/linux/{netlink,rtnetlink,if_link}.h.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from dataclasses import dataclass

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFF_RUNNING = 0x40

_NETLINK_ROUTE = 0
_RTMGRP_LINK = 1
_NLMSG_DONE = 3
_RTM_NEWLINK = 16
_RTM_DELLINK = 17
_RTM_GETLINK = 18
_NLM_F_REQUEST = 0x1
_NLM_F_DUMP = 0x300
_IFLA_IFNAME = 3
_MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr


@dataclass(frozen=True)
class LinkNews:
    """What the kernel says about an interface."""

    ifindex: int
    name: str
    is_up: bool  # administratively up and with a carrier
    is_gone: bool


def _flags(name: str, change: int = 0) -> int:
    """Return an interface's flags, after setting those in ``change``.

    Raises:
        OSError: There is no such interface.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", name.encode(), 0)
        flags = int(struct.unpack("16sH22x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1])
        if change & ~flags:
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | change))
    return flags | change


def set_up(name: str) -> None:
    """Set an interface administratively up.

    Raises:
        OSError: There is no such interface.
    """
    _flags(name, _IFF_UP)


def is_running(name: str) -> bool:
    """Return whether an interface is up and has a carrier."""
    try:
        flags = _flags(name)
    except OSError:
        return False
    return bool(flags & _IFF_UP and flags & _IFF_RUNNING)


class LinkWatch:
    """A socket that becomes readable when an interface of this namespace changes."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_ROUTE)
        self._socket.bind((0, _RTMGRP_LINK))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def read(self) -> list[LinkNews] | None:
        """Return the news that have come; None if some were lost, and ``list_links`` must be asked."""
        news: list[LinkNews] = []
        while True:
            try:
                news += _parse_messages(self._socket.recv(1 << 18))
            except BlockingIOError:
                return news
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                return None


def list_links() -> list[LinkNews]:
    """Return the state of all interfaces of this namespace."""
    news: list[LinkNews] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as dump:
        body = _LINK.pack(0, 0, 0, 0, 0)
        dump.sendto(_MESSAGE.pack(16 + len(body), _RTM_GETLINK, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body, (0, 0))
        done = False
        while not done:
            data = dump.recv(1 << 18)
            news += _parse_messages(data)
            done = any(kind == _NLMSG_DONE for kind, _ in _messages(data))
    return news


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Split a datagram into (type, body)."""
    found, at = [], 0
    while at + 16 <= len(data):
        size, kind, *_ = _MESSAGE.unpack_from(data, at)
        if size < 16:
            break
        found.append((kind, data[at + 16 : at + size]))
        at += (size + 3) & ~3
    return found


def _parse_messages(data: bytes) -> list[LinkNews]:
    news = []
    for kind, body in _messages(data):
        if kind in (_RTM_NEWLINK, _RTM_DELLINK) and len(body) >= 16:
            family, _, ifindex, flags, _ = _LINK.unpack_from(body)
            if family == 0:  # not a bridge's or wireless report about the same link
                is_up = bool(flags & _IFF_UP and flags & _IFF_RUNNING)
                news.append(LinkNews(ifindex, _name_in(body), is_up, kind == _RTM_DELLINK))
    return news


def _name_in(body: bytes) -> str:
    at = 16
    while at + 4 <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, at)
        if size < 4:
            break
        if kind == _IFLA_IFNAME:
            return body[at + 4 : at + size].rstrip(b"\0").decode()
        at += (size + 3) & ~3
    return ""
