"""The texts of a compilation and what was said about them: every diagnostic is made here.

``preprocess.py`` registers each file it reads; all later stages report through the one ``Report`` of the run, which
adds the source line and the caret's width.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from datapath.errors import Diagnostic, Location, P4Errors
from datapath.ir.warning_names import WARNINGS
from datapath.p4.lexer import TOKEN

MAX_DIAGNOSTICS = 100  # more than this helps nobody, and bounds the work on hopeless input


class StopCompilationError(Exception):
    """Unwinds a stage that cannot go on; the diagnostics are in the report already."""


class Report:
    """Collects diagnostics and source texts."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.files: list[Path] = []
        self.absent: list[Path] = []  # where an include file was looked for in vain, before it was found elsewhere
        self._lines: dict[str, list[str]] = {}
        self._included: dict[str, Location] = {}  # file -> the directive that includes it
        self._macros: dict[Location, Location] = {}  # where a macro is used -> where it is defined
        self._seen: set[tuple[Location, str]] = set()
        self._parts: dict[Hashable, list[Diagnostic]] = {}  # errors in parts of which it is not known who uses them
        self.part: Hashable | None = None  # the part that is being read
        self._parser: Hashable | None = None  # the parser that is being read
        self._warned: list[tuple[Hashable, Diagnostic]] = []  # warnings in parsers, of which one may be unused
        self.n_errors = 0

    def add_text(self, name: str, text: str) -> None:
        self._lines[name] = text.split("\n")

    def add_include(self, name: str, location: Location) -> None:
        """Remember from where a file is included."""
        self._included[name] = location

    def add_macro_use(self, use: Location, definition: Location) -> None:
        """Remember that what stands at a place comes out of a macro."""
        self._macros.setdefault(use, definition)  # of macros within macros the outermost is what was written

    def line(self, location: Location) -> str:
        lines = self._lines.get(location.file, [])
        return lines[location.line - 1].rstrip("\r") if 0 < location.line <= len(lines) else ""

    def error(
        self, location: Location, message: str, hint: str = "", notes: Iterable[tuple[Location, str]] = ()
    ) -> None:
        self._add("error", location, message, hint, notes)

    @contextmanager
    def reading(self, part: Hashable | None) -> Iterator[None]:
        """Keep errors apart that are found in a part which may be of no use; None: whatever is wrong here matters."""
        outer, self.part = self.part, part
        try:
            yield
        finally:
            self.part = outer

    @contextmanager
    def reading_parser(self, parser: Hashable) -> Iterator[None]:
        """Remember in which parser warnings are told."""
        outer, self._parser = self._parser, parser
        try:
            yield
        finally:
            self._parser = outer

    def forget(self, parsers: Container[Hashable]) -> None:
        """Take back warnings of parsers that turned out not to be used."""
        unused = {id(warning) for parser, warning in self._warned if parser in parsers}
        self.diagnostics = [d for d in self.diagnostics if id(d) not in unused]

    def settle(self, used: Container[Hashable] | None) -> None:
        """Report what was found in the parts: errors in those that are used (None: all), warnings elsewhere."""
        for part, errors in self._parts.items():
            for error in errors:
                if used is None or part in used:
                    self._count(error)
                else:
                    self.diagnostics.append(replace(error, severity="warning", name="skipped-part"))
        self._parts = {}

    def unsupported(
        self, location: Location, message: str, hint: str = "", notes: Iterable[tuple[Location, str]] = ()
    ) -> None:
        self._add("unsupported", location, message, hint, notes)

    def warning(
        self,
        name: str,
        location: Location,
        message: str,
        hint: str = "",
        notes: Iterable[tuple[Location, str]] = (),
    ) -> None:
        """Warn; ``name`` is one of ``ir/warning_names.py``."""
        assert name in WARNINGS, name
        self._add("warning", location, message, hint, notes, name)

    def _add(
        self,
        severity: str,
        location: Location,
        message: str,
        hint: str,
        notes: Iterable[tuple[Location, str]],
        name: str = "",
    ) -> None:
        if (location, message) in self._seen:
            return
        self._seen.add((location, message))
        line = self.line(location)
        token = TOKEN.match(line, location.column - 1) if line else None
        length = max(1, token.end() - token.start()) if token else 1
        more = (*notes, *self._expansion(location), *self._includes(location))
        noted = tuple((place, text, self.line(place)) for place, text in more)
        diagnostic = Diagnostic(location, severity, message, line, length, hint, noted, name)
        if severity == "warning" and self._parser is not None:
            self._warned.append((self._parser, diagnostic))
        if severity != "warning" and self.part is not None:
            errors = self._parts.setdefault(self.part, [])
            if len(errors) < MAX_DIAGNOSTICS:
                errors.append(diagnostic)
        else:
            self._count(diagnostic)

    def _expansion(self, location: Location) -> Iterator[tuple[Location, str]]:
        """Say which macro made what stands at a place."""
        if location in self._macros:
            yield self._macros[location], "in what this macro stands for"

    def _includes(self, location: Location) -> Iterator[tuple[Location, str]]:
        """Say from where the file of a place is included."""
        seen: set[str] = set()
        while location.file in self._included and location.file not in seen:
            seen.add(location.file)
            location = self._included[location.file]
            yield location, "included from here"

    def _count(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
        if diagnostic.severity != "warning":
            self.n_errors += 1
            if self.n_errors >= MAX_DIAGNOSTICS:
                raise StopCompilationError

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "warning")

    def raise_errors(self) -> None:
        """Raise what was found, if any of it is an error.

        Raises:
            P4Errors: with the errors (warnings are left out).
        """
        errors = [d for d in self.diagnostics if d.severity != "warning"]
        if errors:
            raise P4Errors(errors)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the known name that is most like ``name``, else an empty string."""
    close = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
