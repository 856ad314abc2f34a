"""What a network is made of: frozen dataclasses, free of YAML and of Mininet.

Made by ``reader.py`` from a YAML file (checked first by ``schema.py`` and ``check.py``); read by ``testbed/``, which
derives addresses (``testbed/addressing.py``), routes and flows (``testbed/routing.py``) and builds it
(``testbed/network.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

INTERFACE_NAME_MAX = 15  # IFNAMSIZ of linux/if.h, less the terminating zero


@dataclass(frozen=True)
class Switch:
    """A switch and what its user put on it: flow and group texts, added after the derived ones."""

    name: str
    flows: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """A host; its address and MAC are derived unless given, its gateway too where switches route."""

    name: str
    ip: str = ""  # "10.0.1.7/24"
    mac: str = ""
    gateway: str = ""  # "10.0.1.254"
    gateway_mac: str = ""  # what its ARP table says


@dataclass(frozen=True)
class End:
    """One end of a link.  ``port`` is the OpenFlow port number of a switch (from 1), and 0 for a host."""

    node: str
    port: int

    @property
    def interface(self) -> str:
        """The name of the interface, by Mininet's convention: ``leaf1-eth3``, ``h1-eth0``."""
        return f"{self.node}-eth{self.port}"


@dataclass(frozen=True)
class Link:
    """A cable.  ``tap``: led through a namespace of its own, where frames between two switches can be captured."""

    a: End
    b: End
    bandwidth_mbps: float = 0.0  # 0: not limited
    delay_ms: float = 0.0
    tap: bool = False

    def end(self, node: str) -> End:
        return self.a if self.a.node == node else self.b

    def other(self, node: str) -> End:
        return self.b if self.a.node == node else self.a


@dataclass(frozen=True)
class L3Fields:
    """The P4 paths that l3-ecmp routing matches and writes; an empty one is found in the program by its shape."""

    ethernet_dst: str = ""
    ethernet_src: str = ""
    ipv4_dst: str = ""
    ipv4_ttl: str = ""
    hash: tuple[str, ...] = ()  # what ECMP groups hash over


@dataclass(frozen=True)
class Topology:
    """A network to build: switches running one P4 program, hosts, the links between them, and how to route."""

    name: str
    program: str  # absolute path of a P4 file, or the name of one that ships ("l2l3")
    switches: tuple[Switch, ...]
    hosts: tuple[Host, ...]
    links: tuple[Link, ...]
    routing: str = "none"  # "l3-ecmp", "l2", "none"
    datapath: str = "auto"  # "auto", "xdp", "afxdp"
    on_reject: str = "drop"  # "drop", "continue"
    mtu: int = 1500  # of all interfaces
    include_dirs: tuple[str, ...] = ()  # absolute
    defines: tuple[tuple[str, str], ...] = ()  # of the P4 preprocessor
    fields: L3Fields = L3Fields()
    params: tuple[tuple[str, int], ...] = ()  # of the generator, as used
    source: str = field(default="", compare=False)  # the YAML file

    def switch(self, name: str) -> Switch:
        return next(s for s in self.switches if s.name == name)

    def host(self, name: str) -> Host:
        return next(h for h in self.hosts if h.name == name)

    def links_of(self, node: str) -> tuple[Link, ...]:
        """Return the links that end at a node, in order of declaration."""
        return tuple(link for link in self.links if node in (link.a.node, link.b.node))

    def hosts_of(self, switch: str) -> tuple[Host, ...]:
        """Return the hosts plugged into a switch, in the order of its links."""
        by_name = {host.name: host for host in self.hosts}
        ends = (link.other(switch).node for link in self.links_of(switch))
        return tuple(by_name[name] for name in ends if name in by_name)

    def attachment(self, host: str) -> End:
        """Return the switch end of a host's only link."""
        return self.links_of(host)[0].other(host)
