"""Actions of ``model.py`` as the C structures of the slow path; every check that needs the layout is made here.

Used by ``bridge.py``.  A field becomes pieces of up to eight bytes in key coordinates; the header that has to be valid
goes along, because headers may share a slot of the key.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from datapath.errors import SwitchError
from datapath.ir.layout import KeyHeader, KeyLayout
from datapath.slowpath import native
from datapath.slowpath.model import (
    N_TABLES,
    PORT_ALL,
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    Bucket,
    DecTtl,
    Flow,
    Group,
    Match,
    Output,
    SetField,
    ToController,
    ToGroup,
)

PORTS_MAX = 1024  # DP_PORTS_MAX
OP_OUTPUT, OP_CONTROLLER, OP_SET, OP_DEC_TTL, OP_GROUP = range(1, 6)
GROUP_KINDS = {"select": 1, "all": 2, "indirect": 3}
_RESERVED_PORTS = (PORT_IN_PORT, PORT_FLOOD, PORT_ALL)
_READ_ONLY = ("in_port", "parser_error")


def encode_actions(layout: KeyLayout, actions: Sequence[Action]) -> ctypes.Array[native.Action]:
    """Return the actions as an array of ``struct sp_action``.

    Raises:
        SwitchError: An action does not fit the layout, or names a port that cannot be.
    """
    encoded: list[native.Action] = []
    for action in actions:
        if isinstance(action, Output):
            encoded.append(native.Action(op=OP_OUTPUT, arg=_port(action.port)))
        elif isinstance(action, ToController):
            encoded.append(native.Action(op=OP_CONTROLLER, arg=action.max_size))
        elif isinstance(action, ToGroup):
            encoded.append(native.Action(op=OP_GROUP, arg=action.group))
        elif isinstance(action, SetField):
            encoded += _set_field(layout, action)
        else:
            encoded += _dec_ttl(layout, action)
    return (native.Action * len(encoded))(*encoded)


def check_match(layout: KeyLayout, match: Match) -> None:
    """Refuse a match of the wrong size: our own callers' mistake, or a match made for another program."""
    if len(match.key) != layout.key_size or len(match.mask) != layout.key_size:
        raise SwitchError(
            f"a match of {len(match.key)} bytes and a mask of {len(match.mask)} do not fit the key of "
            f"{layout.program!r}, which has {layout.key_size} bytes: build it from this bridge's layout"
        )


def check_flow(layout: KeyLayout, flow: Flow) -> None:
    """Refuse what no flow may have."""
    check_match(layout, flow.match)
    if not 0 <= flow.table < N_TABLES:
        raise SwitchError(f"table {flow.table}: tables are 0 to {N_TABLES - 1}")
    if not 0 <= flow.priority <= 0xFFFF:
        raise SwitchError(f"priority {flow.priority}: priorities are 0 to 65535")
    if flow.goto_table is not None and not flow.table < flow.goto_table < N_TABLES:
        raise SwitchError(
            f"goto_table:{flow.goto_table} in table {flow.table}: the way goes to later tables only, up to "
            f"{N_TABLES - 1}"
        )


def check_group(layout: KeyLayout, group: Group) -> None:
    """Refuse what no group may be."""
    if group.kind not in GROUP_KINDS:
        raise SwitchError(f"group {group.group}: no kind {group.kind!r}; there are {', '.join(GROUP_KINDS)}")
    if group.kind == "indirect" and len(group.buckets) != 1:
        raise SwitchError(f"group {group.group}: an indirect group has one bucket, not {len(group.buckets)}")
    for path, mask in (("", group.hash_mask), *group.hash_masks):
        if path and path not in [h.path for h in layout.headers]:
            raise SwitchError(f"group {group.group}: {layout.program!r} has no header {path!r} to hash")
        if len(mask) not in (0, layout.key_size):
            raise SwitchError(
                f"group {group.group}: the hash mask has {len(mask)} bytes, the key of {layout.program!r} "
                f"{layout.key_size}"
            )
    for bucket in group.buckets:
        if any(isinstance(action, ToGroup) for action in bucket.actions):
            raise SwitchError(f"group {group.group}: a bucket cannot go to another group")
        if not 0 <= bucket.weight <= 0xFFFF:
            raise SwitchError(f"group {group.group}: weight {bucket.weight}: weights are 0 to 65535")


