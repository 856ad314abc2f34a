"""Source lines for diagnostics that are made behind the front end, and for pictures.

Used by ``compiler.py``, which adds the line and the caret's width, and by ``graph/nodes.py``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from datapath.errors import Diagnostic, Location

_WORD = re.compile(r"\w+|.")


class SourceFiles:
    """Reads source lines; files that are not there (any more) are empty."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def line(self, location: Location) -> str:
        """Return the line of a place, "" if it cannot be read."""
        if location.file not in self._lines:
            try:
                self._lines[location.file] = Path(location.file).read_text(errors="replace").split("\n")
            except OSError:
                self._lines[location.file] = []
        lines = self._lines[location.file]
        return lines[location.line - 1].rstrip("\r") if 0 < location.line <= len(lines) else ""

    def complete(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with the source lines that it lacks."""
        place = diagnostic.location
        notes = tuple((where, text, line or self.line(where)) for where, text, line in diagnostic.notes)
        if diagnostic.source_line:
            return replace(diagnostic, notes=notes)
        line = self.line(place)
        word = _WORD.match(line, place.column - 1)
        return replace(diagnostic, source_line=line, length=len(word[0]) if word else 1, notes=notes)
