"""The plugin's command-line options, checked before any test is collected; read by ``plugin.py`` and ``pool.py``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datapath import TopologyError

if TYPE_CHECKING:
    from topologies import Topology

DATAPATHS = ("xdp", "afxdp", "auto")
COVERAGE_REPORTS = ("term", "term-missing", "text", "html", "json")


@dataclass(frozen=True)
class CoverageReport:
    """A report on parser coverage."""

    kind: str  # of COVERAGE_REPORTS
    place: Path | None = None  # file (json) or folder (text, html) to write to; None: the usual one


USUAL_REPORTS = tuple(CoverageReport(kind) for kind in ("term-missing", "text", "html"))


@dataclass(frozen=True)
class Options:
    """What the command line says about networks."""

    topologies: tuple[str, ...]  # as written: "leaf-spine[leaves=2]"
    datapaths: tuple[str, ...]
    require: bool  # a missing feature fails instead of skipping
    results_dir: Path
    seed: int
    p4_cov: bool  # count which parts of the switches' parsers the tests' packets reach
    p4_cov_reports: tuple[CoverageReport, ...]
    p4_cov_fail_under: float  # percent that must be reached, 0: any
    max_paths: int  # through a parser, for tests that use parser_path


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, in a group of their own in ``pytest --help``."""
    group = parser.getgroup("ovsp4", "networks of P4-programmed switches")
    group.addoption(
        "--topology",
        action="append",
        default=[],
        metavar="SPEC",
        help="network to run the tests on: a shipped name, a YAML file, either with parameters, as in "
        "leaf-spine[leaves=2,spines=2]; repeat it to run the tests on several",
    )
    group.addoption(
        "--datapath",
        action="append",
        default=[],
        choices=DATAPATHS,
        help="engine of the switches: xdp (kernel, AF_XDP behind it), afxdp (userspace alone), auto (xdp where the "
        "kernel takes the program; the default); repeat it to run the tests on each",
    )
    group.addoption(
        "--topology-require",
        action="store_true",
        help="fail, instead of skip, where the machine lacks what a network needs",
    )
    group.addoption(
        "--topology-results",
        default="ovsp4-results",
        metavar="DIR",
        help="where captures and logs of failed tests go (default: ovsp4-results)",
    )
    group.addoption(
        "--topology-seed",
        type=int,
        default=1,
        metavar="N",
        help="seed of the generated traffic: the same seed sends the same packets (default: 1)",
    )
    group.addoption(
        "--p4-cov",
        action="store_true",
        help="show which states, transitions and select arms of the switches' parsers the tests' packets reached; the "
        "annotated source goes to the results",
    )
    group.addoption(
        "--p4-cov-report",
        action="append",
        default=[],
        metavar="TYPE[:PLACE]",
        help="parser coverage as term, term-missing, text, html (a folder each) or json (a file); repeatable, empty: "
        "none; default: term-missing, text and html",
    )
    group.addoption(
        "--p4-cov-fail-under",
        type=float,
        default=0,
        metavar="PERCENT",
        help="fail if less of all states, transitions and select arms was reached",
    )
    group.addoption(
        "--p4-max-paths",
        type=int,
        default=1000,
        metavar="N",
        help="run tests that use parser_path on at most N paths through each parser (default: 1000)",
    )


def read_options(config: pytest.Config) -> Options:
    """Return the options, every topology checked.

    Raises:
        pytest.UsageError: A topology does not exist or is wrong; all mistakes of all of them are in the message.
    """
    mistakes = []
    if config.getoption("--topology"):
        import topologies  # only who asks for a network pays for it

    for spec in config.getoption("--topology"):
        try:
            topologies.load(spec)
        except TopologyError as error:
            mistakes.append(str(error))
    if config.getoption("--p4-max-paths") < 1:
        mistakes.append("--p4-max-paths: at least 1 is wanted")
    if not 0 <= config.getoption("--p4-cov-fail-under") <= 100:
        mistakes.append("--p4-cov-fail-under: a number from 0 to 100 is wanted")
    for text in config.getoption("--p4-cov-report"):
        kind, separator, place = text.partition(":")
        if text and (kind not in COVERAGE_REPORTS or (separator and (not place or kind.startswith("term")))):
            mistakes.append(
                f"--p4-cov-report={text}: one of {', '.join(COVERAGE_REPORTS)} is wanted, the last three "
                "with :PLACE where they are to be written elsewhere"
            )
    if mistakes:
        raise pytest.UsageError("\n".join(mistakes))
    return Options(
        topologies=tuple(dict.fromkeys(config.getoption("--topology"))),
        datapaths=tuple(dict.fromkeys(config.getoption("--datapath"))) or ("auto",),
        require=config.getoption("--topology-require"),
        results_dir=Path(config.getoption("--topology-results")).resolve(),
        seed=config.getoption("--topology-seed"),
        p4_cov=any(config.getoption(name) for name in ("--p4-cov", "--p4-cov-report", "--p4-cov-fail-under")),
        p4_cov_reports=_reports(config.getoption("--p4-cov-report")),
        p4_cov_fail_under=config.getoption("--p4-cov-fail-under"),
        max_paths=config.getoption("--p4-max-paths"),
    )


def _reports(texts: list[str]) -> tuple[CoverageReport, ...]:
    """Return the reports on parser coverage that are asked for; ``read_options`` has checked them."""
    if not texts:
        return USUAL_REPORTS
    parts = [text.partition(":") for text in dict.fromkeys(texts) if text]
    return tuple(CoverageReport(kind, Path(place).resolve() if place else None) for kind, _, place in parts)


def load_topology(spec: str) -> Topology:
    """Return the topology that a marker names.

    Raises:
        pytest.UsageError: It does not exist or is wrong.
    """
    import topologies

    try:
        return topologies.load(spec)
    except TopologyError as error:
        raise pytest.UsageError(str(error)) from error
