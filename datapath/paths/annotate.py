"""Shows parser coverage in the source: before each line that packets can reach, how often they did.

Fed by ``coverage.py``; ``coverage_html.py`` makes pages of it, the pytest plugin writes the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datapath.paths.coverage import CoverageItem, ParserCoverage

MISSED = "#####"  # as gcov has it


@dataclass(frozen=True)
class Line:
    """A line of a source file."""

    number: int
    text: str
    items: tuple[CoverageItem, ...]  # that stand there

    @property
    def hits(self) -> int | None:
        """Return how often what was reached least was; None where there is nothing to reach."""
        return min((item.hits for item in self.items), default=None)


def annotate(coverage: ParserCoverage) -> str:
    """Return the sources as text: hits, line number, line."""
    parts = []
    for file, lines in source_lines(coverage):
        rows = [f"{_count(line.hits):>9}:{line.number:5}: {line.text}".rstrip() for line in lines]
        parts.append("\n".join([f"{'-':>9}:    0: {file}", *rows]))
    return "\n".join(parts) + "\n"


def _count(hits: int | None) -> str:
    return "-" if hits is None else str(hits) if hits else MISSED


def source_lines(coverage: ParserCoverage) -> Iterator[tuple[str, list[Line]]]:
    """Yield each source file that has a part of the parser, with its lines."""
    found: dict[str, dict[int, list[CoverageItem]]] = {}
    for item in coverage.items():
        if item.location is not None:
            found.setdefault(item.location.file, {}).setdefault(item.location.line, []).append(item)
    for lines in found.values():
        for items in lines.values():  # an arm says more than the transition that begins with it
            if any(item.kind == "arm" for item in items):
                items[:] = [item for item in items if item.kind != "transition"]
    for file, by_line in found.items():
        try:
            text = Path(file).read_text(errors="replace")
        except OSError:
            continue  # it was moved since it was compiled
        yield file, [Line(n, line, tuple(by_line.get(n, ()))) for n, line in enumerate(text.splitlines(), 1)]