def encode_buckets(layout: KeyLayout, buckets: Sequence[Bucket]) -> tuple[ctypes.Array[native.GroupBucket], object]:
    """Return the buckets as an array of ``struct group_bucket``, and what must be kept alive beside it."""
    actions = [encode_actions(layout, bucket.actions) for bucket in buckets]
    encoded = (native.GroupBucket * len(buckets))(
        *(
            native.GroupBucket(b.weight, b.watch_port, len(a), 0, ctypes.cast(a, ctypes.POINTER(native.Action)))
            for b, a in zip(buckets, actions, strict=True)
        )
    )
    return encoded, actions


def encode_hash(layout: KeyLayout, group: Group) -> tuple[ctypes.Array[native.HashPart], object]:
    """Return what a select group hashes as an array of ``struct hash_part``, and what must be kept alive beside it."""
    ids = {h.path: h.header_id for h in layout.headers} | {"": native.NO_HEADER}
    masks = group.hash_masks or ((("", group.hash_mask),) if group.hash_mask else ())
    words = [(ctypes.c_uint64 * (layout.key_size // 8)).from_buffer_copy(mask) for _, mask in masks]
    parts = [native.HashPart(ids[p], 0, ctypes.addressof(w)) for (p, _), w in zip(masks, words, strict=True)]
    return (native.HashPart * len(parts))(*parts), words


def _port(port: int) -> int:
    if port in _RESERVED_PORTS or 1 <= port < PORTS_MAX:
        return port
    raise SwitchError(f"output to port {port}: ports are 1 to {PORTS_MAX - 1}, IN_PORT, FLOOD and ALL")


def _set_field(layout: KeyLayout, action: SetField) -> list[native.Action]:
    """Cut a set-field into pieces of up to 8 bytes, once for each header that can be meant."""
    shift = 8 * layout.key_size - action.offset_bits - action.width_bits
    if action.value >> action.width_bits or action.mask >> action.width_bits or shift < 0:
        raise SwitchError(f"set-field: value or mask is wider than the field's {action.width_bits} bits")
    mask = (action.mask << shift).to_bytes(layout.key_size, "big")
    value = ((action.value & action.mask) << shift).to_bytes(layout.key_size, "big")
    pieces: list[native.Action] = []
    for header in _headers(layout, action.offset_bits, action.width_bits, action.header):
        for start, end in _runs(mask):
            piece = native.Action(op=OP_SET, size=end - start, header=header, arg=start)
            piece.value[: end - start] = tuple(value[start:end])
            piece.mask[: end - start] = tuple(mask[start:end])
            pieces.append(piece)
    return pieces


def _runs(mask: bytes) -> list[tuple[int, int]]:
    """Return the [start, end) runs of bytes that are not zero, each of up to 8 bytes."""
    runs: list[tuple[int, int]] = []
    for i, byte in enumerate(mask):
        if not byte:
            continue
        if runs and runs[-1][1] == i and i - runs[-1][0] < 8:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


def _dec_ttl(layout: KeyLayout, action: DecTtl) -> list[native.Action]:
    headers = _headers(layout, action.offset_bits, 8, action.header)
    if action.offset_bits % 8 or native.NO_HEADER in headers:
        raise SwitchError("dec_ttl works on a field of 8 bits that starts on a byte of a header")
    return [native.Action(op=OP_DEC_TTL, header=h, arg=action.offset_bits // 8) for h in headers]


def _headers(layout: KeyLayout, offset_bits: int, width_bits: int, path: str) -> list[int]:
    """Return the ids of the headers that can be meant by a place in the key; NO_HEADER for a variable."""
    found = [h for h in layout.headers if (not path or h.path == path) and _holds(h, offset_bits, width_bits)]
    if found:
        return [h.header_id for h in found]
    for field in layout.fields:
        if field.offset_bits <= offset_bits and offset_bits + width_bits <= field.offset_bits + field.width_bits:
            if field.header or field.path in _READ_ONLY or "$" in field.path or path:
                raise SwitchError(f"{field.path} cannot be set")
            return [native.NO_HEADER]
    raise SwitchError(f"set-field: bits {offset_bits} to {offset_bits + width_bits - 1} of the key are no field")


def _holds(header: KeyHeader, offset_bits: int, width_bits: int) -> bool:
    start = 8 * header.key_offset
    return start <= offset_bits and offset_bits + width_bits <= start + header.width_bits
