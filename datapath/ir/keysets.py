"""Which select arms take what others would: sets of keys as ``ir/model.py`` writes them.

Read by the warnings (``passes/warn_unused.py``).
"""

from __future__ import annotations

from datapath.ir.evaluate import number
from datapath.ir.model import Any, Case, Keyset, Masked, Range, Select

MAX_OTHERS = 64


def shadowed(select: Select) -> dict[int, int]:
    """Return the arms that are never taken, each with the earlier arm that takes all that it matches.

    An arm whose first key is a number is compared with those of the same number only, and with the first ``MAX_OTHERS``
    of all others: a select of thousands of arms would be a matter of minutes.
    """
    found: dict[int, int] = {}
    others: list[int] = []
    of_number: dict[Keyset, list[int]] = {}
    for i, case in enumerate(select.cases):
        first = case.keysets[0]
        is_number = isinstance(first, Masked) and first.mask == (1 << select.keys[0].width) - 1
        rivals = sorted((*others[:MAX_OTHERS], *of_number.get(first, [])[:MAX_OTHERS]))
        earlier = next((j for j in rivals if _covers(select, select.cases[j], case)), None)
        if earlier is not None:
            found[i] = earlier
        elif is_number:
            of_number.setdefault(first, []).append(i)
        else:
            others.append(i)
    return found


def _covers(select: Select, wide: Case, narrow: Case) -> bool:
    if len(wide.keysets) != len(narrow.keysets):
        return False
    if len(wide.keysets) != len(select.keys):
        return wide.keysets == narrow.keysets  # one value set for all keys
    keys = zip(wide.keysets, narrow.keysets, select.keys, strict=True)
    return all(contains(a, b, key.width, key.signed) for a, b, key in keys)


def contains(wide: Keyset, narrow: Keyset, width: int, signed: bool) -> bool:
    """Tell whether all keys of ``narrow`` are in ``wide``; False where that is not easily seen."""
    if wide == narrow or isinstance(wide, Any) or (isinstance(wide, Masked) and not wide.mask):
        return True
    if isinstance(wide, Masked) and isinstance(narrow, Masked):
        return wide.mask & ~narrow.mask == 0 and (wide.value ^ narrow.value) & wide.mask == 0
    outer, inner = _bounds(wide, width, signed), _bounds(narrow, width, signed)
    if outer is None or inner is None or not isinstance(wide, Range):
        return False
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _bounds(keyset: Keyset, width: int, signed: bool) -> tuple[int, int] | None:
    """Return the least and the greatest key of a keyset, None if nobody knows."""
    full = (1 << width) - 1
    if isinstance(keyset, Range):
        return number(keyset.low, width, signed), number(keyset.high, width, signed)
    if isinstance(keyset, Masked) and keyset.mask == full:
        return (number(keyset.value, width, signed),) * 2
    if isinstance(keyset, Masked) and not signed:
        return keyset.value & keyset.mask, keyset.value | full & ~keyset.mask
    if isinstance(keyset, Any):
        return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, full)
    return None
