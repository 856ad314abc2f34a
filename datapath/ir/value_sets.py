"""Entries of value sets: as texts, as keysets, and as the bytes that the engines look them up in.

An entry has a keyset for each key of its set.  The engines hold each set as rows, and a key as words of 64 bits, the
least significant first; a word of a key is in a row if, in the key's width,

    (word & mask) - base <= span

which covers exact values (all ones, value, 0), masks (mask, value, 0), ranges (all ones, low, high - low) and anything
(0, 0, 0).  A range over a key of more than 64 bits may take several rows.  The C side is ``codegen/value_sets_c.py``.

Texts come from the management interface (``vswitchd/value_sets.py``) and from ``ovsp4 parse``.

Source: P4_16 specification 1.2.5, section 13.11 (parser value sets).
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import struct
from collections.abc import Iterator, Mapping, Sequence

from datapath.errors import FlowError
from datapath.ir.evaluate import number
from datapath.ir.model import Any, Keyset, Masked, Program, Range, ValueSet

WORD = 64  # bits
Entry = tuple[Keyset, ...]
Row = tuple[tuple[int, int, int], ...]  # mask, base, span of each word of all keys


def find_value_set(program: Program, name: str) -> ValueSet:
    """Return a program's value set.

    Raises:
        FlowError: It has none of this name; says which there are.
    """
    for value_set in program.value_sets:
        if value_set.name == name:
            return value_set
    known = ", ".join(v.name for v in program.value_sets)
    hint = f"its value sets: {known}" if known else "it has no value sets"
    raise FlowError(f"program {program.name} has no value set '{name}'", hint=hint)


# ---------------------------------------------------------------------------------------------------- texts
def parse_entry(text: str, value_set: ValueSet) -> Entry:
    """Read an entry: ``0x800``, ``0x800/0xff00`` (or ``&&&``), ``10.0.0.0/8``, ``80..90``, ``_``, with commas between
    keys, in parentheses or not.

    Args:
        text: The entry.
        value_set: Says how many keys there are, how wide, and what each may be.

    Raises:
        FlowError: It is none; points at what is wrong.
    """
    inner = text.strip()
    inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
    parts = inner.split(",")
    widths = value_set.key_widths
    if len(parts) != len(widths):
        keys = ", ".join(f"{w} bits" for w in widths)
        raise FlowError(f"an entry of {value_set.name} has {len(widths)} keys ({keys}), this has {len(parts)}", text)
    keysets = []
    for i, part in enumerate(parts):
        try:
            keyset = _keyset(part.strip(), widths[i], value_set.is_signed(i))
            _check_kind(keyset, widths[i], value_set.match_kind(i))
        except ValueError as error:
            column = 1 + text.index(part) + len(part) - len(part.lstrip())
            message = f"entry of value set {value_set.name}, key {i + 1}: {error}"
            raise FlowError(message, text, column, max(len(part.strip()), 1)) from None
        keysets.append(keyset)
    return tuple(keysets)


def _keyset(text: str, width: int, signed: bool) -> Keyset:
    if text in ("_", "*"):
        return Any()
    full = (1 << width) - 1
    if ".." in text:
        low, high = (_number(t.strip(), width, signed) for t in text.split("..", 1))
        if number(low, width, signed) > number(high, width, signed):
            raise ValueError("the range is empty: its end is below its start")
        return Range(low, high)
    value_text, separator, mask_text = (t.strip() for t in re.split(r"(&&&|/|$)", text, maxsplit=1)[:3])
    value = _number(value_text, width, signed)
    if not separator:
        return Masked(value, full)
    is_prefix = separator == "/" and width in (32, 128) and re.search(r"[.:]", value_text)
    if is_prefix and mask_text.isdecimal():
        if int(mask_text) > width:
            raise ValueError(f"a prefix has at most {width} bits")
        mask = full ^ ((1 << (width - int(mask_text))) - 1)
    else:
        mask = _number(mask_text, width, False)
    return Masked(value & mask, mask)


def _number(text: str, width: int, signed: bool) -> int:
    """Return the bit pattern of a number or address."""
    try:
        if width == 32 and text.count(".") == 3:
            return int(ipaddress.IPv4Address(text))
        if width == 128 and ":" in text:
            return int(ipaddress.IPv6Address(text))
        if width == 48 and text.count(":") == 5:
            return int.from_bytes(bytes(int(byte, 16) for byte in text.split(":")), "big")
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"'{text}' is no number: write decimal, 0x or 0b, or an address where it is one") from None
    least, greatest = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    if not least <= value <= greatest and not (signed and 0 <= value < 1 << width and text.startswith("0")):
        raise ValueError(f"{text} does not fit {width} bits: {least} to {greatest}")
    return value & ((1 << width) - 1)


def _check_kind(keyset: Keyset, width: int, kind: str) -> None:
    """Refuse what the key's ``@match`` annotation does not have; a key without one takes anything."""
    full = (1 << width) - 1
    mask = keyset.mask if isinstance(keyset, Masked) else 0 if isinstance(keyset, Any) else None
    fits = {
        "exact": mask == full,
        "optional": mask in (0, full),
        "ternary": mask is not None,
        "lpm": mask is not None and (mask | mask - 1) & full == full if mask else mask == 0,
        "range": mask in (None, 0, full),
    }
    if kind and not fits[kind]:
        raise ValueError(f"the key is declared @match({kind}), which this is not")


