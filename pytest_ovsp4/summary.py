"""The table at the end of a run: what was proven on which network.

Everything it shows travels as user properties of the test reports (``journal.py`` writes them), so that it also arrives
from xdist workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NETWORK = "ovsp4_network"  # property: the network that a test ran on
ABOUT = "ovsp4_about"  # a line about a network
MEASURE = "ovsp4_measure"  # a line about something measured
COUNT = "ovsp4_count_"  # with what was counted behind it: "NETWORK=NUMBER"

_OUTCOMES = ("passed", "failed", "error", "skipped")
_ALWAYS = ("passed", "injected", "expected")
_COLUMNS = (*_OUTCOMES, "injected", "expected", "checksums", "measured")


@dataclass
class _Summary:
    rows: dict[str, Counter[str]] = field(default_factory=dict)  # by network
    lines: dict[str, None] = field(default_factory=dict)  # in order, each once
    measures: list[str] = field(default_factory=list)
    skips: dict[str, None] = field(default_factory=dict)  # why tests were skipped, each reason once

    def add(self, outcome: str, name: str, value: str) -> None:
        """Take one property of a report."""
        if name == NETWORK:
            self.rows.setdefault(value, Counter())[outcome] += 1
        elif name.startswith(COUNT):
            network, _, number = value.rpartition("=")
            self.rows.setdefault(network, Counter())[name.removeprefix(COUNT)] += int(number)
        elif name == ABOUT:
            self.lines[value] = None
        elif name == MEASURE:
            self.measures.append(value)


def show_summary(terminal: pytest.TerminalReporter, results_dir: Path) -> None:
    """Print a row for each network, then what it was and what was measured on it; nothing if none was used."""
    summary = _Summary()
    for outcome, name, value in _properties(terminal):
        summary.add(outcome, name, value)
    for report in terminal.getreports("skipped"):
        if any(name == NETWORK for name, _ in report.user_properties):
            summary.skips.setdefault(str(report.longrepr[2]).removeprefix("Skipped: "))
    if not summary.rows:
        return
    terminal.section("networks")
    columns = [c for c in _COLUMNS if c in _ALWAYS or any(row[c] for row in summary.rows.values())]
    cells = [["network", *columns]]
    cells += [[network, *(str(row[c]) for c in columns)] for network, row in summary.rows.items()]
    for line in (*_table(cells), *summary.lines, *summary.measures, *(f"skipped: {why}" for why in summary.skips)):
        terminal.write_line(line)
    if any(row["failed"] or row["error"] for row in summary.rows.values()) and results_dir.is_dir():
        terminal.write_line(f"captures and logs of what failed: {results_dir}")


def _properties(terminal: pytest.TerminalReporter) -> Iterator[tuple[str, str, str]]:
    for outcome in _OUTCOMES:
        for report in terminal.getreports(outcome):
            for name, value in getattr(report, "user_properties", ()):
                yield outcome, str(name), str(value)


def _table(cells: list[list[str]]) -> Iterable[str]:
    """Return aligned lines; the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for first, *numbers in cells:
        yield "  ".join([first.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:], strict=True))])
