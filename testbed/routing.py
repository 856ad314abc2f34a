"""Derives the flows and groups of every switch from the topology, as texts in the switch's own flow syntax.

``l3-ecmp``: every switch is a router.  For each subnet it knows the neighbours that are one hop closer to it; as the
distance shrinks with every hop no packet can go round in a circle, and in a leaf-spine network paths go up once and
down once.  Towards several neighbours a select group hashes over addresses and ports; a bucket is out of use while its
port is down.  Hosts of one subnet reach each other by MAC address.

``l2``: every host's MAC address on the port that leads to it along a spanning tree; broadcasts spread along the tree,
which has no loops, whatever the network has.  Other unknown addresses are dropped.

Fed by ``network.py`` with addresses (``addressing.py``) and field names (``l3_fields.py``); the texts go to the
switches through ``datapath.Client``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from testbed.addressing import Addresses
from topologies import L3Fields, Topology

ROUTE_PRIORITY = 1000  # plus the prefix length, so that the longest prefix wins
HOST_PRIORITY = 2000  # by MAC address
BROADCAST_PRIORITY = 1900


@dataclass
class SwitchRules:
    """What is put on one switch: groups first, then flows."""

    groups: list[str] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)


def derive_rules(topology: Topology, addresses: Addresses, fields: L3Fields) -> dict[str, SwitchRules]:
    """Return the rules of every switch: those that follow from ``routing``, then the user's own."""
    rules = {switch.name: SwitchRules() for switch in topology.switches}
    if topology.routing == "l3-ecmp":
        _route(topology, addresses, fields, rules)
    elif topology.routing == "l2":
        _switch(topology, addresses, fields, rules)
    for switch in topology.switches:
        rules[switch.name].groups += switch.groups
        rules[switch.name].flows += switch.flows
    return rules


# ------------------------------------------------------------------------------------------------ l3-ecmp
def _route(topology: Topology, addresses: Addresses, fields: L3Fields, rules: dict[str, SwitchRules]) -> None:
    neighbours = _switch_neighbours(topology)
    for target in topology.switches:
        networks = addresses.networks_of(target.name)
        if not networks:
            continue
        _deliver(target.name, addresses, fields, rules[target.name])
        distances = _distances(target.name, neighbours)
        for switch in topology.switches:
            here = distances.get(switch.name)
            if not here:
                continue
            closer = [(port, other) for port, other in neighbours[switch.name] if distances[other] == here - 1]
            _forward(switch.name, closer, [str(n) for n in networks], addresses, fields, rules[switch.name])


def _deliver(switch: str, addresses: Addresses, fields: L3Fields, rules: SwitchRules) -> None:
    """Add the last hop: to each host by address when routed here, by MAC address inside the subnet."""
    own = addresses.router_macs[switch]
    for name in addresses.hosts_of(switch):
        host = addresses.hosts[name]
        rules.flows.append(
            f"priority={ROUTE_PRIORITY + 32},{fields.ethernet_dst}={own},{fields.ipv4_dst}={host.ip}"
            f",actions=dec_ttl({fields.ipv4_ttl}),{_next_hop(own, host.mac, fields)},output:{host.attachment.port}"
        )
        rules.flows.append(
            f"priority={HOST_PRIORITY},{fields.ethernet_dst}={host.mac},actions=output:{host.attachment.port}"
        )


def _forward(
    switch: str,
    closer: list[tuple[int, str]],
    networks: list[str],
    addresses: Addresses,
    fields: L3Fields,
    rules: SwitchRules,
) -> None:
    """Add the routes to networks that lie behind the given (port, neighbour) pairs."""
    own = addresses.router_macs[switch]
    hops = [f"{_next_hop(own, addresses.router_macs[other], fields)},output:{port}" for port, other in closer]
    send = hops[0] if len(hops) == 1 else f"group:{_group(closer, hops, fields, rules)}"
    for network in networks:
        prefix_length = int(network.rpartition("/")[2])
        rules.flows.append(
            f"priority={ROUTE_PRIORITY + prefix_length},{fields.ethernet_dst}={own},{fields.ipv4_dst}={network}"
            f",actions=dec_ttl({fields.ipv4_ttl}),{send}"
        )


