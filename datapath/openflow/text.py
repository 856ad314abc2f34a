"""Pieces of a flow text that know where they stand, and the collection of everything wrong with it.

Used by the parsers of this folder; ``Faults`` ends as one FlowError with a caret under each fault.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from datapath.errors import FlowError

N_LEGAL_MAX = 60  # names listed in a message; more would bury the fault
N_FAULTS_MAX = 20  # faults told of one text, and texts whose faults are told


@dataclass(frozen=True)
class Span:
    """``text`` as it stands at ``start`` (from 0) of the line ``line``."""

    text: str
    start: int
    line: str

    @staticmethod
    def whole(line: str) -> Span:
        return Span(line, 0, line)

    def cut(self, start: int, end: int | None = None) -> Span:
        """Return the part from ``start`` to ``end`` of this span."""
        return Span(self.text[start:end], self.start + start, self.line)

    def strip(self) -> Span:
        """Return the span without blanks at either end."""
        lead = len(self.text) - len(self.text.lstrip())
        return self.cut(lead, lead + len(self.text.strip()))

    def partition(self, separator: str) -> tuple[Span, Span | None]:
        """Return what is before the first ``separator`` and what is behind it; None if there is none."""
        at = self.text.find(separator)
        if at < 0:
            return self.strip(), None
        return self.cut(0, at).strip(), self.cut(at + len(separator)).strip()

    def split(self, separators: str = ", \t") -> list[Span]:
        """Return the non-empty parts between separators that stand outside brackets."""
        parts, start, depth = [], 0, 0
        for at, char in enumerate(self.text):
            depth += (char in "([") - (char in ")]")
            if char in separators and depth <= 0:
                parts.append(self.cut(start, at))
                start = at + 1
        parts.append(self.cut(start))
        return [part.strip() for part in parts if part.text.strip()]


class Faults:
    """What is wrong with one or several texts; reported together, up to a number above which nobody reads on."""

    def __init__(self) -> None:
        self._errors: list[FlowError] = []

    def add(self, span: Span, message: str, hint: str = "") -> None:
        """Note a fault at a span.

        Raises:
            FlowError: Enough has been noted.
        """
        self.extend(FlowError(message, span.line, span.start + 1, max(1, len(span.text)), hint))

    def extend(self, other: FlowError) -> None:
        """Take over the faults that another text was refused with.

        Raises:
            FlowError: Enough has been noted.
        """
        self._errors.append(other)
        if len(self._errors) == N_FAULTS_MAX:
            self._errors.append(FlowError("what stands behind this was not read"))
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise FlowError if any fault was noted."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            combined = FlowError("\n".join(str(error) for error in self._errors))
            combined.column = self._errors[0].column
            raise combined


def suggest(name: str, legal: Iterable[str]) -> str:
    """Return "did you mean X?" if a legal name is close, else the legal names.

    Args:
        name: What was written.
        legal: What could have been.
    """
    names = sorted(set(legal))
    folded = {n.lower(): n for n in reversed(names)}
    # A forgotten header: compare with the last part of dotted names; a forgotten ending: with the beginnings; P4's way
    # to a field has the parameter's name in front: hdr.ipv4.ttl.
    near = [n for n in names if n.lower().rpartition(".")[2] == name.lower()]
    near = near or [folded[n] for n in [name.lower().partition(".")[2]] if n in folded]
    near = near or [folded[n] for n in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.65)]
    close = near[:3] or [n for n in names if len(name) > 1 and n.lower().startswith(name.lower())][:3]
    if close:
        return f"did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:N_LEGAL_MAX])
    return f"legal: {shown}" + (f" and {len(names) - N_LEGAL_MAX} more" if len(names) > N_LEGAL_MAX else "")


def parse_unsigned(text: str) -> int | None:
    """Return a decimal, 0x, 0b or 0o number, or None if the text is none."""
    if re.fullmatch(r"[0-9][0-9_]*", text):
        return int(text.replace("_", ""), 10)
    if re.fullmatch(r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+", text):
        digits = text[2:].replace("_", "")
        return int(digits, {"x": 16, "b": 2, "o": 8}[text[1].lower()]) if digits else None
    return None
