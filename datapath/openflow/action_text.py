"""The actions of a flow or bucket: ``dec_ttl,set_field:10.0.0.1->ipv4.srcAddr,output:2`` <-> tuple of ``Action``.

Used by ``flow_text.py`` and ``group_text.py``.  Source of the syntax: ovs-actions(7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from datapath.openflow.fields import FieldRegistry, FieldSpec
from datapath.openflow.match_text import choose_field, parse_port
from datapath.openflow.text import Faults, Span, parse_unsigned, suggest
from datapath.openflow.values import format_value, parse_value
from datapath.slowpath.model import (
    N_TABLES,
    PORT_ALL,
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    DecTtl,
    Output,
    SetField,
    ToController,
    ToGroup,
)

N_GROUPS = 0xFFFFFF00  # OFPG_MAX of OpenFlow 1.3, section A.3.4.2
_RESERVED = {"flood": PORT_FLOOD, "all": PORT_ALL, "in_port": PORT_IN_PORT}
_RESERVED_NAMES = {number: name for name, number in _RESERVED.items()}

_MOD_FIELDS = {
    "mod_dl_src": "dl_src",
    "mod_dl_dst": "dl_dst",
    "mod_vlan_vid": "dl_vlan",
    "mod_vlan_pcp": "dl_vlan_pcp",
    "mod_nw_src": "nw_src",
    "mod_nw_dst": "nw_dst",
    "mod_nw_tos": "nw_tos",
    "mod_nw_ecn": "nw_ecn",
    "mod_nw_ttl": "nw_ttl",
    "mod_tp_src": "tp_src",
    "mod_tp_dst": "tp_dst",
}
# Open vSwitch's, with why they are refused here.
_UNSUPPORTED = {
    "normal": "there is no MAC learning: use flood, or flows that name the ports",
    "local": "a bridge has no local port",
    "table": "packets go to a table by goto_table:N",
    "mark_to_drop": "write drop",
    **dict.fromkeys(("push_vlan", "pop_vlan", "strip_vlan", "push_mpls", "pop_mpls"), "headers stay as they are"),
    **dict.fromkeys(("learn", "conjunction", "ct", "nat", "meter", "move", "enqueue", "set_queue", "clone", "sample",
                     "write_actions", "clear_actions", "note", "exit", "multipath", "bundle", "dec_mpls_ttl"),
                    "this switch cannot do it"),
}  # fmt: skip


@dataclass
class ActionList:
    """What an action text said."""

    actions: list[Action] = field(default_factory=list)
    goto_table: int | None = None
    goto_span: Span | None = None  # where, for messages
    drop_span: Span | None = None  # of "drop"


@dataclass(frozen=True)
class ActionContext:
    """What an action is read against."""

    registry: FieldRegistry
    faults: Faults
    ports: Mapping[str, int]
    headers: frozenset[str] = frozenset()  # that the match speaks of
    is_bucket: bool = False


def parse_actions(text: Span, context: ActionContext) -> ActionList:
    """Read an action list; faults go to ``context.faults``.

    Args:
        text: All behind ``actions=``.
        context: Program, ports and the match.

    Returns:
        The actions; those that are wrong are left out.
    """
    result = ActionList()
    items = text.split()
    for item in items:
        if result.goto_span is not None:
            context.faults.add(result.goto_span, "goto_table must be the last action")
            result.goto_span = None
        _parse_action(item, result, context)
    if result.drop_span is not None and len(items) > 1:
        context.faults.add(result.drop_span, "drop stands alone: no actions at all is what drops")
    if not items:
        context.faults.add(text, "no actions", "write actions=drop to drop")
    return result


def _parse_action(item: Span, result: ActionList, context: ActionContext) -> None:
    name, argument = _split_action(item)
    word = name.text.lower()
    try:
        if word in _HANDLERS:
            _HANDLERS[word](item, argument, result, context)
        elif word in _MOD_FIELDS:
            _parse_mod(item, name, argument, result, context)
        elif word in _RESERVED and argument is None:
            result.actions.append(Output(_RESERVED[word]))
        elif word in _UNSUPPORTED:
            context.faults.add(name, f"unsupported action {name.text}", _UNSUPPORTED[word])
        elif parse_unsigned(item.text) is not None or item.text in context.ports:
            result.actions.append(Output(parse_port(item.text, context.ports)))
        else:
            legal = [*_HANDLERS, *_MOD_FIELDS, *_RESERVED, *context.ports]
            context.faults.add(name, "no such action", suggest(name.text, legal))
    except ValueError as error:
        context.faults.add(argument if argument is not None and argument.text else item, str(error))


def _split_action(item: Span) -> tuple[Span, Span | None]:
    """Split ``name:argument``, ``name(argument)`` or ``name=argument``."""
    found = re.match(r"([A-Za-z_][\w.-]*)([:(=])", item.text)
    if not found:
        return item, None
    end = len(item.text) - 1 if found[2] == "(" and item.text.endswith(")") else None
    return item.cut(0, found.end(1)), item.cut(found.end(), end).strip()


# ------------------------------------------------------------------------------------------------------- one by one
def _parse_drop(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    if argument is not None:
        raise ValueError("drop takes no argument")
    result.drop_span = item


def _parse_output(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    if argument is None:
        raise ValueError("output to which port? write output:PORT")
    word = argument.text.lower()
    if word == "controller":
        result.actions.append(ToController())
    elif word in _RESERVED:
        result.actions.append(Output(_RESERVED[word]))
    else:
        result.actions.append(Output(parse_port(argument.text, context.ports)))


def _parse_controller(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``controller``, ``controller:SIZE``, ``controller(max_len=SIZE)``."""
    text = "65535" if argument is None else argument.text.removeprefix("max_len=")
    size = parse_unsigned(text)
    if size is None or size > 0xFFFF:
        raise ValueError("write controller, controller:BYTES or controller(max_len=BYTES), at most 65535")
    result.actions.append(ToController(size))


