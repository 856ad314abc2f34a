"""The entries of a bridge's parser value sets, and how a change gets into the engines.

``requests.py`` asks for changes, in texts; ``ir/value_sets.py`` reads and packs them.  Both engines take all sets of
the program as one piece, so a packet is parsed by the entries before a change or by those after it.

The megaflows stay.  A megaflow says what becomes of packets with certain key bits, whatever made the parser put them
there: a change of a value set gives new packets other keys, and those look up, or miss, as any key does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datapath.errors import SwitchError
from datapath.ir.value_sets import Entry, find_value_set, format_entry, pack, parse_entry
from datapath.vswitchd.engines import BridgeParts


class BridgeValueSets:
    """The value sets of one bridge; empty at first.

    Attributes:
        entries: By name, in the order in which they were added.
    """

    def __init__(self, parts: BridgeParts) -> None:
        self.entries: dict[str, tuple[Entry, ...]] = {}
        self._parts = parts
        self._program = parts.compiled.program

    def add(self, name: str, texts: Sequence[str]) -> None:
        """Add entries, all or none; those that are there already stay."""
        value_set = find_value_set(self._program, name)
        given = [parse_entry(text, value_set) for text in texts]
        self._change(name, tuple(dict.fromkeys((*self.entries.get(name, ()), *given))))

    def remove(self, name: str, texts: Sequence[str]) -> int:
        """Remove entries, or all if none is given; return how many there were."""
        value_set = find_value_set(self._program, name)
        before = self.entries.get(name, ())
        given = {parse_entry(text, value_set) for text in texts}
        kept = tuple(entry for entry in before if entry not in given) if texts else ()
        self._change(name, kept)
        return len(before) - len(kept)

    def dump(self, name: str) -> list[dict[str, Any]]:
        """Return one set, or all if the name is empty."""
        wanted = (find_value_set(self._program, name),) if name else self._program.value_sets
        return [
            {
                "name": value_set.name,
                "size": value_set.size,
                "keys": [
                    f"{'int' if value_set.is_signed(i) else 'bit'}<{width}>"
                    + (f" {value_set.match_kind(i)}" if value_set.match_kind(i) else "")
                    for i, width in enumerate(value_set.key_widths)
                ],
                "entries": [format_entry(entry, value_set) for entry in self.entries.get(value_set.name, ())],
            }
            for value_set in wanted
        ]

    def _change(self, name: str, entries: tuple[Entry, ...]) -> None:
        """Give the engines a set's new entries; if one does not take them, nothing has changed."""
        after = {**self.entries, name: entries}
        packed = pack(self._program, after)
        self._parts.user.put_value_sets(packed)
        if self._parts.kernel is not None:
            try:
                self._parts.kernel.put_value_sets(packed)
            except SwitchError:
                self._parts.user.put_value_sets(pack(self._program, self.entries))
                raise
        self.entries = after
