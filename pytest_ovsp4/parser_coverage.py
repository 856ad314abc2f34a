"""``--p4-cov``: which states, transitions and select arms of the switches' parsers the tests' packets took.

Each test's packets (injected, sent by ``throughput``, captured) are counted when it ends, by the reference model; the
counts travel with the test's report, so they also arrive from xdist workers.  The summary is made of the reports.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datapath import CoverageItem, ParserCoverage, annotate, annotate_html
from pytest_ovsp4.parser_paths import Source, compiled, source_of

if TYPE_CHECKING:
    from pytest_ovsp4.journal import Journal
    from topologies import Topology

_PROPERTY = "ovsp4_p4_coverage"
_MISSED_SHOWN = 20  # of each program; the annotated source shows all


def count_packets(journal: Journal, topology: Topology) -> tuple[str, str]:
    """Return what a test's packets reached, as a property of its report."""
    source = source_of(topology)
    coverage = ParserCoverage(compiled(source).program)
    seen = Counter((host, bytes(packet)) for host, packet in journal.injected + journal.generated)
    for host, capture in journal.captures:
        seen.update((host, frame.data) for frame in capture.frames)
    for (host, packet), n in seen.items():
        coverage.add(packet, topology.attachment(host).port, n)
    return _PROPERTY, json.dumps([source, coverage.to_json()])


def show(terminal: pytest.TerminalReporter, results_dir: Path) -> None:
    """Print the coverage of each program and what was missed; write the annotated sources."""
    found: dict[Source, ParserCoverage] = {}
    for outcome in ("", "passed", "failed", "error", "skipped"):
        for report in terminal.getreports(outcome):
            if getattr(report, "when", "") == "teardown":
                _collect(report, found)
    if not found:
        return
    terminal.section("parser coverage")
    for source, coverage in found.items():
        _show_program(terminal, source, coverage)
        folder = results_dir / "p4-coverage"
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / Path(source[0]).name
        name.with_suffix(".p4.cov").write_text(annotate(coverage))
        name.with_suffix(".html").write_text(annotate_html(coverage))
        terminal.write_line(f"annotated source: {name.with_suffix('.p4.cov')} and .html")


def _collect(report: pytest.TestReport, found: dict[Source, ParserCoverage]) -> None:
    for name, value in report.user_properties:
        if name == _PROPERTY:
            (file, include_dirs, defines), data = json.loads(str(value))
            source: Source = file, tuple(include_dirs), tuple((macro, text) for macro, text in defines)
            if source not in found:
                found[source] = ParserCoverage(compiled(source).program)
            found[source].merge(data)


def _show_program(terminal: pytest.TerminalReporter, source: Source, coverage: ParserCoverage) -> None:
    parts = []
    missed: list[CoverageItem] = []
    for kind in ("state", "transition", "arm"):
        items = coverage.of_kind(kind)
        missed += [item for item in items if not item.hits]
        hit = sum(1 for item in items if item.hits)
        percent = f"{100 * hit // len(items)}%" if items else "-"
        parts.append(f"{kind}s {hit}/{len(items)} ({percent})")
    terminal.write_line(f"{Path(source[0]).name}: {coverage.n_packets} packets; {', '.join(parts)}")
    for item in missed[:_MISSED_SHOWN]:
        place = f"{Path(item.location.file).name}:{item.location.line}" if item.location else coverage.program.source
        terminal.write_line(f"  missed {place}: {item.kind} {item.name}")
    if len(missed) > _MISSED_SHOWN:
        terminal.write_line(f"  and {len(missed) - _MISSED_SHOWN} more")
