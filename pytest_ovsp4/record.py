"""What the tests did on each network, for the summary at the end; filled by ``fixtures.py`` and by test reports.

Numbers travel to the summary as user properties of the test reports, so that they also arrive from xdist workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

_COUNTED = ("injected", "expected", "checksums", "measured")
_MEASURE_PREFIX = "ovsp4_measure"


class Record:
    """Collects the reports' properties."""

    def show(self, terminal: pytest.TerminalReporter, results_dir: Path) -> None:
        """Print a table, a row for each network, and what was measured."""
        outcomes: dict[str, Counter[str]] = {}
        measures: list[str] = []
        for outcome in ("passed", "failed", "error", "skipped"):
            for report in terminal.getreports(outcome):
                for name, value in getattr(report, "user_properties", ()):
                    if name == "ovsp4_network":
                        outcomes.setdefault(str(value), Counter())[outcome] += 1
                    elif name.startswith("ovsp4_count_"):
                        _, _, what = name.partition("ovsp4_count_")
                        network, _, number = str(value).rpartition("=")
                        outcomes.setdefault(network, Counter())[what] += int(number)
                    elif name == _MEASURE_PREFIX:
                        measures.append(str(value))
        if not outcomes:
            return
        terminal.section("networks")
        columns = ["passed", "failed", "error", "skipped", *_COUNTED]
        columns = [c for c in columns if c in ("passed", *_COUNTED[:2]) or any(row[c] for row in outcomes.values())]
        for line in _table(
            ["network", *columns], ([name, *(str(row[c]) for c in columns)] for name, row in outcomes.items())
        ):
            terminal.write_line(line)
        for measure in measures:
            terminal.write_line(measure)
        if any(row["failed"] or row["error"] for row in outcomes.values()) and results_dir.is_dir():
            terminal.write_line(f"captures and logs of what failed: {results_dir}")


def _table(header: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Return aligned lines; the first column to the left, numbers to the right."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    ]