def _parse_group(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    if context.is_bucket:
        raise ValueError("a bucket cannot name another group")
    number = parse_unsigned(argument.text) if argument else None
    if number is None or number >= N_GROUPS:
        raise ValueError("write group:NUMBER")
    result.actions.append(ToGroup(number))


def _parse_goto(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``goto_table:N``."""
    number = parse_unsigned(argument.text) if argument else None
    if context.is_bucket:
        raise ValueError("a bucket cannot go on to another table")
    if number is None or number >= N_TABLES:
        raise ValueError(f"write goto_table:N, N at most {N_TABLES - 1}")
    result.goto_table, result.goto_span = number, item


def _parse_resubmit(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``resubmit(,N)`` as the last action is ``goto_table:N``."""
    found = re.fullmatch(r"\s*,\s*(\S+)\s*", argument.text) if argument else None
    if not found or argument is None:
        raise ValueError("only resubmit(,TABLE) is known, as the last action")
    _parse_goto(item, argument.cut(found.start(1), found.end(1)), result, context)


def _parse_dec_ttl(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``dec_ttl`` of whichever IP header is there, or ``dec_ttl(FIELD)``."""
    if argument is None or not argument.text:
        specs = context.registry.ttl_fields()
        if not specs:
            raise ValueError(f"{context.registry.layout.program} has no IP header: write dec_ttl(FIELD)")
        named = [spec for spec in specs if spec.header in context.headers]
        result.actions.extend(DecTtl(s.offset_bits, s.header) for s in (named if len(named) == 1 else specs))
        return
    spec = _target(argument, context)
    if spec and (spec.width_bits != 8 or spec.offset_bits % 8):
        raise ValueError(f"{argument.text} is not an 8-bit field")
    if spec:
        result.actions.append(DecTtl(spec.offset_bits, spec.header))


def _parse_set_field(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``set_field:VALUE[/MASK]->FIELD``."""
    value, target = argument.partition("->") if argument else (item, None)
    if target is None:
        raise ValueError("write set_field:VALUE->FIELD or set_field:VALUE/MASK->FIELD")
    spec = _target(target, context)
    if spec and target.text == "vlan_vid" and (parse_unsigned(value.text) or 0) >> 12 == 1:
        value = Span(str((parse_unsigned(value.text) or 0) & 0xFFF), value.start, value.line)  # without OFPVID_PRESENT
    if spec:
        _append_set(value, spec, result, context)


def _parse_load(item: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    """``load:VALUE->FIELD[FIRST..LAST]``, bits counted from the least significant."""
    value, target = argument.partition("->") if argument else (item, None)
    found = re.fullmatch(r"(.+?)(\[(\d*)(?:\.\.(\d+))?\])?", target.text) if target else None
    if target is None or not found:
        raise ValueError("write load:VALUE->FIELD or load:VALUE->FIELD[FIRST..LAST]")
    has_range = bool(found[2]) and target.text not in context.registry.fields
    spec = _target(target.cut(0, found.end(1)) if has_range else target, context)
    if spec is None:
        return
    first, last = 0, spec.width_bits - 1
    if has_range and found[3]:
        first, last = int(found[3]), int(found[4] or found[3])
    if not first <= last < spec.width_bits:
        context.faults.add(target, f"no such bits: {spec.name} has bits 0 to {spec.width_bits - 1}")
        return
    number, _ = _value(value, last - first + 1, False, context)
    if number is not None:
        mask = ((1 << (last - first + 1)) - 1) << first
        result.actions.append(SetField(spec.offset_bits, spec.width_bits, number << first, mask, spec.header))


def _parse_mod(item: Span, name: Span, argument: Span | None, result: ActionList, context: ActionContext) -> None:
    if argument is None:
        raise ValueError(f"write {name.text}:VALUE")
    spec = _target(Span(_MOD_FIELDS[name.text.lower()], name.start, name.line), context)
    if spec:
        _append_set(argument, spec, result, context)


_HANDLERS: dict[str, Callable[[Span, Span | None, ActionList, ActionContext], None]] = {
    "drop": _parse_drop,
    "output": _parse_output,
    "controller": _parse_controller,
    "group": _parse_group,
    "goto_table": _parse_goto,
    "resubmit": _parse_resubmit,
    "dec_ttl": _parse_dec_ttl,
    "set_field": _parse_set_field,
    "load": _parse_load,
}


def _target(name: Span, context: ActionContext) -> FieldSpec | None:
    """Return the field that an action writes to; None, and a fault, if it cannot."""
    spec = choose_field(name, context.registry, context.headers, context.faults)
    if spec is not None and (not spec.settable or name.text == "ip_frag"):
        context.faults.add(name, f"{name.text} cannot be set", "legal: fields of a header")
        return None
    if spec is None:
        return None
    own = context.registry.at(spec.offset_bits, spec.width_bits, spec.header) or spec
    return replace(own, usable_mask=spec.usable_mask)


def _append_set(value: Span, spec: FieldSpec, result: ActionList, context: ActionContext) -> None:
    number, mask = _value(value, spec.width_bits, spec.signed, context)
    if number is None:
        return
    if spec.usable_mask is not None:
        mask &= spec.usable_mask
    result.actions.append(SetField(spec.offset_bits, spec.width_bits, number & mask, mask, spec.header))


def _value(value: Span, width_bits: int, signed: bool, context: ActionContext) -> tuple[int | None, int]:
    try:
        return parse_value(value.text, width_bits, signed)
    except ValueError as error:
        context.faults.add(value, str(error))
        return None, 0


# ------------------------------------------------------------------------------------------------------- printing
def format_actions(actions: Sequence[Action], goto_table: int | None, registry: FieldRegistry) -> str:
    """Print actions so that ``parse_actions`` reads them back.

    Args:
        actions: In order.
        goto_table: Where the packet goes on to, if anywhere.
        registry: Of the program.
    """
    items = [_format_action(action, registry) for action in actions]
    if goto_table is not None:
        items.append(f"goto_table:{goto_table}")
    return ",".join(items) or "drop"


def _format_action(action: Action, registry: FieldRegistry) -> str:
    match action:
        case Output(port):
            return _RESERVED_NAMES.get(port, f"output:{port}")
        case ToController(max_size):
            return "controller" if max_size == 0xFFFF else f"controller:{max_size}"
        case ToGroup(group):
            return f"group:{group}"
        case DecTtl(offset_bits, header):
            spec = registry.at(offset_bits, 8, header)
            return f"dec_ttl({spec.name if spec else f'bit {offset_bits}'})"
        case SetField(offset_bits, width_bits, value, mask, header):
            spec = registry.at(offset_bits, width_bits, header)
            shown = format_value(value, mask, width_bits, spec.style if spec else "hex")
            return f"set_field:{shown}->{spec.name if spec else f'bit {offset_bits}'}"
