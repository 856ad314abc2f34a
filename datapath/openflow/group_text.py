"""Group texts: ``group_id=1,type=select,fields(ipv4.srcAddr),bucket=watch_port:2,actions=output:2`` <-> ``Group``.

Open vSwitch's syntax (ovs-ofctl(8), "Group Syntax").  Used by ``vswitchd/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from datapath.errors import FlowError
from datapath.openflow.action_text import N_GROUPS, ActionContext, format_actions, parse_actions
from datapath.openflow.fields import FieldRegistry, FieldSpec, resolve
from datapath.openflow.match_text import parse_port
from datapath.openflow.text import Faults, Span, parse_unsigned, suggest
from datapath.openflow.values import format_value, parse_value
from datapath.slowpath.model import Bucket, Group

_KINDS = ("select", "all", "indirect")
_NO_PORTS: Mapping[str, int] = {}
_BUCKET_ATTRIBUTES = ("weight", "watch_port", "bucket_id", "actions", "action")
_ATTRIBUTES = ("group_id", "type", "selection_method", "selection_method_param", "fields", "bucket")
# What a select group without fields(...) hashes: the addresses and ports of whatever the program has of these.
_DEFAULT_HASH = ("nw_src", "nw_dst", "nw_proto", "ipv6_src", "ipv6_dst", "tp_src", "tp_dst")
_MAX_WEIGHT = 0xFFFF


def parse_group(text: str, registry: FieldRegistry, ports: Mapping[str, int] = _NO_PORTS) -> Group:
    """Read one group.

    Args:
        text: ``group_id=N,type=select|all|indirect[,selection_method=hash,fields(F,...)],bucket=...``.
        registry: Of the bridge's program.
        ports: Interface name -> port number.

    Raises:
        FlowError: All that is wrong with the text, each with its place.
    """
    faults = Faults()
    parts = _split_at_buckets(Span.whole(text))
    attributes = _parse_attributes(parts[0], faults)
    number = _parse_group_id(attributes, parts[0], faults)
    kind = attributes["type"].text if "type" in attributes else ""
    if kind not in _KINDS:
        where = attributes.get("type", parts[0])
        faults.add(where, "no such group type" if kind else "type missing", suggest(kind, _KINDS))
    method = attributes.get("selection_method")
    if method is not None and method.text not in ("hash", "dp_hash"):
        faults.add(method, "no such selection method", "legal: hash")
    hash_mask, hash_masks = _parse_hash_fields(attributes, kind, registry, faults, parts[0])
    context = ActionContext(registry, faults, ports, is_bucket=True)
    buckets = tuple(_parse_bucket(part, context) for part in parts[1:])
    if kind == "indirect" and len(buckets) != 1:
        faults.add(parts[0], f"an indirect group has one bucket, this has {len(buckets)}")
    faults.raise_if_any()
    return Group(number, kind, buckets, hash_mask, hash_masks)


def parse_groups(texts: Iterable[str], registry: FieldRegistry, ports: Mapping[str, int] = _NO_PORTS) -> list[Group]:
    """Read several groups; the faults of all are reported together.

    Raises:
        FlowError: As ``parse_group``; also if a number comes twice.
    """
    groups: dict[int, Group] = {}
    faults = Faults()
    for text in texts:
        try:
            group = parse_group(text, registry, ports)
            if group.group in groups:
                faults.add(Span.whole(text), f"group {group.group} is given twice")
            groups[group.group] = group
        except FlowError as error:
            faults.extend(error)
    faults.raise_if_any()
    return list(groups.values())


def parse_group_ids(text: str) -> list[int] | None:
    """Read which groups to delete: "" is all (None), else ``group_id=N`` (or several, or bare numbers).

    Raises:
        FlowError: Something else is there.
    """
    faults, numbers = Faults(), []
    for item in Span.whole(text).split():
        value = item.text.removeprefix("group_id=")
        number = parse_unsigned(value)
        if number is None and value != "all":
            faults.add(item, "not a group", "write group_id=NUMBER")
        numbers.append(-1 if number is None else number)
    faults.raise_if_any()
    return None if not numbers or -1 in numbers else numbers


def _split_at_buckets(text: Span) -> list[Span]:
    """Cut at each ``bucket=`` (or ``bucket(...)``), which stays with what follows."""
    starts = [item.start for item in text.split() if re.match(r"buckets?[=(]", item.text)]
    edges = [0, *starts, len(text.text)]
    return [text.cut(start, end) for start, end in pairwise(edges)]


def _parse_attributes(head: Span, faults: Faults) -> dict[str, Span]:
    """Read ``name=value`` and ``fields(...)`` in front of the buckets."""
    attributes: dict[str, Span] = {}
    for item in head.split():
        name, value = item.partition("=")
        if item.text.startswith("fields(") and item.text.endswith(")"):
            name, value = item.cut(0, 6), item.cut(7, len(item.text) - 1)
        elif name.text == "fields":
            value = item.cut(7)
        if name.text not in _ATTRIBUTES:
            faults.add(name, "no such part of a group", suggest(name.text, _ATTRIBUTES))
        elif value is None or not (value.text or name.text == "fields"):
            faults.add(item, f"{name.text} needs a value")
        elif name.text in attributes:
            faults.add(item, f"{name.text} is given twice")
        else:
            attributes[name.text] = value
    return attributes


def _parse_group_id(attributes: Mapping[str, Span], head: Span, faults: Faults) -> int:
    if "group_id" not in attributes:
        faults.add(head, "group_id missing", "write group_id=NUMBER")
        return 0
    number = parse_unsigned(attributes["group_id"].text)
    if number is None or number >= N_GROUPS:
        faults.add(attributes["group_id"], f"a group is a number below {N_GROUPS:#x}")
        return 0
    return number


def _parse_hash_fields(
    attributes: Mapping[str, Span], kind: str, registry: FieldRegistry, faults: Faults, head: Span
) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """Return the key bits that a select group hashes, all together and header by header."""
    size = registry.layout.key_size
    if kind != "select":
        if "fields" in attributes:
            faults.add(attributes["fields"], "only a select group hashes fields")
        return b"", ()
    if "fields" not in attributes:
        specs = [spec for name in _DEFAULT_HASH for spec in resolve(registry.candidates(name), ())]
        if not specs:
            faults.add(head, "which fields to hash? the program has no IP header", "write fields(F,...)")
        return _hash_masks([(spec.header, _key_mask(spec, -1, size)) for spec in specs], size)
    masks: list[tuple[str, int]] = []
    for item in attributes["fields"].split():
        name, value = item.partition("=")
        specs = list(resolve(registry.candidates(name.text), ()))
        if not specs:
            faults.add(name, *registry.explain(name.text))
            continue
        try:
            bits = parse_value(value.text, specs[0].width_bits)[0] if value else -1
            masks += [(spec.header, _key_mask(spec, bits, size)) for spec in specs]
        except ValueError as error:
            faults.add(value or item, str(error))
    return _hash_masks(masks, size)


def _hash_masks(masks: Sequence[tuple[str, int]], size: int) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """Sum masks over all headers, and header by header: headers may share a slot."""
    by_header = {header: _sum_masks(mask for h, mask in masks if h == header) for header, _ in masks}
    return (
        _sum_masks(by_header.values()).to_bytes(size, "big"),
        tuple((header, mask.to_bytes(size, "big")) for header, mask in by_header.items()),
    )


def _sum_masks(masks: Iterable[int]) -> int:
    """Return the bits that are in any of the masks."""
    result = 0
    for mask in masks:
        result |= mask
    return result


def _key_mask(spec: FieldSpec, bits: int, key_size: int) -> int:
    """Return bits of a field as bits of the key; -1 is all of them."""
    return (bits & ((1 << spec.width_bits) - 1)) << (key_size * 8 - spec.offset_bits - spec.width_bits)


def _parse_bucket(part: Span, context: ActionContext) -> Bucket:
    """Read ``bucket=weight:1,watch_port:2,actions=output:2``; the word ``actions=`` may be left out."""
    body = part.cut(part.text.index("bucket") + len("bucket") + 1).strip()
    if part.text.startswith("bucket(") and body.text.endswith(")"):
        body = body.cut(0, len(body.text) - 1)
    weight, watch_port, actions = 1, 0, None
    for item in body.split():
        found = re.match(r"(\w+)[:=]", item.text)
        name = found[1] if found else ""
        if name not in _BUCKET_ATTRIBUTES:
            actions = body.cut(item.start - body.start)
            break
        value = item.cut(len(name) + 1)
        if name in ("actions", "action"):
            actions = body.cut(value.start - body.start)
            break
        try:
            if name == "weight":
                weight = _parse_weight(value.text)
            elif name == "watch_port":
                watch_port = parse_port(value.text, context.ports)
        except ValueError as error:
            context.faults.add(value, str(error))
    if actions is None:
        context.faults.add(part, "the bucket has no actions", "write bucket=…,actions=…, or actions=drop")
        return Bucket(())
    text = actions.text.rstrip(", ")
    return Bucket(tuple(parse_actions(actions.cut(0, len(text)), context).actions), weight, watch_port)


def _parse_weight(text: str) -> int:
    weight = parse_unsigned(text)
    if weight is None or weight > _MAX_WEIGHT:
        raise ValueError(f"a weight is a number up to {_MAX_WEIGHT}")
    return weight


def format_group(group: Group, registry: FieldRegistry) -> str:
    """Print a group so that ``parse_group`` reads back an equal one."""
    items = [f"group_id={group.group}", f"type={group.kind}"]
    if group.kind == "select":
        items += ["selection_method=hash", f"fields({','.join(_format_hash_fields(group, registry))})"]
    for bucket in group.buckets:
        attributes = [f"weight:{bucket.weight}"] if group.kind == "select" else []
        attributes += [f"watch_port:{bucket.watch_port}"] if bucket.watch_port else []
        attributes.append("actions=" + format_actions(bucket.actions, None, registry))
        items.append("bucket=" + ",".join(attributes))
    return ",".join(items)


def _format_hash_fields(group: Group, registry: FieldRegistry) -> Sequence[str]:
    """Name the fields that are hashed: those wholly in the mask first, then what is left in parts."""
    by_header = {header: int.from_bytes(mask, "big") for header, mask in group.hash_masks}
    if by_header:
        names = [_name_hashed(mask, [s for s in registry.fields.values() if s.header == header], registry)
                 for header, mask in by_header.items()]  # fmt: skip
        return [name for part in names for name in part]
    return _name_hashed(int.from_bytes(group.hash_mask, "big"), list(registry.fields.values()), registry)


def _name_hashed(wanted: int, specs: Sequence[FieldSpec], registry: FieldRegistry) -> list[str]:
    """Name the bits of a mask as bits of these fields."""
    size = registry.layout.key_size
    left = wanted
    names = []
    for spec in specs:
        mask = _key_mask(spec, -1, size)
        if wanted & mask == mask:
            names.append(spec.name)
            left &= ~mask
    for spec in specs:
        mask = _key_mask(spec, -1, size)
        if left & mask:
            part = (left & mask) >> (size * 8 - spec.offset_bits - spec.width_bits)
            names.append(f"{spec.name}={format_value(part, (1 << spec.width_bits) - 1, spec.width_bits, 'hex')}")
            left &= ~mask
    return names