def format_entry(entry: Entry, value_set: ValueSet) -> str:
    """Return an entry so that ``parse_entry`` reads it."""
    keys = enumerate(zip(entry, value_set.key_widths, strict=True))
    return ",".join(_keyset_text(keyset, width, value_set.is_signed(i)) for i, (keyset, width) in keys)


def _keyset_text(keyset: Keyset, width: int, signed: bool) -> str:
    if isinstance(keyset, Range):
        return f"{_text(keyset.low, width, signed)}..{_text(keyset.high, width, signed)}"
    if isinstance(keyset, Masked):
        if keyset.mask == (1 << width) - 1:
            return _text(keyset.value, width, signed)
        return f"{keyset.value:#x}/{keyset.mask:#x}"
    return "_"


def _text(value: int, width: int, signed: bool) -> str:
    return str(number(value, width, True)) if signed else f"{value:#x}"


# ---------------------------------------------------------------------------------------------------- rows
def pack(program: Program, entries: Mapping[str, Sequence[Entry]]) -> bytes:
    """Return ``struct value_sets`` of the generated C with these entries.

    Args:
        program: Whose sets they are.
        entries: By name; a set that is not named is empty.

    Raises:
        FlowError: A set has no room for its entries.
    """
    return b"".join(_packed(value_set, entries.get(value_set.name, ())) for value_set in program.value_sets)


def _packed(value_set: ValueSet, entries: Sequence[Entry]) -> bytes:
    rows = [row for entry in entries for row in rows_of(entry, value_set)]
    if len(rows) > value_set.size:
        wide = " (a range over more than 64 bits may take several)" if len(rows) != len(entries) else ""
        room = f"it is declared with room for {value_set.size}, {len(rows)} wanted"
        raise FlowError(f"value set {value_set.name} is full: {room}{wide}")
    numbers = [number for row in rows for word in row for number in word]
    n_words = sum(len(words_of(width)) for width in value_set.key_widths)
    size = 8 + 24 * n_words * max(value_set.size, 1)
    return (struct.pack("<II", len(rows), 0) + struct.pack(f"<{len(numbers)}Q", *numbers)).ljust(size, b"\0")


def words_of(width: int) -> list[int]:
    """Return the widths of a key's words, the least significant first."""
    return [min(WORD, width - low) for low in range(0, width, WORD)]


def rows_of(entry: Entry, value_set: ValueSet) -> list[Row]:
    """Return the rows that together match what an entry does."""
    keys = zip(entry, value_set.key_widths, range(len(entry)), strict=True)
    parts = [list(_key_rows(keyset, width, value_set.is_signed(i))) for keyset, width, i in keys]
    return [tuple(word for part in parts for word in part) for parts in itertools.product(*parts)]


def _key_rows(keyset: Keyset, width: int, signed: bool) -> Iterator[Row]:
    words = words_of(width)
    if isinstance(keyset, Masked):
        pieces = [(_word(keyset.mask, i), _word(keyset.value & keyset.mask, i), 0) for i in range(len(words))]
        yield tuple(pieces)
    elif isinstance(keyset, Range):
        full = (1 << width) - 1
        if len(words) == 1:  # modulo 2^width, signed or not
            yield ((full, keyset.low, (keyset.high - keyset.low) & full),)
        elif signed and keyset.low > keyset.high:  # from a negative number to one that is not
            yield from _wide_range(keyset.low, full, words)
            yield from _wide_range(0, keyset.high, words)
        else:
            yield from _wide_range(keyset.low, keyset.high, words)
    else:
        assert isinstance(keyset, Any)
        yield ((0, 0, 0),) * len(words)


def _word(value: int, i: int) -> int:
    return value >> (i * WORD) & ((1 << WORD) - 1)


def _wide_range(low: int, high: int, words: Sequence[int]) -> Iterator[Row]:
    """Split a range by its most significant word: where that is the least, in between, the greatest."""
    top = (1 << words[-1]) - 1
    if len(words) == 1:
        yield ((top, low, high - low),)
        return
    rest_bits = sum(words[:-1])
    rest = (1 << rest_bits) - 1
    first, last = low >> rest_bits, high >> rest_bits
    if first == last:
        for row in _wide_range(low & rest, high & rest, words[:-1]):
            yield (*row, (top, first, 0))
        return
    if low & rest:
        for row in _wide_range(low & rest, rest, words[:-1]):
            yield (*row, (top, first, 0))
        first += 1
    if high & rest != rest:
        for row in _wide_range(0, high & rest, words[:-1]):
            yield (*row, (top, last, 0))
        last -= 1
    if first <= last:
        yield (*((0, 0, 0),) * (len(words) - 1), (top, first, last - first))
