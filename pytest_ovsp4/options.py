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


@dataclass(frozen=True)
class Options:
    """What the command line says about networks."""

    topologies: tuple[str, ...]  # as written: "leaf-spine[leaves=2]"
    datapaths: tuple[str, ...]
    require: bool  # a missing feature fails instead of skipping
    results_dir: Path
    seed: int
    p4_cov: bool  # count which parts of the switches' parsers the tests' packets reach
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
    if mistakes:
        raise pytest.UsageError("\n".join(mistakes))
    return Options(
        topologies=tuple(dict.fromkeys(config.getoption("--topology"))),
        datapaths=tuple(dict.fromkeys(config.getoption("--datapath"))) or ("auto",),
        require=config.getoption("--topology-require"),
        results_dir=Path(config.getoption("--topology-results")).resolve(),
        seed=config.getoption("--topology-seed"),
        p4_cov=config.getoption("--p4-cov"),
        max_paths=config.getoption("--p4-max-paths"),
    )


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
