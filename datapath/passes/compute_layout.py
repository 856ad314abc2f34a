"""Lay out the flow key: where each header, variable and built-in field stands (``ir/layout.py`` says how).

Headers that no packet has together share a slot: slots are filled greedily, the largest headers first, so a slot is as
long as its first header.  A checksum's cover mask is a byte string over the key, one for each header it covers too,
since in a shared slot a bit alone does not say whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from datapath.errors import Diagnostic, Location, P4UnsupportedError
from datapath.ir.graph import base_name, is_continuation
from datapath.ir.layout import (
    IN_PORT_OFFSET,
    LAYOUT_VERSION,
    PARSER_ERROR_OFFSET,
    VALID_OFFSET,
    KeyChecksum,
    KeyField,
    KeyHeader,
    KeyLayout,
)
from datapath.ir.model import Checksum, Header, Program
from datapath.ir.validity import conflicts

LENGTH_SIZE = 2  # bytes of a varbit's length
MAX_HEADERS = 256  # struct dp_action (runtime/dp.h) names one by a byte
MAX_KEY_SIZE = 2048  # bytes; DP_KEY_MAX of runtime/dp.h
Warn = Callable[[Diagnostic], None]


def compute_layout(program: Program, states: tuple[str, ...] = (), warn: Warn = lambda diagnostic: None) -> KeyLayout:
    """Return the layout of a program.

    Args:
        program: After all passes.
        states: The states' names as the trace numbers them; those of the program by default.
        warn: Told of checksums that cannot be kept up to date.

    Raises:
        P4UnsupportedError: The program has more headers, or longer ones, than a switch can take.
    """
    _check_headers(program)
    fields, offset = _before_the_headers(program)
    slots, end = _slots(program, offset)
    for header in sorted(program.headers, key=lambda h: (slots[h.path], program.headers.index(h))):
        fields += _header_fields(header, slots[header.path])
    key_size = -(-end // 8) * 8
    if key_size > MAX_KEY_SIZE:
        what = f"a flow key of {key_size} bytes; a switch takes {MAX_KEY_SIZE}"
        raise _no_room(program, what, max(program.headers, key=header_size, default=None))
    return KeyLayout(
        version=LAYOUT_VERSION,
        program=program.name,
        key_size=key_size,
        headers=tuple(_key_header(program, i, slots) for i in range(len(program.headers))),
        fields=tuple(fields),
        checksums=_checksums(program, slots, key_size, warn),
        errors=program.errors,
        states=states or source_states(program),
    )


def _before_the_headers(program: Program) -> tuple[list[KeyField], int]:
    """Return the fields in front of the headers' slots, and the byte behind them."""
    fields = [KeyField("in_port", IN_PORT_OFFSET * 8, 32), KeyField("parser_error", PARSER_ERROR_OFFSET * 8, 8)]
    offset = VALID_OFFSET + 8 * -(-len(program.headers) // 64)
    for i, header in enumerate(program.headers):
        fields.append(KeyField(f"{header.path}.$valid", VALID_OFFSET * 8 + i, 1))
    for variable in program.variables:
        if variable.in_key:
            size = (variable.width_bits + 7) // 8
            offset += size
            start = offset * 8 - variable.width_bits
            fields.append(KeyField(variable.name, start, variable.width_bits, signed=variable.signed))
    for header in program.headers:
        if header.varbit:
            path = f"{header.path}.{header.varbit.name}.$length"
            fields.append(KeyField(path, offset * 8, LENGTH_SIZE * 8, header.path))
            offset += LENGTH_SIZE
    return fields, offset


def source_states(program: Program) -> tuple[str, ...]:
    """Return the source's names of the states, in order, each once."""
    return tuple(dict.fromkeys(base_name(s.name) for s in program.states if not is_continuation(s.name)))


def _check_headers(program: Program) -> None:
    if len(program.headers) > MAX_HEADERS:
        what = f"{len(program.headers)} headers; a switch takes {MAX_HEADERS}, elements of stacks included"
        raise _no_room(program, what, program.headers[MAX_HEADERS])


def _no_room(program: Program, what: str, header: Header | None) -> P4UnsupportedError:
    """Return the error of a program that neither engine nor slow path has room for."""
    where = header.location if header is not None else None
    hint = "fewer or shorter headers and stacks; headers that no packet has together share a place (ovsp4 layout)"
    return P4UnsupportedError(Diagnostic(where or Location(program.source, 1, 1), "unsupported", what, hint=hint))


def header_size(header: Header) -> int:
    """Return the bytes of a header's slot: its fixed part, rounded up."""
    return (header.width_bits + 7) // 8


def _slots(program: Program, start: int) -> tuple[dict[str, int], int]:
    """Return each header's offset in the key, and the end of the last slot."""
    together = conflicts(program)
    slots: list[list[str]] = []  # the first of each is the largest
    for header in sorted(program.headers, key=lambda h: -header_size(h)):  # stable: ties in order of declaration
        free = (slot for slot in slots if not together[header.path].intersection(slot))
        slot = next(free, None)
        if slot is None:
            slots.append([header.path])
        else:
            slot.append(header.path)
    order = {h.path: i for i, h in enumerate(program.headers)}
    sizes = {h.path: header_size(h) for h in program.headers}
    offsets: dict[str, int] = {}
    for slot in sorted(slots, key=lambda s: min(order[p] for p in s)):
        offsets.update(dict.fromkeys(slot, start))
        start += sizes[slot[0]]
    return offsets, start


def _key_header(program: Program, header_id: int, slots: Mapping[str, int]) -> KeyHeader:
    header = program.headers[header_id]
    varbit = header.varbit
    return KeyHeader(
        path=header.path,
        type_name=header.type_name,
        header_id=header_id,
        key_offset=slots[header.path],
        size=header_size(header),
        width_bits=header.width_bits,
        emit_index=program.emit_order.index(header.path),
        varbit_field=varbit.name if varbit else "",
        varbit_header_offset_bits=varbit.offset_bits if varbit else 0,
    )


def _header_fields(header: Header, slot: int) -> list[KeyField]:
    return [
        KeyField(
            path=f"{header.path}.{f.name}",
            offset_bits=slot * 8 + f.offset_bits,
            width_bits=f.width_bits,
            header=header.path,
            header_offset_bits=f.offset_bits,
            signed=f.signed,
        )
        for f in header.fields
        if f.width_bits
    ]


# ---------------------------------------------------------------------------------------------------- checksums
def _checksums(program: Program, slots: Mapping[str, int], key_size: int, warn: Warn) -> tuple[KeyChecksum, ...]:
    """Return the checksums; one that sums parts of a header at both parities is two, over disjoint bits."""
    result: list[KeyChecksum] = []
    for checksum in program.checksums:
        try:
            parities = _covered_bits(program, checksum, slots, key_size)
        except ValueError as reason:
            where = checksum.location or Location(program.source, 1, 1)
            name = f"{checksum.header}.{checksum.field}"
            warn(Diagnostic(where, "warning", f"checksum {name} is not kept up to date: {reason}", name="checksum"))
            continue
        main = {path: max(masks, key=lambda parity: masks[parity].bit_count()) for path, masks in parities.items()}
        rest = {path: 8 - main[path] for path, masks in parities.items() if len(masks) > 1}
        for part in (main, rest) if rest else (main,):
            masks = {path: parities[path][parity] for path, parity in part.items()}
            swapped = {path for path, parity in part.items() if parity}
            result.append(_key_checksum(program, checksum, masks, swapped, key_size))
    return tuple(result)


def _covered_bits(
    program: Program, checksum: Checksum, slots: Mapping[str, int], key_size: int
) -> dict[str, dict[int, int]]:
    """Return the key bits that a checksum sums: header -> shift of its bytes in the sum (0 or 8) -> mask."""
    own = program.header(checksum.header).field(checksum.field)
    if own.offset_bits % 8 or own.width_bits != 16:
        raise ValueError("it is not 16 bits on a byte boundary")
    found: dict[str, dict[int, int]] = {}
    for part in checksum.covered:
        if not part.field or (part.header, part.field) == (checksum.header, checksum.field):
            continue
        item = program.header(part.header).field(part.field)
        if item.varbit_max_bits:
            continue  # not in the key, and nothing changes it
        shift = (part.offset_bits - item.offset_bits) % 16
        if shift not in (0, 8):
            raise ValueError(f"{part.header}.{part.field} stands across the bytes of its sum")
        low = key_size * 8 - (slots[part.header] * 8 + item.offset_bits + item.width_bits)
        masks = found.setdefault(part.header, {})
        masks[shift] = masks.get(shift, 0) | ((1 << item.width_bits) - 1) << low
    return found


def _key_checksum(
    program: Program, checksum: Checksum, masks: Mapping[str, int], swapped: set[str], key_size: int
) -> KeyChecksum:
    whole = 0
    for mask in masks.values():
        whole |= mask
    paths = [h.path for h in program.headers]
    return KeyChecksum(
        header=checksum.header,
        field=checksum.field,
        header_id=paths.index(checksum.header),
        header_offset=program.header(checksum.header).field(checksum.field).offset_bits // 8,
        cover_mask=whole.to_bytes(key_size, "big").hex(),
        swapped=tuple(path for path in paths if path in swapped),
        with_payload=checksum.with_payload,
        zero_is_none=checksum.zero_is_none,
        cover_masks=tuple((path, masks[path].to_bytes(key_size, "big").hex()) for path in paths if path in masks),
    )
