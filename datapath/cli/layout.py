"""``ovsp4 layout``: the flow key of a P4 program, header by header, and what sharing slots saves."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from datapath.cli.program import add_program_arguments, compile_arguments, complain
from datapath.errors import OvsP4Error

if TYPE_CHECKING:
    from datapath.ir.layout import KeyHeader, KeyLayout

Json = dict[str, Any]
N_ALWAYS = 2  # fields that every key has: in_port and parser_error
OVERVIEW_WIDTH = 96  # characters of the headers' names in a line of the overview


def add_verbs(subparsers: Any) -> None:
    """Declare ``layout``."""
    parser = subparsers.add_parser("layout", help="show the flow key of a P4 program, header by header")
    add_program_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the key; 0 done, 2 a diagnostic for the user."""
    try:
        layout = compile_arguments(args).layout
    except OvsP4Error as error:
        return complain(error)
    about = describe(layout)
    print(json.dumps(about, indent=1) if args.json else "\n".join(_lines(about)))
    return 0


# ---------------------------------------------------------------------------------------------------- what there is
def describe(layout: KeyLayout) -> Json:
    """Return the key as JSON: places in bytes and, for fields, in bits; the order is the key's."""
    slots = _slots(layout)
    in_slots = sum(max(h.size for h in slot) for slot in slots)
    own = sum(header.size for header in layout.headers)
    used = max([8, *(-(-(f.offset_bits + f.width_bits) // 8) for f in layout.fields)])
    return {
        "program": layout.program,
        "hash": f"{layout.hash:016x}",
        "key_size": layout.key_size,
        "header_bytes": own,
        "slot_bytes": in_slots,
        "saved_bytes": own - in_slots,
        "padding_bytes": layout.key_size - used,
        "general": [_field(layout, f.path) for f in layout.fields if not f.header and not f.path.endswith(".$valid")],
        "slots": [_slot(layout, slot) for slot in slots],
        "checksums": _checksums(layout),
        "errors": list(layout.errors),
    }


def _slots(layout: KeyLayout) -> list[list[KeyHeader]]:
    """Return the headers by the place that they share, places in order; headers without bytes have none."""
    slots: dict[int, list[KeyHeader]] = {}
    for header in layout.headers:
        if header.size:
            slots.setdefault(header.key_offset, []).append(header)
    empty = [[header] for header in layout.headers if not header.size]
    return [slots[offset] for offset in sorted(slots)] + empty


def _slot(layout: KeyLayout, slot: Sequence[KeyHeader]) -> Json:
    size = max(header.size for header in slot)
    return {
        "offset": slot[0].key_offset,
        "size": size,
        "saved_bytes": sum(header.size for header in slot) - size,
        "headers": [_header(layout, header) for header in slot],
    }


def _header(layout: KeyLayout, header: KeyHeader) -> Json:
    fields = [f for f in layout.fields if f.header == header.path and not f.path.endswith(".$length")]
    about: Json = {
        "path": header.path,
        "type": header.type_name,
        "size": header.size,
        "valid_bit": layout.field(f"{header.path}.$valid").offset_bits,
        "fields": [_field(layout, f.path) for f in fields],
    }
    if header.varbit_field:
        length = layout.field(f"{header.path}.{header.varbit_field}.$length")
        about["varbit"] = {"field": header.varbit_field, "length_at": length.offset_bits // 8}
    return about


def _field(layout: KeyLayout, path: str) -> Json:
    field = layout.field(path)
    about: Json = {"path": path, "offset_bits": field.offset_bits, "width_bits": field.width_bits}
    return about | ({"signed": True} if field.signed else {})


def _checksums(layout: KeyLayout) -> list[Json]:
    """Return the checksums, each once, though the layout lists one that sums at both parities twice."""
    found: dict[str, Json] = {}
    for checksum in layout.checksums:
        name = f"{checksum.header}.{checksum.field}"
        flags = {"with_payload": checksum.with_payload, "zero_is_none": checksum.zero_is_none}
        about = found.setdefault(name, {"field": name, "covers": [], **flags})
        covered = [path for path, mask in checksum.cover_masks if int(mask, 16)]
        about["covers"] += [path for path in covered if path not in about["covers"]]
    return list(found.values())


# ---------------------------------------------------------------------------------------------------- for people
def _lines(about: Json) -> Iterator[str]:
    yield (
        f"{about['program']}: key of {about['key_size']} bytes (layout {about['hash']}); "
        f"headers of {about['header_bytes']} bytes in slots of {about['slot_bytes']}: "
        f"sharing saves {about['saved_bytes']} bytes"
    )
    yield from _overview(about)
    yield ""
    yield "byte.bit   bits  field"
    for field in about["general"]:
        yield _field_line(field, field["path"], "")
    yield f"{'8.0':<9}        validity, a bit a header; bridge number at byte 6"
    for slot in about["slots"]:
        yield from _slot_lines(slot)
    if about["padding_bytes"]:
        yield f"{about['key_size'] - about['padding_bytes']:<9}        {about['padding_bytes']} bytes of padding"
    for checksum in about["checksums"]:
        yield _checksum_line(checksum)


def _overview(about: Json) -> Iterator[str]:
    """Yield a row for each slot: its bytes of the key, what sharing saves, and the headers in it with their sizes."""
    slots = [slot for slot in about["slots"] if slot["size"]]
    end = slots[0]["offset"] if slots else about["key_size"] - about["padding_bytes"]
    n_headers = sum(len(slot["headers"]) for slot in about["slots"])
    n_metadata = len(about["general"]) - N_ALWAYS
    metadata = f", {n_metadata} fields of metadata" if n_metadata else ""
    yield f"{'bytes':>9}  size  saved  who is there (| they share it)"
    yield from _row(0, end, 0, f"in_port, parser_error, validity of {n_headers} headers{metadata}")
    for run in _runs(slots):
        first, last = run[0], run[-1]
        headers = sorted(first["headers"], key=lambda header: -int(header["size"]))
        names = " | ".join(f"{header['path']}\xa0{header['size']}" for header in headers)
        if len(run) > 1:
            names = f"{headers[0]['path']} to {last['headers'][0]['path']}, {first['size']} each"
        yield from _row(first["offset"], last["offset"] + last["size"], first["saved_bytes"], names)


def _runs(slots: Sequence[Json]) -> list[list[Json]]:
    """Return the slots; those side by side that hold one element of the same stack each are together."""
    runs: list[list[Json]] = []
    for slot in slots:
        if runs and _stack(slot) and _stack(slot) == _stack(runs[-1][-1]):
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return runs


def _stack(slot: Json) -> str:
    """Return the stack of the slot's only header, else ""."""
    name, bracket, _ = slot["headers"][0]["path"].rpartition("[")
    return str(name) if bracket and len(slot["headers"]) == 1 else ""


def _row(start: int, end: int, saved: int, text: str) -> Iterator[str]:
    places = f"{start}-{end - 1}"
    lines = [line.replace("\xa0", " ") for line in textwrap.wrap(text, OVERVIEW_WIDTH)]
    yield f"{places:>9}  {end - start:>4}  {saved or '':>5}  {lines[0]}"
    for line in lines[1:]:
        yield f"{'':24}{line}"


def _slot_lines(slot: Json) -> Iterator[str]:
    shared = len(slot["headers"]) > 1
    saved = f", {len(slot['headers'])} headers share it: {slot['saved_bytes']} bytes saved" if shared else ""
    yield f"slot at byte {slot['offset']}, {slot['size']} bytes{saved}"
    for header in slot["headers"]:
        place = f"valid at {_bit(header['valid_bit'])}"
        if "varbit" in header:
            place += f"; varbit {header['varbit']['field']}, its length at byte {header['varbit']['length_at']}"
        yield f"  {header['path']} ({header['type']}), {header['size']} bytes, {place}"
        for field in header["fields"]:
            yield _field_line(field, field["path"].removeprefix(f"{header['path']}."), "    ")


def _field_line(field: Json, name: str, indent: str) -> str:
    signed = " (signed)" if field.get("signed") else ""
    return f"{indent}{_bit(field['offset_bits']):<9}{field['width_bits']:>5}  {name}{signed}"


def _bit(offset_bits: int) -> str:
    return f"{offset_bits // 8}.{offset_bits % 8}"


def _checksum_line(checksum: Json) -> str:
    extra = [*checksum["covers"], *(["the payload"] if checksum["with_payload"] else [])]
    none = "; zero means none" if checksum["zero_is_none"] else ""
    return f"checksum {checksum['field']} over {', '.join(extra)}{none}"
