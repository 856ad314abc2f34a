"""A link led through a namespace of its own, where it can be watched, slowed down and cut.

    node A  <──veth──>  a  [namespace]  b  <──veth──>  node B
                        └── each redirects what it receives to the other's queue

Two reasons.  Frames between two switches go from one XDP program to the next and never become visible to a packet
socket; here they do (``capture.py``).  And XDP transmits past the kernel's queueing disciplines, so a limit of
bandwidth on a switch port does nothing; here it works, in both directions, on any link.

The namespace has no name and no process; it goes with its descriptor.  Made by ``links.py``.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import Any, Self

from datapath import NotSupportedError, SetupError
from testbed import interfaces
from testbed.namespaces import Namespace

_INGRESS = 0xFFFF0000  # linux/pkt_sched.h: TC_H_INGRESS
_ETH_P_ALL = 0x0003
_BURST_MIN = 16_000  # bytes: some full-size frames
_LATENCY_S = 0.05  # how long a frame may wait for its turn before it is dropped


class Tap:
    """The middle of a link."""

    def __init__(self, namespace: Namespace) -> None:
        """Take over a namespace; use ``create``."""
        self.namespace = namespace
        self.names = ("a", "b")

    @classmethod
    def create(cls) -> Self:
        """Make the namespace, still without interfaces."""
        namespace = Namespace.create()
        try:
            namespace.call(interfaces.prepare_namespace)
        except BaseException:
            namespace.close()
            raise
        return cls(namespace)

    def connect(self) -> None:
        """Redirect all that one side receives to the other; both interfaces must be there."""
        self.namespace.call(lambda: _connect(*self.names))

    def wait_carrier(self) -> None:
        """Wait until both sides send; the other ends must be up."""
        for name in self.names:
            self.namespace.call(partial(interfaces.wait_carrier, name))

    def shape(self, bandwidth_mbps: float = 0.0, delay_ms: float = 0.0) -> None:
        """Limit bandwidth and add delay, in each direction; 0 for neither.

        Raises:
            NotSupportedError: The kernel has no such queueing discipline.
        """
        if bandwidth_mbps or delay_ms:
            for name in self.names:
                self.namespace.call(partial(_shape, name, bandwidth_mbps, delay_ms))

    def close(self) -> None:
        """Give up the namespace; the link is cut."""
        self.namespace.close()


def _connect(a: str, b: str) -> None:
    with interfaces.netlink() as ipr:
        for here, there in ((a, b), (b, a)):
            interfaces.fit_for_xdp_peer(here)
            index = socket.if_nametoindex(here)
            ipr.link("set", index=index, state="up")
            ipr.tc("add", kind="ingress", index=index, handle=_INGRESS)
            redirect = {
                "kind": "mirred",
                "direction": "egress",
                "action": "redirect",
                "ifindex": socket.if_nametoindex(there),
            }
            # u32 without keys matches everything; unlike matchall it is in every kernel
            everything = {"kind": "u32", "keys": [], "target": 0x10000, "action": redirect}
            ipr.tc("add-filter", index=index, parent=_INGRESS, protocol=_ETH_P_ALL, **everything)


def _shape(name: str, bandwidth_mbps: float, delay_ms: float) -> None:
    index = socket.if_nametoindex(name)
    with interfaces.netlink() as ipr:
        if delay_ms:
            _add_qdisc(ipr, "netem", index=index, handle=0x10000, delay=int(delay_ms * 1000), limit=100_000)
        if bandwidth_mbps:
            rate = int(bandwidth_mbps * 1e6 / 8)  # bytes a second
            parent = {"parent": 0x10001} if delay_ms else {}
            burst = max(_BURST_MIN, rate // 250)  # what comes in between two ticks of a slow timer
            _add_qdisc(
                ipr,
                "tbf",
                index=index,
                handle=0x20000,
                rate=rate,
                burst=burst,
                limit=burst + int(rate * _LATENCY_S),
                **parent,
            )


def _add_qdisc(ipr: Any, kind: str, **options: Any) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        ipr.tc("add", kind=kind, **options)
    except NetlinkError as error:
        if error.code in (2, 95):  # ENOENT, EOPNOTSUPP: the kernel has no such module
            what = {"netem": "delay_ms (queueing discipline netem)", "tbf": "bandwidth_mbps (tbf)"}[kind]
            raise NotSupportedError(what, f"this kernel lacks sch_{kind}; load the module, or leave it out") from error
        raise SetupError(f"cannot shape a link: {error}") from error
