"""Rules of table entries that types do not tell: which keysets a match kind takes, twins, priorities.

Used by ``check_controls.py``, when the expressions are checked.

Source: P4_16 specification 1.2.5, section 14.2.1.4 (entries).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.source import Report

Values = Mapping[ast.Node, t.Value]


def check_keysets(
    report: Report, values: Values, entries: Sequence[ast.TableEntry], keys: Sequence[ast.KeyElement]
) -> None:
    """Check the keysets of a table's entries against the match kinds of its keys."""
    seen: dict[tuple[t.Value, ...], ast.TableEntry] = {}
    for entry in entries:
        items = _items(entry.keyset)
        if len(items) != len(keys):
            continue  # reported, or a ``_`` for all
        for item, key in zip(items, keys, strict=True):
            _check_kind(report, values, item, key.match_kind)
        if all(key.match_kind == "exact" for key in keys) and all(item in values for item in items):
            value = tuple(values[item] for item in items)
            if value in seen:
                notes = [(seen[value].loc, "the first one is here")]
                report.error(entry.loc, "two entries have the same key", notes=notes)
            seen.setdefault(value, entry)


def check_priorities(report: Report, values: Values, item: ast.TableProperty, largest_wins: bool, delta: int) -> None:
    """Check the priorities of a table's entries, those that are left to the compiler included."""
    if not any(entry.priority is not None for entry in item.entries):
        return
    first = item.entries[0]
    if first.priority is None:
        hint = "those behind it count on from there"
        report.error(first.loc, "the first entry needs a priority, since others have one", hint=hint)
        return
    priority = 0
    for entry in item.entries:
        if entry.priority is None:
            priority += -delta if largest_wins else delta
        else:
            value = values.get(entry.priority)
            if not isinstance(value, int):
                return
            priority = value
        if priority < 0:
            report.error(entry.loc, f"the priority of this entry becomes {priority}", hint="start with a larger one")
            return


def _items(keyset: ast.Expr) -> tuple[ast.Expr, ...]:
    if isinstance(keyset, ast.TupleKeyset | ast.ListExpr):
        return keyset.items
    return () if isinstance(keyset, ast.DontCare) else (keyset,)


def _check_kind(report: Report, values: Values, item: ast.Expr, kind: str) -> None:
    if isinstance(item, ast.MaskExpr) and kind == "lpm" and not _is_prefix(values.get(item.mask)):
        report.error(item.mask.loc, "the mask of an lpm key is ones followed by zeros")
    elif isinstance(item, ast.RangeExpr) and kind in ("exact", "ternary", "lpm"):
        article = "an" if kind in ("exact", "lpm") else "a"
        report.error(item.loc, f"{article} {kind} key has no range")


def _is_prefix(mask: t.Value | None) -> bool:
    """Is this a mask of leading ones?  The width is not asked for: what leads may be cut off by it."""
    if not isinstance(mask, int) or mask <= 0:
        return True
    ones = mask >> ((mask & -mask).bit_length() - 1)
    return ones & (ones + 1) == 0
