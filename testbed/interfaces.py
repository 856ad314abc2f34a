"""Makes and configures interfaces by netlink calls, directly in the namespaces where they belong.

Every function here runs on a thread that is inside the namespace it works on (``Namespace.call``).  A veth pair is made
with both ends in place: neither is ever seen in the machine's own namespace, nor renamed or moved.

Used by ``links.py``, ``nodes.py``, ``taps.py``, ``shaping.py``.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from datapath import SetupError
from testbed.ethtool import XDP_PEER_FEATURES, set_features
from testbed.namespaces import Namespace, set_sysctl
from testbed.wait import wait_until

# linux/sockios.h, linux/if.h, linux/netlink.h, linux/if_link.h
_SIOCGIFFLAGS = 0x8913
_IFF_UP = 0x1
_RTM_NEWLINK = 16
_NLM_F_REQUEST_ACK = 0x5
_IFLA_GRO_MAX_SIZE, _IFLA_GRO_IPV4_MAX_SIZE = 58, 64


@dataclass(frozen=True)
class VethEnd:
    """One end of a veth pair to be made."""

    name: str
    mac: str
    namespace: Namespace


@contextmanager
def netlink() -> Iterator[Any]:
    """Open a netlink socket in the calling thread's namespace; kernel errors become ``SetupError``."""
    from pyroute2 import IPRoute  # takes 0.2 s
    from pyroute2.netlink.exceptions import NetlinkError

    with IPRoute() as ipr:
        try:
            yield ipr
        except NetlinkError as error:
            raise SetupError(f"the kernel refused a network setting: {error}") from error


def prepare_namespace() -> None:
    """Bring up loopback and switch IPv6 off, before any interface appears: router solicitations are noise to tests."""
    set_sysctl("ipv6/conf/all/disable_ipv6", "1")
    set_sysctl("ipv6/conf/default/disable_ipv6", "1")
    with netlink() as ipr:
        ipr.link("set", index=socket.if_nametoindex("lo"), state="up")


def make_veth(end: VethEnd, peer: VethEnd, mtu: int = 1500) -> None:
    """Make a veth pair, down; runs in ``end``'s namespace.

    One queue each way: with several, transmit queues share the receive rings of an XDP program unevenly.
    """
    both = {"num_tx_queues": 1, "num_rx_queues": 1, "mtu": mtu}
    there = {"ifname": peer.name, "address": peer.mac, "net_ns_fd": peer.namespace.fd, **both}
    with netlink() as ipr:
        ipr.link("add", ifname=end.name, kind="veth", address=end.mac, peer=there, **both)


def set_up(*names: str) -> None:
    """Bring interfaces up."""
    with netlink() as ipr:
        for name in names:
            ipr.link("set", index=socket.if_nametoindex(name), state="up")


def wait_carrier(name: str, timeout_s: float = 1.0) -> None:
    """Wait until an interface really sends, after its peer was brought up.

    The end of a veth pair that was up first throws away what it is given until the kernel's link watch has run.  Asking
    for the link makes it run (since Linux 6.8; before, it takes some milliseconds).

    Raises:
        WaitTimeoutError: The peer is not up.
    """
    index = socket.if_nametoindex(name)
    with netlink() as ipr:
        wait_until(
            lambda: ipr.link("get", index=index)[0].get("operstate"),
            timeout_s,
            what=f"carrier of {name}",
            until=lambda state: state == "UP",
        )


def set_down(name: str) -> None:
    """Take an interface down."""
    with netlink() as ipr:
        ipr.link("set", index=socket.if_nametoindex(name), state="down")


def is_up(name: str) -> bool:
    """Tell whether an interface is up; one that is gone is not."""
    request = struct.pack("16sH14x", name.encode(), 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, request)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            raise
    return bool(struct.unpack("16sH14x", answer)[1] & _IFF_UP)


def delete(name: str) -> None:
    """Delete an interface, and its peer with it; fine if it is gone."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return
    with netlink() as ipr:
        ipr.link("del", index=index)


def set_mac(name: str, mac: str) -> None:
    """Change an interface's MAC address."""
    with netlink() as ipr:
        ipr.link("set", index=socket.if_nametoindex(name), address=mac)


def set_address(name: str, ip: str, prefix_length: int) -> None:
    """Give an interface one IPv4 address in place of those it has."""
    index = socket.if_nametoindex(name)
    with netlink() as ipr:
        ipr.flush_addr(index=index)
        ipr.addr("add", index=index, address=ip, prefixlen=prefix_length)


def set_default_route(name: str, gateway: str) -> None:
    """Send everything that has no other route to a gateway."""
    with netlink() as ipr:
        ipr.route("replace", dst="0.0.0.0/0", gateway=gateway, oif=socket.if_nametoindex(name))


def add_neighbours(name: str, neighbours: Sequence[tuple[str, str]]) -> None:
    """Add permanent ARP entries: pairs of IPv4 and MAC address."""
    index = socket.if_nametoindex(name)
    with netlink() as ipr:
        for ip, mac in neighbours:
            ipr.neigh("replace", ifindex=index, dst=ip, lladdr=mac, state=0x80)  # NUD_PERMANENT


def fit_for_xdp_peer(name: str) -> None:
    """Set the offloads of an interface whose peer is a switch port; see ``ethtool.py`` for what and why.

    GRO is on for the NAPI that comes with it, but may not join packets: captures are to show what was on the wire.
    """
    set_features(name, XDP_PEER_FEATURES)
    _forbid_joining(name)


def _forbid_joining(name: str) -> None:
    """Set the largest packet that GRO may make to one byte; kernels before 5.19 know no limit and go on joining.

    By hand, because pyroute2 does not know the second attribute.  Source: linux/if_link.h, linux/rtnetlink.h.
    """
    attributes = b"".join(struct.pack("=HHI", 8, kind, 1) for kind in (_IFLA_GRO_MAX_SIZE, _IFLA_GRO_IPV4_MAX_SIZE))
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(name), 0, 0) + attributes
    message = struct.pack("=IHHII", 16 + len(body), _RTM_NEWLINK, _NLM_F_REQUEST_ACK, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(message)
        sock.recv(4096)  # the answer: a refusal is no harm
