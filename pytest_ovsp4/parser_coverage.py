"""``--p4-cov``: which states, transitions and select arms of the switches' parsers the tests' packets took.

Each test's packets (injected, sent by ``throughput``, captured) are counted when it ends, by the reference model; the
counts travel with the test's report, so they also arrive from xdist workers.  ``CoverageOfRun`` adds them up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datapath import ParserCoverage, Share, annotate, index_page, program_page, share
from pytest_ovsp4.parser_paths import Source, compiled, source_of

if TYPE_CHECKING:
    from datapath import CoverageItem
    from pytest_ovsp4.journal import Journal
    from pytest_ovsp4.options import CoverageReport, Options
    from topologies import Topology

_PROPERTY = "ovsp4_p4_coverage"
_KINDS = ("state", "transition", "arm")
_MISSED_SHOWN = 20  # states of each program; the annotated source shows all


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


class CoverageOfRun:
    """A plugin of pytest's: takes the counts from the reports, shows them, and fails a run that reached too little."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.programs: dict[Source, ParserCoverage] = {}

    # ------------------------------------------------------------------------------------------ hooks
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test reached."""
        for name, value in report.user_properties if report.when == "teardown" else ():
            if name == _PROPERTY:
                (file, include_dirs, defines), data = json.loads(str(value))
                source: Source = file, tuple(include_dirs), tuple((macro, text) for macro, text in defines)
                if source not in self.programs:
                    self.programs[source] = ParserCoverage(compiled(source).program)
                self.programs[source].merge(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if it reached too little; of xdist's processes only the first knows."""
        passed = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if passed and not hasattr(session.config, "workerinput") and self._is_too_little():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Make the reports that were asked for."""
        required = self.options.p4_cov_fail_under
        if not self.programs and not required:
            return
        terminalreporter.section("parser coverage")
        kinds = {report.kind for report in self.options.p4_cov_reports}
        if self.programs and kinds & {"term", "term-missing"}:
            for line in self._table():
                terminalreporter.write_line(line)
        if "term-missing" in kinds:
            for line in (line for coverage in self.programs.values() for line in _missed(coverage)):
                terminalreporter.write_line(line)
        for report in self.options.p4_cov_reports if self.programs else ():
            self._write(terminalreporter, report)
        if required:
            what = "not reached" if self._is_too_little() else "reached"
            line = f"required parser coverage of {required:g}% {what}: {self._percent():.2f}%"
            terminalreporter.write_line(f"FAIL {line}" if self._is_too_little() else line)

    # ------------------------------------------------------------------------------------------ the terminal
    def _percent(self) -> float:
        return share(self._items()).percent if self.programs else 0

    def _is_too_little(self) -> bool:
        return self._percent() < self.options.p4_cov_fail_under

    def _items(self) -> list[CoverageItem]:
        return [item for coverage in self.programs.values() for item in coverage.items()]

    def _table(self) -> Iterator[str]:
        rows = [("program", "packets", *(f"{kind}s" for kind in _KINDS), "coverage")]
        for source, coverage in self.programs.items():
            rows.append(_row(Path(source[0]).name, str(coverage.n_packets), coverage.items()))
        if len(self.programs) > 1:
            rows.append(_row("total", str(sum(c.n_packets for c in self.programs.values())), self._items()))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for first, *others in rows:
            cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
            yield "  ".join([first.ljust(widths[0]), *cells])

    # ------------------------------------------------------------------------------------------ files
    def _write(self, terminal: pytest.TerminalReporter, report: CoverageReport) -> None:
        """Write a report that is a file or several, and say where."""
        folder = self.options.results_dir / "p4-coverage"
        if report.kind == "json":
            place = report.place or folder / "coverage.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(self._as_json(), indent=1) + "\n")
        elif report.kind in ("text", "html"):
            place = report.place or folder
            place.mkdir(parents=True, exist_ok=True)
            names = self._file_names()
            for source, coverage in self.programs.items():
                if report.kind == "text":
                    (place / f"{names[source]}.p4.cov").write_text(annotate(coverage))
                else:
                    (place / f"{names[source]}.html").write_text(program_page(coverage, "index.html"))
            if report.kind == "html":
                pages = [(f"{names[source]}.html", coverage) for source, coverage in self.programs.items()]
                place /= "index.html"
                place.write_text(index_page(pages))
        else:
            return
        terminal.write_line(f"{report.kind}: {place}")

    def _file_names(self) -> dict[Source, str]:
        """Return the files' names without suffix: the program's, numbered where several have one name."""
        names: dict[Source, str] = {}
        seen = Counter[str]()
        for source in self.programs:
            stem = Path(source[0]).stem
            seen[stem] += 1
            names[source] = stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"
        return names

    def _as_json(self) -> dict[str, object]:
        programs = [
            {
                "file": source[0],
                "defines": dict(source[2]),
                "packets": coverage.n_packets,
                "totals": _totals(coverage.items()),
                "items": [_item(item) for item in coverage.items()],
            }
            for source, coverage in self.programs.items()
        ]
        return {"totals": _totals(self._items()), "programs": programs}


# ---------------------------------------------------------------------------------------------------- parts of reports
def _row(name: str, packets: str, items: list[CoverageItem]) -> tuple[str, ...]:
    shares = [str(_share_of(items, kind)) for kind in _KINDS]
    return (name, packets, *shares, f"{int(share(items).percent)}%")


def _share_of(items: list[CoverageItem], kind: str) -> Share:
    return share(item for item in items if item.kind == kind)


def _missed(coverage: ParserCoverage) -> Iterator[str]:
    """Yield a line for each state of which something was missed: where, which state, and what."""
    missed = list(coverage.missed().items())
    for state, items in missed[:_MISSED_SHOWN]:
        where = items[0].location
        place = f"{Path(where.file).name}:{where.line}" if where else coverage.program.source
        what = "" if items[0].kind == "state" else f": {', '.join(_label(item) for item in items)}"
        yield f"missed {place}: state {state}{what}"
    if len(missed) > _MISSED_SHOWN:
        yield f"and something of {len(missed) - _MISSED_SHOWN} more states"


def _label(item: CoverageItem) -> str:
    return f"-> {item.label}" if item.kind == "transition" else item.label


def _totals(items: list[CoverageItem]) -> dict[str, object]:
    parts = {f"{kind}s": _share_of(items, kind) for kind in _KINDS}
    counts = {name: {"reached": part.hit, "all": part.all} for name, part in parts.items()}
    return {**counts, "percent": round(share(items).percent, 2)}


def _item(item: CoverageItem) -> dict[str, object]:
    place = {"file": item.location.file, "line": item.location.line} if item.location else {}
    return {"kind": item.kind, "state": item.state, "name": item.name, **place, "hits": item.hits}