def _group(closer: list[tuple[int, str]], hops: list[str], fields: L3Fields, rules: SwitchRules) -> int:
    """Return the number of the group over these hops; a switch has one for each set of hops."""
    buckets = ",".join(f"bucket=watch_port:{port},actions={hop}" for (port, _), hop in zip(closer, hops, strict=True))
    definition = f"type=select,selection_method=hash,fields({','.join(fields.hash)}),{buckets}"
    for number, text in enumerate(rules.groups, 1):
        if text == f"group_id={number},{definition}":
            return number
    rules.groups.append(f"group_id={len(rules.groups) + 1},{definition}")
    return len(rules.groups)


def _next_hop(source: str, destination: str, fields: L3Fields) -> str:
    return f"set_field:{source}->{fields.ethernet_src},set_field:{destination}->{fields.ethernet_dst}"


def _switch_neighbours(topology: Topology) -> dict[str, list[tuple[int, str]]]:
    """Return for each switch its (port, neighbour) pairs, in order of ports."""
    found: dict[str, list[tuple[int, str]]] = {switch.name: [] for switch in topology.switches}
    for link in topology.links:
        if link.a.node in found and link.b.node in found:
            found[link.a.node].append((link.a.port, link.b.node))
            found[link.b.node].append((link.b.port, link.a.node))
    return {name: sorted(pairs) for name, pairs in found.items()}


def _distances(target: str, neighbours: dict[str, list[tuple[int, str]]]) -> dict[str, int]:
    """Return how many hops each switch is from the target; those that no path leads to are left out."""
    distances, queue = {target: 0}, deque([target])
    while queue:
        here = queue.popleft()
        for _, other in neighbours[here]:
            if other not in distances:
                distances[other] = distances[here] + 1
                queue.append(other)
    return distances


# ------------------------------------------------------------------------------------------------ l2
def _switch(topology: Topology, addresses: Addresses, fields: L3Fields, rules: dict[str, SwitchRules]) -> None:
    tree = _spanning_tree(topology)
    for switch in topology.switches:
        ports = _first_hops(switch.name, tree)
        outputs = set(tree[switch.name])
        for host in addresses.hosts.values():
            here = host.attachment.node == switch.name
            port = host.attachment.port if here else ports.get(host.attachment.node)
            if port is None:
                continue  # on another island
            rules[switch.name].flows.append(
                f"priority={HOST_PRIORITY},{fields.ethernet_dst}={host.mac},actions=output:{port}"
            )
            outputs |= {port} if here else set()
        if outputs:
            rules[switch.name].flows.append(
                f"priority={BROADCAST_PRIORITY},{fields.ethernet_dst}=01:00:00:00:00:00/01:00:00:00:00:00"
                f",actions={','.join(f'output:{port}' for port in sorted(outputs))}"
            )


def _spanning_tree(topology: Topology) -> dict[str, dict[int, str]]:
    """Return the tree that a breadth-first walk from the first switch finds: {switch: {port: neighbour}}."""
    neighbours = _switch_neighbours(topology)
    back = {(link.a.node, link.a.port): link.b.port for link in topology.links}
    back |= {(link.b.node, link.b.port): link.a.port for link in topology.links}
    tree: dict[str, dict[int, str]] = {switch.name: {} for switch in topology.switches}
    seen: set[str] = set()
    for root in tree:  # an island has a tree of its own
        queue = deque([root] if root not in seen else [])
        seen.add(root)
        while queue:
            here = queue.popleft()
            for port, other in neighbours[here]:
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
                    tree[here][port] = other
                    tree[other][back[here, port]] = here
    return tree


def _first_hops(switch: str, tree: dict[str, dict[int, str]]) -> dict[str, int]:
    """Return the port of a switch that leads to each other switch along the tree."""
    hops: dict[str, int] = {}
    queue = deque((port, switch, other) for port, other in tree[switch].items())
    while queue:
        port, came_from, here = queue.popleft()
        hops[here] = port
        queue.extend((port, here, other) for other in tree[here].values() if other != came_from)
    return hops
