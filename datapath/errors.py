"""Every exception that ovsp4 raises for its user; our own bugs are ``assert`` and are never caught.

    OvsP4Error
    ├── P4Error                 a P4 program is at fault; always with file:line:col, source line and caret
    │   ├── P4SyntaxError
    │   ├── P4TypeError
    │   └── P4UnsupportedError  legal P4 that this compiler cannot translate (yet)
    ├── TopologyError           a topology file or option is at fault; file:line:col and YAML path
    ├── FlowError               a flow or group text is at fault; the text, a caret, the legal fields
    ├── LoadError               the machine refused a compiled program
    │   ├── VerifierError       the kernel's verifier did; carries the log's last lines
    │   └── NotSupportedError   the kernel or a package lacks a feature; names it and the least version
    ├── SwitchError             a running switch refused a command, or cannot be reached
    └── TestbedError
        ├── SetupError          a network could not be built
        └── WaitTimeoutError    something awaited did not happen in time

A compiler run reports many faults at once: ``P4Errors`` carries them all, ``TopologyErrors`` likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OvsP4Error(Exception):
    """Base of everything raised for the user."""


MAX_COLUMNS = 160  # of a source line in a message
CUT = "..."  # stands where a line is cut


@dataclass(frozen=True, order=True)
class Location:
    """A place in a source file; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One message about one place, rendered with the source line and a caret."""

    location: Location
    severity: str  # "error", "warning", "unsupported"
    message: str
    source_line: str = ""
    length: int = 1  # columns under the caret
    hint: str = ""
    notes: tuple[tuple[Location, str, str], ...] = ()  # (place, text, source line): earlier declarations
    name: str = ""  # of a warning: what -W calls it (``ir/warning_names.py``); kept when it is made an error

    def __str__(self) -> str:
        text = f"{self.location}: {self.severity}: {self.message}"
        if self.name:
            text += f" [-W{'error=' if self.severity == 'error' else ''}{self.name}]"
        text += _excerpt(self.source_line, self.location.column, self.length)
        if self.hint:
            text += f"\n  hint: {self.hint}"
        for place, message, line in self.notes:
            text += f"\n{place}: note: {message}" + _excerpt(line, place.column, 1)
        return text


def _excerpt(source_line: str, column: int, length: int) -> str:
    """Return the source line with a caret under it, tabs kept so that the caret stays in place."""
    if not source_line.strip():
        return ""
    source_line, column = _window(source_line.rstrip(), column)
    pad = "".join("\t" if c == "\t" else " " for c in source_line[: column - 1])
    width = max(1, min(length, len(source_line) - column + 1))
    return f"\n  {source_line}\n  {pad}^{'~' * (width - 1)}"


def _window(line: str, column: int) -> tuple[str, int]:
    """Cut a line that is too long to a window around the column; return the column in it, too."""
    if len(line) <= MAX_COLUMNS:
        return line, column
    start = max(0, min(column - 1 - MAX_COLUMNS // 2, len(line) - MAX_COLUMNS))
    end = start + MAX_COLUMNS
    left = CUT if start else ""
    right = CUT if end < len(line) else ""
    return left + line[start:end] + right, column - start + len(left)


class P4Error(OvsP4Error):
    """One fault in a P4 program."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


class P4SyntaxError(P4Error):
    """The text is not P4_16."""


class P4TypeError(P4Error):
    """The program breaks a rule of the language."""


class P4UnsupportedError(P4Error):
    """The program is legal, this compiler cannot translate it."""


class P4Errors(OvsP4Error):
    """All faults of one compilation, in source order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.location))
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class TopologyError(OvsP4Error):
    """All faults of one topology file, each with its place and YAML path."""


class FlowError(OvsP4Error):
    """A flow or group text is wrong."""

    def __init__(self, message: str, text: str = "", column: int = 1, length: int = 1, hint: str = "") -> None:
        full = message + _excerpt(text, column, length) + (f"\n  hint: {hint}" if hint else "")
        super().__init__(full)
        self.column = column


class LoadError(OvsP4Error):
    """The machine refused a compiled program."""


class VerifierError(LoadError):
    """The kernel's verifier refused a program."""


class NotSupportedError(LoadError):
    """The kernel, or a package, lacks a feature."""

    def __init__(self, feature: str, remedy: str) -> None:
        super().__init__(f"{feature}: {remedy}")
        self.feature = feature
        self.remedy = remedy


class SwitchError(OvsP4Error):
    """A running switch refused a command, or cannot be reached."""


class TestbedError(OvsP4Error):
    """Something went wrong around the switches."""

    __test__ = False  # the name starts like a test class; pytest must not collect it


class SetupError(TestbedError):
    """A network could not be built."""


class WaitTimeoutError(TestbedError):
    """Something awaited did not happen in time."""
