"""Mininet's Link and Intf, made by netlink between namespaces: no shell command, nothing in the machine's own.

``OvsP4Link`` keeps Mininet's contract (``Mininet(link=OvsP4Link)``).  A plain link is one veth pair; one with a limit
of bandwidth, with delay, or with ``tap`` goes through a namespace of its own (``taps.py``).

Used by ``network.py``, and by ``nodes.py`` for what a link's far end needs.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from datapath import SetupError
from testbed import interfaces
from testbed.interfaces import VethEnd
from testbed.mininet_import import Intf, Link, Node
from testbed.namespaces import Namespace
from testbed.taps import Tap

T = TypeVar("T")


def call_in(node: Node, function: Callable[[], T]) -> T:
    """Run a function in the namespace of any Mininet node."""
    with _namespace_of(node) as namespace:
        return namespace.call(function)


def is_switch_port(node: Node) -> bool:
    """Tell whether a node's interfaces are ports of one of our switches."""
    return bool(getattr(node, "is_ovsp4_switch", False))


class OvsP4Intf(Intf):  # type: ignore[misc]
    """An interface that is configured by netlink where Mininet runs ifconfig."""

    mac: str | None

    def isUp(self, setUp: bool = False) -> bool:
        """Return whether the interface is up; bring it up first if asked."""
        if setUp:
            call_in(self.node, lambda: interfaces.set_up(self.name))
            return True
        return call_in(self.node, lambda: interfaces.is_up(self.name))

    def setMAC(self, macstr: str) -> str:
        """Set the MAC address."""
        if macstr != self.mac:
            call_in(self.node, lambda: interfaces.set_mac(self.name, macstr))
            self.mac = macstr
        return ""

    def setIP(self, ipstr: str, prefixLen: int | None = None) -> str:
        """Set the IPv4 address, given as ``10.0.0.1/8`` or with a prefix length."""
        ip, _, length = ipstr.partition("/")
        prefix_length = int(length) if length else prefixLen
        if prefix_length is None:
            raise SetupError(f"{self.name}: no prefix length for {ipstr}")
        call_in(self.node, lambda: interfaces.set_address(self.name, ip, prefix_length))
        self.ip, self.prefixLen = ip, str(prefix_length)
        return ""

    def ifconfig(self, *args: str) -> str:
        """Take ``up`` and ``down`` directly, and leave the rest to Mininet's shell command."""
        if args == ("up",):
            call_in(self.node, lambda: interfaces.set_up(self.name))
            return ""
        if args == ("down",):
            call_in(self.node, lambda: interfaces.set_down(self.name))
            return ""
        return super().ifconfig(*args)  # type: ignore[no-any-return]

    def config(self, mac: str | None = None, ip: str | None = None, up: bool = True, **params: Any) -> dict[str, Any]:
        """Configure; the interface was made up and with its MAC address, so that there is mostly nothing to do."""
        del up
        return super().config(mac=mac, ip=ip, up=None, **params)  # type: ignore[no-any-return]

    def delete(self) -> None:
        """Delete the interface (its peer goes too); fine if the node is gone."""
        with contextlib.suppress(SetupError):
            call_in(self.node, lambda: interfaces.delete(self.name))
        self.node.delIntf(self)
        self.link = None


class OvsP4Link(Link):  # type: ignore[misc]
    """A link between two nodes, with MAC addresses ``addr1`` and ``addr2``.

    Args:
        bandwidth_mbps: limit in each direction; 0 for none.
        delay_ms: delay in each direction, where the kernel has netem.
        tap: lead the link through a namespace where its frames can be captured.
        mtu: of its interfaces.
    """

    def __init__(
        self,
        node1: Node,
        node2: Node,
        *args: Any,
        bandwidth_mbps: float = 0.0,
        delay_ms: float = 0.0,
        tap: bool = False,
        mtu: int = 1500,
        **params: Any,
    ) -> None:
        self.mtu = mtu
        self.tap: Tap | None = None
        if tap or bandwidth_mbps or delay_ms:
            self.tap = Tap.create()
        try:
            params["intf"] = OvsP4Intf  # Mininet gives its own class to every link
            super().__init__(node1, node2, *args, **params)
            if self.tap:
                self.tap.shape(bandwidth_mbps, delay_ms)
        except BaseException:
            self.close()
            raise

    def makeIntfPair(
        self,
        intfname1: str,
        intfname2: str,
        addr1: str | None = None,
        addr2: str | None = None,
        node1: Node | None = None,
        node2: Node | None = None,
        deleteIntfs: bool = True,
    ) -> None:
        """Make the pair of interfaces in the nodes' namespaces, up, with the offloads that switch ports need."""
        del deleteIntfs  # the names are free: these namespaces are new
        with _namespace_of(node1) as here, _namespace_of(node2) as there:
            near = VethEnd(intfname1, addr1 or _random_mac(), here)
            far = VethEnd(intfname2, addr2 or _random_mac(), there)
            if self.tap is None:
                here.call(lambda: interfaces.make_veth(near, far, self.mtu))
            else:
                a, b = (VethEnd(name, _random_mac(), self.tap.namespace) for name in self.tap.names)
                here.call(lambda: interfaces.make_veth(near, a, self.mtu))
                there.call(lambda: interfaces.make_veth(far, b, self.mtu))
                self.tap.connect()
            ends = [(node1, intfname1, here), (node2, intfname2, there)]
            # The end that comes up last sends at once; the other only when the kernel has noticed.  XDP does not care.
            for node, name, namespace in sorted(ends, key=lambda end: not is_switch_port(end[0])):
                namespace.call(partial(_make_ready, name, is_switch_port(node)))
            if self.tap is not None:
                self.tap.wait_carrier()

    def close(self) -> None:
        """Let go of the namespace in the middle, if there is one."""
        if self.tap is not None:
            self.tap.close()

    def delete(self) -> None:
        """Delete the link."""
        super().delete()
        self.close()


@contextlib.contextmanager
def _namespace_of(node: Node) -> Iterator[Namespace]:
    """Lend a node's namespace: its own where it keeps one, else opened for the while."""
    own: Namespace | None = getattr(node, "namespace", None)
    if own is not None:
        yield own
        return
    with Namespace.of(node.pid) as namespace:
        yield namespace


def _make_ready(name: str, switch_port: bool) -> None:
    """Bring up a new interface; runs in its namespace.  A switch port's offloads are of no matter: XDP runs before."""
    interfaces.set_up(name)
    if not switch_port:  # once it is up: set before, GRO does not mark the peer as one that may redirect to us
        interfaces.fit_for_xdp_peer(name)


def _random_mac() -> str:
    """Return a locally administered unicast address, for interfaces whose address nobody asks for."""
    return ":".join(f"{octet:02x}" for octet in (0x06, *secrets.token_bytes(5)))
