"""Derives every address of a network from its topology: the same topology always has the same addresses.

    host j (from 1) on switch i (from 1)   10.<i / 256>.<i % 256>.<j>   02:01:<i>:<i>:<j>:<j>
    with routing l3-ecmp                   prefix /24, gateway .254 with the switch's MAC
    else                                   prefix /8, one network, no gateway unless the host names one
    switch i as a router                   02:02:<i>:<i>:00:00
    port p of switch i                     02:03:<i>:<i>:<p>:<p>  (of the interface; the switch itself does not use it)

A switch's number i is its place in the topology.  A host's own ``ip``, ``mac`` and ``gateway`` go first.  Read by
``routing.py`` (flows), ``network.py`` (interfaces, ARP entries) and tests.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from datapath import TopologyError
from topologies import End, Topology

_L2_PREFIX = 8
_L3_PREFIX = 24
_HOSTS_MAX = 253  # of a switch: what a /24 has, less the gateway


@dataclass(frozen=True)
class HostAddress:
    """What a host is given."""

    mac: str
    interface: ipaddress.IPv4Interface
    attachment: End  # the switch port it is plugged into
    gateway: str = ""  # its IP address; none where all hosts share one network
    gateway_mac: str = ""
    neighbours: tuple[tuple[str, str], ...] = ()  # (IP, MAC) pairs that it need not ask for

    @property
    def ip(self) -> str:
        return str(self.interface.ip)

    @property
    def prefix_length(self) -> int:
        return self.interface.network.prefixlen


@dataclass(frozen=True)
class Addresses:
    """The addresses of a whole network, by node name."""

    hosts: dict[str, HostAddress]
    router_macs: dict[str, str]  # of switches

    def networks_of(self, switch: str) -> tuple[ipaddress.IPv4Network, ...]:
        """Return the networks of a switch's hosts, in order of its ports."""
        local = [a for a in self.hosts.values() if a.attachment.node == switch]
        local.sort(key=lambda a: a.attachment.port)
        return tuple(dict.fromkeys(a.interface.network for a in local))

    def hosts_of(self, switch: str) -> tuple[str, ...]:
        """Return the names of a switch's hosts."""
        return tuple(name for name, a in self.hosts.items() if a.attachment.node == switch)


def port_mac(topology: Topology, end: End) -> str:
    """Return the MAC address of a switch port's interface."""
    return _mac(0x03, _number(topology, end.node), end.port)


def derive_addresses(topology: Topology) -> Addresses:
    """Return every address of a network.

    Raises:
        TopologyError: Addresses given in the topology cannot be had together with the derived ones.
    """
    routed = topology.routing == "l3-ecmp"
    macs = {switch.name: _mac(0x02, i, 0) for i, switch in enumerate(topology.switches, 1)}
    placed: dict[str, HostAddress] = {}
    for switch in topology.switches:
        for j, host in enumerate(topology.hosts_of(switch.name), 1):
            i = _number(topology, switch.name)
            if j > _HOSTS_MAX:
                where = topology.source or topology.name
                raise TopologyError(
                    f"{where}: error: {switch.name} has more than {_HOSTS_MAX} hosts, no addresses are left"
                )
            derived = f"10.{i >> 8}.{i & 255}.{j}/{_L3_PREFIX if routed else _L2_PREFIX}"
            interface = ipaddress.IPv4Interface(host.ip or derived)
            placed[host.name] = HostAddress(host.mac or _mac(0x01, i, j), interface, topology.attachment(host.name))
    _check(topology, placed, routed)
    _check_gateways(topology, placed, routed)
    owners = {address.ip: address.mac for address in placed.values()}
    hosts = {}
    for host in topology.hosts:
        own = placed[host.name]
        gateway = host.gateway or (str(_default_gateway(own.interface)) if routed else "")
        gateway_mac = (host.gateway_mac or owners.get(gateway, macs[own.attachment.node])) if gateway else ""
        known = [(gateway, gateway_mac)] if gateway else []
        # Neighbours are told, so that no host asks for them: a test sees the packets that it sent, and no others.
        known += [(a.ip, a.mac) for name, a in placed.items() if name != host.name and _mates(a, own, routed)]
        hosts[host.name] = HostAddress(own.mac, own.interface, own.attachment, gateway, gateway_mac, tuple(known))
    return Addresses(hosts, macs)


def _default_gateway(interface: ipaddress.IPv4Interface) -> ipaddress.IPv4Address:
    """Return the last address of a host's network."""
    return interface.network.broadcast_address - 1


def _mates(a: HostAddress, b: HostAddress, routed: bool) -> bool:
    """Tell whether two hosts reach each other without a router: in a subnet, which one switch has where all route."""
    same_switch = a.attachment.node == b.attachment.node
    return a.interface.network == b.interface.network and (same_switch or not routed)


def _number(topology: Topology, switch: str) -> int:
    return next(i for i, other in enumerate(topology.switches, 1) if other.name == switch)


def _mac(kind: int, i: int, j: int) -> str:
    octets = (0x02, kind, i >> 8, i & 255, j >> 8, j & 255)
    return ":".join(f"{octet:02x}" for octet in octets)


def _check(topology: Topology, hosts: dict[str, HostAddress], routed: bool) -> None:
    """Refuse addresses that two hosts have, and in routed networks a subnet that is on two switches."""
    faults = []
    owners: dict[str, str] = {}
    subnets: dict[ipaddress.IPv4Network, str] = {}
    for name, address in hosts.items():
        for value in (address.ip, address.mac):
            if value in owners:
                faults.append(f"{value} is {owners[value]}'s and {name}'s")
            owners.setdefault(value, name)
        switch = address.attachment.node
        for network, other in subnets.items() if routed else ():
            if other != switch and network.overlaps(address.interface.network):
                faults.append(f"{name} is in {address.interface.network}, which is on {other} already, not on {switch}")
        subnets.setdefault(address.interface.network, switch)
    _raise(topology, faults)


def _check_gateways(topology: Topology, hosts: dict[str, HostAddress], routed: bool) -> None:
    """Refuse a gateway that is the host itself or not in its network."""
    faults = []
    for host in topology.hosts:
        interface = hosts[host.name].interface
        if not (host.gateway or routed):
            continue
        gateway = ipaddress.IPv4Address(host.gateway) if host.gateway else _default_gateway(interface)
        if gateway == interface.ip:
            faults.append(f"{host.name} has {interface.ip}, the address of the gateway")
        elif gateway not in interface.network:
            faults.append(f"{host.name} cannot reach its gateway {gateway}, which is not in {interface.network}")
    _raise(topology, faults)


def _raise(topology: Topology, faults: list[str]) -> None:
    if faults:
        raise TopologyError("\n".join(f"{topology.source}: error: {fault}" for fault in faults))
