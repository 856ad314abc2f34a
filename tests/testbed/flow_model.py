"""A plain model of what derived flow texts do with a packet, to prove networks loop-free without running them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from testbed.routing import SwitchRules
from topologies import Topology

Packet = dict[str, str]


@dataclass(frozen=True)
class Arrival:
    """A packet that reached a host, and the switches on its way."""

    host: str
    packet: tuple[tuple[str, str], ...]
    path: tuple[str, ...]


def _matches(wanted: str, value: str) -> bool:
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}(/.*)?", wanted):
        mac, _, mask = wanted.partition("/")
        number, ones = (int(text.replace(":", ""), 16) for text in (mac, mask or "ff:ff:ff:ff:ff:ff"))
        return int(value.replace(":", ""), 16) & ones == number
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)


def _split(text: str) -> list[str]:
    """Split at commas outside of parentheses."""
    return re.findall(r"(?:[^,(]|\([^)]*\))+", text)


class Model:
    """All switches of a network."""

    def __init__(self, topology: Topology, rules: dict[str, SwitchRules]) -> None:
        self.topology = topology
        self.rules = rules
        self.down: set[tuple[str, int]] = set()

    def arrivals(self, host: str, packet: Packet) -> list[Arrival]:
        """Return everything that comes of a packet, whichever way the groups hash it."""
        found: list[Arrival] = []
        start = self.topology.attachment(host)
        self._forward(start.node, start.port, packet, (), found)
        return found

    def _forward(self, switch: str, in_port: int, packet: Packet, path: tuple[str, ...], found: list[Arrival]) -> None:
        assert switch not in path, f"loop: {path} -> {switch}"
        actions = self._lookup(switch, packet)
        for outputs in self._run(switch, actions, dict(packet)):
            for port, sent in outputs:
                if port != in_port:
                    self._deliver(switch, port, sent, (*path, switch), found)

    def _deliver(self, switch: str, port: int, packet: Packet, path: tuple[str, ...], found: list[Arrival]) -> None:
        link = next(link for link in self.topology.links_of(switch) if link.end(switch).port == port)
        far = link.other(switch)
        if (switch, port) in self.down:
            return
        if any(far.node == host.name for host in self.topology.hosts):
            found.append(Arrival(far.node, tuple(sorted(packet.items())), path))
        else:
            self._forward(far.node, far.port, packet, path, found)

    def _lookup(self, switch: str, packet: Packet) -> str:
        best = (-1, "")
        for text in self.rules[switch].flows:
            match, actions = text.split(",actions=")
            pairs = dict(part.split("=", 1) for part in match.split(","))
            priority = int(pairs.pop("priority"))
            if priority > best[0] and all(name in packet and _matches(v, packet[name]) for name, v in pairs.items()):
                best = (priority, actions)
        return best[1]

    def _run(self, switch: str, actions: str, packet: Packet) -> list[list[tuple[int, Packet]]]:
        """Return the possible outcomes: for each, the ports and what is sent there."""
        outputs: list[tuple[int, Packet]] = []
        for action in _split(actions):
            if action.startswith("set_field:"):
                value, _, name = action.removeprefix("set_field:").partition("->")
                packet[name] = value
            elif action.startswith("dec_ttl("):
                name = action[8:-1]
                packet[name] = str(int(packet[name]) - 1)
            elif action.startswith("output:"):
                outputs.append((int(action[7:]), dict(packet)))
            elif action.startswith("group:"):
                group = self.rules[switch].groups[int(action[6:]) - 1]
                assert group.startswith(f"group_id={action[6:]},type=select,selection_method=hash,fields(")
                live = [b for b in re.split(r",bucket=", group)[1:] if (switch, self._watched(b)) not in self.down]
                return [
                    outcome
                    for bucket in live
                    for outcome in self._run(switch, bucket.split("actions=")[1], dict(packet))
                ]
            else:
                raise AssertionError(action)
        return [outputs]

    @staticmethod
    def _watched(bucket: str) -> int:
        found = re.match(r"watch_port:(\d+),", bucket)
        assert found
        return int(found[1])
