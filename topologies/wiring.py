"""Connects nodes: numbers switch ports, and notes links that make no sense.

Used by ``check.py``; what it returns are the ``Link`` objects of the ``Topology``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from datapath import Location
from topologies.model import End, Link
from topologies.places import Faults, Placed, did_you_mean

PORT_MAX = 1023  # DP_PORTS_MAX - 1 of datapath/runtime/dp.h


@dataclass
class Wiring:
    """The cabling of a network under construction."""

    switches: list[str]
    hosts: list[str]
    faults: Faults
    _ports: dict[str, dict[int, Location | None]] = field(default_factory=dict)  # taken, by switch

    def generated(self, pairs: list[tuple[str, str]]) -> tuple[Link, ...]:
        """Return the links of a generator's pairs of node names."""
        return tuple(Link(self._end(a), self._end(b)) for a, b in pairs)

    def declared(self, items: list[Placed]) -> tuple[Link, ...]:
        """Return the links that a file lists, without those at fault.

        Ports given by number are set aside first, so that the others number themselves around them.
        """
        for item in items:
            for end in _ends(item):
                self._reserve(end)
        links = [self._declared_link(item) for item in items]
        return tuple(link for link in links if link is not None)

    def _end(self, node: str, port: int | None = None) -> End:
        if node in self.hosts:
            return End(node, 0)
        taken = self._ports.setdefault(node, {})
        if port is None:
            port = next(number for number in range(1, len(taken) + 2) if number not in taken)
            taken[port] = None
        return End(node, port)

    def _reserve(self, end: Placed) -> None:
        node, _, number = str(end.value).partition(":")
        if not number.isdigit() or node not in self.switches:
            return
        port, taken = int(number), self._ports.setdefault(node, {})
        earlier = taken.get(port)
        if not 1 <= port <= PORT_MAX:
            self.faults.add(end.location, end.path, f"port {port} is out of range: 1 to {PORT_MAX}")
        elif earlier is not None:
            hint = f"first on line {earlier.line}"
            self.faults.add(end.location, end.path, f"port {port} of {node} is taken already", hint)
        taken.setdefault(port, end.location)

    def _declared_link(self, item: Placed) -> Link | None:
        ends = [end for end in _ends(item) if self._known(end)]
        if len(ends) != 2:
            return None
        names = [str(end.value).partition(":")[0] for end in ends]
        if names[0] == names[1]:
            self.faults.add(item.location, item.path, f"{names[0]} is linked with itself")
            return None
        if all(name in self.hosts for name in names):
            self.faults.add(item.location, item.path, "links two hosts", "put a switch between them")
            return None
        numbers = [str(end.value).partition(":")[2] for end in ends]
        a, b = (self._end(name, int(text) if text else None) for name, text in zip(names, numbers, strict=True))
        options = item.plain() if isinstance(item.value, dict) else {}
        return Link(
            a,
            b,
            bandwidth_mbps=_number(options.get("bandwidth_mbps")),
            delay_ms=_number(options.get("delay_ms")),
            tap=options.get("tap") is True,
        )

    def _known(self, end: Placed) -> bool:
        node, _, number = str(end.value).partition(":")
        if node in self.hosts and number:
            self.faults.add(end.location, end.path, f"{node} is a host: its only interface needs no number")
        if node in self.switches or node in self.hosts:
            return True
        hint = did_you_mean(node, self.switches + self.hosts)
        self.faults.add(end.location, end.path, f"there is no node '{node}'", hint)
        return False

    def check_hosts(self, tree: Placed, links: tuple[Link, ...]) -> None:
        """Note hosts that have no link, or several."""
        where = tree.get("hosts") or tree
        for host in self.hosts:
            n_links = sum(host in (link.a.node, link.b.node) for link in links)
            if n_links != 1:
                message = f"{host} has {n_links} links" if n_links else f"{host} is linked with no switch"
                self.faults.add(where.location, where.path, message, "a host has one link")

    def check_connected(self, tree: Placed, links: tuple[Link, ...]) -> None:
        """Note hosts that no path leads to, which derived routes would silently leave out."""
        if not self.hosts:
            return
        reached, edge = {self.hosts[0]}, [self.hosts[0]]
        while edge:
            node = edge.pop()
            for link in links:
                if node in (link.a.node, link.b.node) and link.other(node).node not in reached:
                    reached.add(link.other(node).node)
                    edge.append(link.other(node).node)
        lost = [host for host in self.hosts if host not in reached]
        if lost:
            where = tree.get("links") or tree
            message = f"no path leads from {self.hosts[0]} to {', '.join(lost)}"
            self.faults.add(where.location, where.path, message, "add a link, or set 'routing: none'")


def _ends(item: Placed) -> list[Placed]:
    """Return the two ends of a link item, whichever way it is written; fewer if it is malformed."""
    ends = item.get("ends") if isinstance(item.value, dict) else item
    listed = ends.value if ends is not None and isinstance(ends.value, list) else []
    return [end for end in listed if isinstance(end.value, str)] if len(listed) == 2 else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
