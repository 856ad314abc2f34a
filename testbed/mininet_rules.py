"""Derives MAC switching for a network that Mininet built by itself, so that ``mn --switch ovsp4`` forwards at once.

Reads the nodes and links that can be reached from a switch into a ``Topology`` and lets ``routing.py`` do the rest.
Used by ``OvsP4Switch.start`` when it was given no rules.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from datapath import compile_program, find_program
from testbed.addressing import Addresses, HostAddress
from testbed.l3_fields import find_l3_fields
from testbed.links import is_switch_port
from testbed.routing import SwitchRules, derive_rules
from topologies import End, Host, Link, Switch, Topology


def standalone_rules(switch: Any) -> SwitchRules:
    """Return the rules of a switch for layer-2 forwarding along a tree over the whole network."""
    nodes, links = _walk(switch)
    switches = sorted(name for name, node in nodes.items() if is_switch_port(node))
    hosts = sorted(name for name in nodes if name not in switches)
    topology = Topology(
        name="mininet",
        program=switch.program,
        switches=tuple(Switch(name) for name in switches),
        hosts=tuple(Host(name) for name in hosts),
        links=tuple(links),
        routing="l2",
    )
    fields = find_l3_fields(topology, compile_program(find_program(switch.program)).layout.fields)
    return derive_rules(topology, _addresses(topology, nodes), fields)[switch.name]


def _walk(start: Any) -> tuple[dict[str, Any], list[Link]]:
    """Return all nodes and links that can be reached from a node; hosts are not passed through."""
    nodes, edge, links = {start.name: start}, [start], {}
    while edge:
        node = edge.pop()
        for intf in node.intfList() if is_switch_port(node) else ():
            if intf.link is None:
                continue
            far = intf.link.intf2 if intf.link.intf1 is intf else intf.link.intf1
            links[id(intf.link)] = Link(_end(intf.link.intf1), _end(intf.link.intf2))
            if far.node.name not in nodes:
                nodes[far.node.name] = far.node
                edge.append(far.node)
    return nodes, sorted(links.values(), key=lambda link: (link.a.node, link.a.port, link.b.node, link.b.port))


def _end(intf: Any) -> End:
    return End(intf.node.name, intf.node.ports[intf])


def _addresses(topology: Topology, nodes: dict[str, Any]) -> Addresses:
    """Return what the hosts were given by Mininet."""
    hosts: dict[str, HostAddress] = {}
    for link in topology.links:
        for end, other in ((link.a, link.b), (link.b, link.a)):
            node = nodes[end.node]
            if not is_switch_port(node):
                intf = node.intfs[end.port]
                mac = intf.MAC() or intf.updateMAC()
                ip = ipaddress.IPv4Interface(intf.IP() or "0.0.0.0")
                hosts.setdefault(f"{end.node}-{end.port}", HostAddress(mac, ip, other))
    return Addresses(hosts, {})
