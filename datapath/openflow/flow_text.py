"""Flow texts: ``table=0,priority=100,ipv4.dstAddr=10.0.0.0/8,actions=dec_ttl,output:2`` <-> ``Flow``.

Open vSwitch's syntax (ovs-ofctl(8)) over the fields of a P4 program.  A match on a header's field also matches on the
header being there; a header's name alone matches on just that.  Used by ``vswitchd/`` for every flow it is told, and to
print them; ``group_text.py`` does the same for groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from datapath.errors import FlowError
from datapath.openflow.action_text import ActionContext, ActionList, format_actions, parse_actions
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.match_text import format_match, parse_match, parse_port
from datapath.openflow.text import Faults, Span, parse_unsigned
from datapath.slowpath.model import DEFAULT_PRIORITY, N_TABLES, Flow, Match, Output, ToGroup

_NO_PORTS: Mapping[str, int] = {}
# Number attributes of a flow, with their largest value.
_FLOW_LIMITS = {
    "table": N_TABLES - 1,
    "priority": 0xFFFF,
    "cookie": (1 << 64) - 1,
    "idle_timeout": 0xFFFF,
    "hard_timeout": 0xFFFF,
}
_FILTER_ONLY = ("out_port", "out_group")
# Printed by dump-flows and taken back without meaning, so that a dump can be added again.
_STATISTICS = ("duration", "n_packets", "n_bytes", "idle_age", "hard_age")


@dataclass(frozen=True)
class FlowFilter:
    """Which flows a command is about; None is any."""

    match: Match
    table: int | None = None
    priority: int | None = None
    cookie: int = 0
    cookie_mask: int = 0
    out_port: int | None = None
    out_group: int | None = None

    def selects(self, flow: Flow, strict: bool = False) -> bool:
        """Return whether a flow is meant.

        Args:
            flow: An entry of a table.
            strict: Match and priority must be the very same; else the flow's match must be as narrow or narrower.
        """
        if self.table is not None and flow.table != self.table:
            return False
        if (flow.cookie ^ self.cookie) & self.cookie_mask:
            return False
        if self.out_port is not None and not any(
            isinstance(a, Output) and a.port == self.out_port for a in flow.actions
        ):
            return False
        if self.out_group is not None and ToGroup(self.out_group) not in flow.actions:
            return False
        if strict:
            wanted = DEFAULT_PRIORITY if self.priority is None else self.priority
            return flow.match == self.match and flow.priority == wanted
        return self.priority in (None, flow.priority) and _is_within(flow.match, self.match)


def _is_within(narrow: Match, wide: Match) -> bool:
    """Return whether every packet of ``narrow`` is one of ``wide``, going by their masks."""
    return all(
        n_mask & w_mask == w_mask and (n_key ^ w_key) & w_mask == 0
        for n_key, n_mask, w_key, w_mask in zip(narrow.key, narrow.mask, wide.key, wide.mask, strict=True)
    )


def parse_flow(text: str, registry: FieldRegistry, ports: Mapping[str, int] = _NO_PORTS) -> Flow:
    """Read one flow.

    Args:
        text: With ``actions=``.
        registry: Of the bridge's program.
        ports: Interface name -> port number; names are legal wherever a port is.

    Returns:
        The flow.

    Raises:
        FlowError: All that is wrong with the text, each with its place.
    """
    faults = Faults()
    head, actions_text = _split_at_actions(Span.whole(text))
    numbers, items = _parse_numbers(head.split(), _FLOW_LIMITS, faults)
    for item in [i for i in items if i.partition("=")[0].text in _FILTER_ONLY]:
        faults.add(item, f"{item.partition('=')[0].text} selects flows to delete or dump, a flow has none")
        items.remove(item)
    match, headers = parse_match(items, registry, faults, ports)
    result = ActionList()
    if actions_text is None:
        faults.add(head.cut(len(head.text)), "actions missing", "end the flow with actions=…, or actions=drop to drop")
    else:
        result = parse_actions(actions_text, ActionContext(registry, faults, ports, headers))
    flow = Flow(
        match,
        tuple(result.actions),
        numbers.get("table", 0),
        numbers.get("priority", DEFAULT_PRIORITY),
        result.goto_table,
        numbers.get("cookie", 0),
        numbers.get("idle_timeout", 0),
        numbers.get("hard_timeout", 0),
    )
    if flow.goto_table is not None and flow.goto_table <= flow.table and result.goto_span:
        faults.add(result.goto_span, f"goto_table must go forward, to a table after {flow.table}")
    faults.raise_if_any()
    return flow


def parse_flows(texts: Iterable[str], registry: FieldRegistry, ports: Mapping[str, int] = _NO_PORTS) -> list[Flow]:
    """Read several flows; the faults of all are reported together.

    Raises:
        FlowError: As ``parse_flow``.
    """
    flows, faults = [], Faults()
    for text in texts:
        try:
            flows.append(parse_flow(text, registry, ports))
        except FlowError as error:
            faults.extend(error)
    faults.raise_if_any()
    return flows


def parse_filter(text: str, registry: FieldRegistry, ports: Mapping[str, int] = _NO_PORTS) -> FlowFilter:
    """Read which flows to delete or to dump: a flow text without actions.

    Args:
        text: "" is all flows.  Also ``cookie=VALUE/MASK``, ``out_port=PORT``, ``out_group=GROUP``.
        registry: Of the bridge's program.
        ports: Interface name -> port number.

    Raises:
        FlowError: All that is wrong with the text.
    """
    faults = Faults()
    head, actions_text = _split_at_actions(Span.whole(text))
    if actions_text is not None:
        faults.add(actions_text, "flows are selected by match, not by actions", "out_port=PORT selects by output")
    cookie, cookie_mask, out = 0, 0, dict[str, int]()
    items = []
    for item in head.split():
        name, value = item.partition("=")
        if value is None or name.text not in ("cookie", *_FILTER_ONLY):
            items.append(item)
            continue
        try:
            if name.text == "cookie":
                cookie, cookie_mask = _parse_cookie(value.text)
            else:
                out[name.text] = parse_port(value.text, ports) if name.text == "out_port" else int(value.text, 0)
        except ValueError as error:
            faults.add(value, str(error) if name.text != "out_group" else "not a group number")
    numbers, items = _parse_numbers(items, _FLOW_LIMITS, faults)
    match, _ = parse_match(items, registry, faults, ports)
    faults.raise_if_any()
    found = FlowFilter(match, numbers.get("table"), numbers.get("priority"), cookie, cookie_mask)
    return replace(found, out_port=out.get("out_port"), out_group=out.get("out_group"))


def _parse_cookie(text: str) -> tuple[int, int]:
    """``VALUE``, ``VALUE/MASK`` or ``VALUE/-1``."""
    value_text, slash, mask_text = text.partition("/")
    all_ones = (1 << 64) - 1
    value = parse_unsigned(value_text)
    mask = all_ones if not slash or mask_text == "-1" else parse_unsigned(mask_text)
    if value is None or mask is None or value > all_ones or mask > all_ones:
        raise ValueError("a cookie is a number of 64 bits, or VALUE/MASK")
    return value & mask, mask


def _split_at_actions(text: Span) -> tuple[Span, Span | None]:
    """Cut a flow text at the first ``actions=``."""
    for part in text.split():
        if part.text.startswith(("actions=", "action=")):
            at = part.start - text.start
            return text.cut(0, at), text.cut(at + part.text.index("=") + 1).strip()
    return text, None


def _parse_numbers(
    items: Sequence[Span], limits: Mapping[str, int], faults: Faults
) -> tuple[dict[str, int], list[Span]]:
    """Take the number attributes out of the items; return them and the items that are left."""
    numbers: dict[str, int] = {}
    rest = []
    for item in items:
        name, value = item.partition("=")
        if name.text in _STATISTICS and value is not None:
            continue
        if name.text not in limits:
            rest.append(item)
            continue
        number = parse_unsigned(value.text) if value else None
        if number is None or number > limits[name.text]:
            faults.add(value if value and value.text else item, f"{name.text} is a number up to {limits[name.text]}")
        elif name.text in numbers:
            faults.add(item, f"{name.text} is given twice")
        else:
            numbers[name.text] = number
    return numbers, rest


def format_flow(flow: Flow, registry: FieldRegistry) -> str:
    """Print a flow so that ``parse_flow`` reads back an equal one.

    Returns:
        Canonical text: attributes that are not the default, fields by their P4 paths in the key's order, actions.
    """
    items = [f"cookie={flow.cookie:#x}"] if flow.cookie else []
    items.append(f"table={flow.table}")
    items += [f"idle_timeout={flow.idle_timeout_s}"] if flow.idle_timeout_s else []
    items += [f"hard_timeout={flow.hard_timeout_s}"] if flow.hard_timeout_s else []
    items.append(f"priority={flow.priority}")
    items += format_match(flow.match, registry)
    return f"{','.join(items)},actions={format_actions(flow.actions, flow.goto_table, registry)}"


def read_flow_lines(lines: Iterable[str]) -> list[str]:
    """Return the texts of a flow file: one a line, ``#`` starts a comment, blank lines count for nothing."""
    stripped = (line.partition("#")[0].strip() for line in lines)
    return [line for line in stripped if line]
