"""Reads YAML into plain values that remember where they stood, and collects what is wrong with them.

Fed with a file's text by ``reader.py``; its ``Placed`` tree is what ``schema.py`` and ``check.py`` look at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from datapath import Diagnostic, Location, TopologyError

NODES_MAX = 100_000  # of one file; aliases can make a small file expand without end


@dataclass(frozen=True)
class Placed:
    """A YAML value with its place.  ``value`` is a scalar, ``list[Placed]`` or ``dict[str, Placed]``."""

    value: Any
    location: Location
    path: str  # "links[2].bandwidth_mbps"; "" is the document
    key_locations: dict[str, Location] = field(default_factory=dict)  # of a mapping's keys

    @property
    def kind(self) -> str:
        """The type in the words of JSON schema."""
        if self.value is None:
            return "null"
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
        return kinds.get(type(self.value), type(self.value).__name__)

    def get(self, key: str) -> Placed | None:
        """Return a mapping's entry, or None; null counts as absent."""
        entry = self.value.get(key) if isinstance(self.value, dict) else None
        return entry if entry is not None and entry.value is not None else None

    def plain(self) -> Any:
        """Return the value without places."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


class Faults:
    """Collects mistakes so that all of them are reported together."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}  # of each text, by the file name in its locations
        self._diagnostics: list[Diagnostic] = []

    def add_text(self, file: str, text: str) -> None:
        """Make the text known that locations with this file name point into."""
        self._lines[file] = text.splitlines()

    def add(self, location: Location, path: str, message: str, hint: str = "") -> None:
        """Note a mistake; ``path`` is the YAML path that goes in front of the message."""
        lines = self._lines.get(location.file, [])
        line = lines[location.line - 1] if 0 < location.line <= len(lines) else ""
        text = f"{path}: {message}" if path else message
        self._diagnostics.append(Diagnostic(location, "error", text, line, hint=hint))

    @property
    def found(self) -> bool:
        return bool(self._diagnostics)

    def raise_if_any(self) -> None:
        """Raise all mistakes as one ``TopologyError``, in the order of the file."""
        if self._diagnostics:
            ordered = sorted(self._diagnostics, key=lambda d: (d.location, d.message))
            raise TopologyError("\n".join(dict.fromkeys(str(d) for d in ordered)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the closest known word, or all of them where none is close."""
    known = list(known)
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(known)}" if known and len(known) <= 20 else ""


def parse(text: str, file: str, faults: Faults) -> Placed | None:
    """Return the document with places; None after noting what makes it no YAML.

    Args:
        text: the file's content.
        file: its name, for messages.
        faults: where mistakes go.
    """
    try:
        return _compose(text, file, faults)
    except RecursionError:
        faults.add(Location(file, 1, 1), "", "nested too deeply", "a topology has no more than five levels")
        return None


def _compose(text: str, file: str, faults: Faults) -> Placed | None:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)
        start = error.context_mark
        hint = f"{error.context}, begun on line {start.line + 1}" if start and mark and start.line < mark.line else ""
        faults.add(place, "", f"not YAML: {error.problem or error.context}", hint)
        return None
    except yaml.YAMLError as error:
        faults.add(Location(file, 1, 1), "", f"not YAML: {' '.join(str(error).split())}")
        return None
    if root is None:
        faults.add(Location(file, 1, 1), "", "the file is empty", "see topologies/single.yaml for a small example")
        return None
    return _Builder(file, faults).build(root, "", ())


class _Builder:
    """Turns YAML nodes into ``Placed`` values."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults
        self._n_nodes = 0
        self._loader = yaml.SafeLoader("")

    def _place(self, node: yaml.Node) -> Location:
        return Location(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: yaml.Node, path: str, above: tuple[int, ...]) -> Placed:
        place = self._place(node)
        self._n_nodes += 1
        if id(node) in above or self._n_nodes > NODES_MAX:
            if id(node) in above or self._n_nodes == NODES_MAX + 1:
                self._faults.add(place, path, "aliases make this value endless", "write the value out instead")
            return Placed(None, place, path)
        above = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            items = [self.build(child, f"{path}[{i}]", above) for i, child in enumerate(node.value)]
            return Placed(items, place, path)
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, path, above)
        return Placed(self._scalar(node, path), place, path)

    def _build_mapping(self, node: yaml.MappingNode, path: str, above: tuple[int, ...]) -> Placed:
        entries: dict[str, Placed] = {}
        locations: dict[str, Location] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._faults.add(place, path, "a key must be a word")
                continue
            key = str(key_node.value)
            if key in entries:
                self._faults.add(place, path, f"'{key}' is given twice", f"first on line {locations[key].line}")
                continue
            locations[key] = place
            entries[key] = self.build(value_node, f"{path}.{key}" if path else key, above)
        return Placed(entries, self._place(node), path, locations)

    def _scalar(self, node: yaml.Node, path: str) -> Any:
        if ":" in node.value:
            return str(node.value)  # a MAC address is not the sexagesimal number that YAML 1.1 may see in it
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self._faults.add(self._place(node), path, f"not a value: {str(error).splitlines()[0]}")
            return None
        if value is None or isinstance(value, bool | int | float | str):
            return value
        return str(node.value)  # dates and the like are words here
