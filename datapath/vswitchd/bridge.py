"""One bridge: its ports, and the management requests about its flows, in text on one side and key bits on the other.

``switch.py`` makes it of the parts that ``engines.py`` opened; ``requests.py`` calls it.  Each request parses all its
texts before it changes anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from datapath.ir.layout import BRIDGE_OFFSET
from datapath.openflow.action_text import format_actions
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.flow_text import format_flow, parse_filter, parse_flows
from datapath.openflow.group_text import format_group, parse_group_ids, parse_groups
from datapath.openflow.match_text import format_match
from datapath.openflow.values import format_value
from datapath.slowpath.byte_code import from_text
from datapath.slowpath.model import FlowStats, Match
from datapath.slowpath.replay import replay
from datapath.vswitchd.engines import BridgeParts, attach_port, detach_port
from datapath.vswitchd.value_sets import BridgeValueSets

Json = dict[str, Any]


@dataclass(frozen=True)
class Port:
    """An interface as a port of a bridge."""

    interface: str
    number: int
    ifindex: int
    is_up: bool


class Bridge:
    """A running bridge."""

    def __init__(self, name: str, number: int, parts: BridgeParts) -> None:
        self.name = name
        self.number = number
        self.ports: dict[str, Port] = {}  # by interface
        self._parts = parts
        self._layout = parts.compiled.layout
        self._fields = FieldRegistry(self._layout)
        self._slow_path = parts.slow_path
        self.value_sets = BridgeValueSets(parts)

    def show(self) -> Json:
        """Describe the bridge."""
        ports = {p.interface: {"port": p.number, "ifindex": p.ifindex, "up": p.is_up} for p in self.ports.values()}
        return {
            "engine": self._parts.engine,
            "reason": self._parts.reason,
            "program": self._parts.program_path,
            "key_size": self._layout.key_size,
            "ports": ports,
        }

    def close(self) -> None:
        """Stop forwarding and free everything."""
        self._parts.close([port.ifindex for port in self.ports.values()])
        self.ports.clear()

    def shut_down(self) -> None:
        """Stop forwarding at the end of the process, which will free what is left."""
        self._parts.user.close()

    # ------------------------------------------------------------------------------------------------ ports
    def add_port(self, port: Port) -> None:
        """Attach an interface; on an error nothing has changed."""
        attach_port(self._parts, port.interface, port.number, port.ifindex)
        try:
            self._parts.set_link(port.number, port.is_up)
            self._slow_path.port_put(port.number, port.is_up)
        except BaseException:
            detach_port(self._parts, port.number, port.ifindex)
            raise
        self.ports[port.interface] = port

    def del_port(self, interface: str) -> None:
        """Detach an interface, which may be gone."""
        port = self.ports.pop(interface)
        self._slow_path.port_del(port.number)
        detach_port(self._parts, port.number, port.ifindex)

    def set_link(self, interface: str, is_up: bool) -> None:
        """Note a port's link state: a port that is down is flooded to by nobody, and its buckets are not used."""
        port = self.ports[interface]
        if port.is_up != is_up:
            self.ports[interface] = replace(port, is_up=is_up)
            self._parts.set_link(port.number, is_up)
            self._slow_path.port_put(port.number, is_up)

    def _port_numbers(self) -> dict[str, int]:
        return {port.interface: port.number for port in self.ports.values()}

    # ------------------------------------------------------------------------------------------------ flows, groups
    def add_flows(self, texts: Sequence[str]) -> None:
        """Add flows, all or none."""
        self._slow_path.change(add=parse_flows(texts, self._fields, self._port_numbers()))

    def del_flows(self, text: str, strict: bool) -> int:
        """Remove the flows that a filter selects; return how many."""
        wanted = parse_filter(text, self._fields, self._port_numbers())
        flows = [stats.flow for stats in self._slow_path.flows() if wanted.selects(stats.flow, strict)]
        return len(self._slow_path.change(delete=[(flow, True) for flow in flows]))

    def dump_flows(self, text: str) -> list[Json]:
        """Return the flows that a filter selects, by table and falling priority."""
        wanted = parse_filter(text, self._fields, self._port_numbers())
        selected = [stats for stats in self._slow_path.flows() if wanted.selects(stats.flow)]
        selected.sort(key=lambda stats: (stats.flow.table, -stats.flow.priority))
        return [self._flow_json(stats) for stats in selected]

    def _flow_json(self, stats: FlowStats) -> Json:
        flow = stats.flow
        return {
            "text": format_flow(flow, self._fields),
            "table": flow.table,
            "priority": flow.priority,
            "match": ",".join(format_match(flow.match, self._fields)),
            "actions": format_actions(flow.actions, flow.goto_table, self._fields),
            "cookie": flow.cookie,
            "idle_timeout": flow.idle_timeout_s,
            "hard_timeout": flow.hard_timeout_s,
            "n_packets": stats.n_packets,
            "n_bytes": stats.n_bytes,
            "duration_s": stats.duration_s,
            "idle_s": stats.idle_s,
        }

    def add_groups(self, texts: Sequence[str]) -> None:
        """Add or replace groups, all or none."""
        groups = parse_groups(texts, self._fields, self._port_numbers())
        before = {group.group: group for group in self._slow_path.groups()}
        with contextlib.ExitStack() as undo:
            for group in groups:
                self._slow_path.group_put(group)
                if group.group in before:
                    undo.callback(self._slow_path.group_put, before[group.group])
                else:
                    undo.callback(self._slow_path.group_del, group.group)
            undo.pop_all()

    def del_groups(self, text: str) -> int:
        """Remove groups and the flows that use them; return how many groups."""
        wanted = parse_group_ids(text)
        numbers = [g.group for g in self._slow_path.groups() if wanted is None or g.group in wanted]
        for number in numbers:
            self._slow_path.group_del(number)
        return len(numbers)

    def dump_groups(self) -> list[Json]:
        """Return the groups by number."""
        groups = sorted(self._slow_path.groups(), key=lambda group: group.group)
        return [{"group": g.group, "type": g.kind, "text": format_group(g, self._fields)} for g in groups]

    # ------------------------------------------------------------------------------------------------ looking inside
    def dump_megaflows(self) -> list[Json]:
        """Return what is installed in the engines."""
        return [
            {
                "match": self._megaflow_text(Match(m.key, m.mask)),
                "actions": m.actions,
                "n_packets": m.n_packets,
                "n_bytes": m.n_bytes,
                "idle_s": m.idle_s,
                "engines": list(m.engines),
            }
            for m in self._slow_path.megaflows()
        ]

    def _megaflow_text(self, match: Match) -> str:
        return ",".join(format_match(match, self._fields))

    def trace(self, packet: bytes, in_port: int) -> Json:
        """Return what would become of a packet."""
        parsed = self._parts.user.parse(packet, in_port)
        key = bytearray(parsed.key)
        key[BRIDGE_OFFSET : BRIDGE_OFFSET + 2] = self.number.to_bytes(2, "big")
        shown = {"parser": self._parser_json(packet, in_port), "key": bytes(key).hex()}
        if parsed.verdict == "reject" and self._parts.on_reject == "drop":
            return {**shown, "steps": [], "groups": [], "megaflow": "", "actions": "", "outputs": [],
                    "dropped": f"rejected by the parser, {self._layout.errors[parsed.error]}"}  # fmt: skip
        trace = self._slow_path.translate(bytes(key))
        masked = bytes(k & m for k, m in zip(key, trace.mask, strict=True))
        interfaces = {port.number: port.interface for port in self.ports.values()}
        paths = [h.path for h in sorted(self._layout.headers, key=lambda h: h.header_id)]
        return {
            **shown,
            "steps": [{"table": s.table, "flow": s.flow and format_flow(s.flow, self._fields)} for s in trace.steps],
            "groups": [{"group": group, "bucket": bucket} for group, bucket in trace.groups],
            "megaflow": self._megaflow_text(Match(masked, trace.mask)),
            "actions": trace.actions,
            "outputs": [
                {"port": port, "interface": interfaces.get(port, ""), "packet": sent.hex()}
                for port, sent in replay(from_text(trace.taken, paths), packet, parsed.hdr_off, in_port)
                if port in trace.output_ports
            ],
            "dropped": trace.dropped,
        }

    def _parser_json(self, packet: bytes, in_port: int) -> Json:
        """Run the reference model, which knows the states that a packet goes through."""
        from datapath.ir.interpret import interpret_packet  # only traces need it

        program, value_sets = self._parts.compiled.program, self.value_sets.entries
        outcome = interpret_packet(program, packet, in_port, value_sets)
        headers = {
            path: {
                "raw": header.raw.hex(),
                "fields": {name: f"{value:#x}" for name, value in header.fields.items()},
                "text": " ".join(f"{name}={self._value_text(path, name, v)}" for name, v in header.fields.items()),
            }
            for path, header in outcome.headers.items()
        }
        return {
            "verdict": outcome.verdict,
            "error": outcome.error,
            "offset_bits": outcome.offset_bits,
            "states": list(outcome.states),
            "headers": headers,
        }

    def _value_text(self, header: str, name: str, value: int) -> str:
        """Return a field's value as flows write it."""
        spec = self._fields.fields.get(f"{header}.{name}")
        if spec is None:
            return f"{value:#x}"  # no field of the key: a varbit
        return format_value(value, (1 << spec.width_bits) - 1, spec.width_bits, spec.style)

    def stats(self) -> Json:
        """Return all counters; those of ports and drops are the sum of both engines'."""
        drops, errors = self._parts.drops()
        return {
            "ports": {p.interface: {"port": p.number, **self._parts.port_stats(p.number)} for p in self.ports.values()},
            "drops": drops,
            "parser_errors": {self._layout.errors[number]: count for number, count in errors.items()},
            **self._slow_path.stats(),
            "megaflow_limit": self._slow_path.megaflow_limit,
            "engine": {name: value for name, value in self._parts.user.counters().items() if name != "pool_error"},
        }

    def tick(self) -> None:
        """Let time pass: timeouts, idle megaflows, counters."""
        self._slow_path.tick()
