"""Where pytest comes in: options, markers, on which networks a test runs, and what is reported at the end.

The entry point (``pytest11``).  ``options.py`` checks the command line, ``pool.py`` keeps the networks, ``fixtures.py``
is what tests use, ``parser_paths.py`` runs them for each path through a parser, ``summary.py`` and
``parser_coverage.py`` show what came out.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType

import pytest

from datapath import OvsP4Error
from pytest_ovsp4 import fixtures, keys, parser_paths
from pytest_ovsp4.options import add_options, load_topology, read_options
from pytest_ovsp4.pool import NetworkKey, Pool
from pytest_ovsp4.summary import NETWORK, show_summary

_OUR_FOLDERS = [Path(__file__).parents[1] / name for name in ("datapath", "pytest_ovsp4", "testbed", "topologies")]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Check the options and prepare the pool of networks."""
    config.addinivalue_line(
        "markers",
        "topology(spec, datapath=None): run this test on that network, or on each of several, instead of --topology's",
    )
    config.pluginmanager.register(fixtures, "ovsp4-fixtures")
    config.pluginmanager.register(parser_paths, "ovsp4-parser-paths")
    options = read_options(config)
    config.stash[keys.OPTIONS] = options
    config.stash[keys.POOL] = Pool(options.results_dir, options.require)
    if options.p4_cov:
        from pytest_ovsp4.parser_coverage import CoverageOfRun

        config.pluginmanager.register(CoverageOfRun(options), "ovsp4-parser-coverage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses a network on each network asked for."""
    if "network_key" not in metafunc.fixturenames:
        return
    wanted = _wanted(metafunc.definition, metafunc.config)
    metafunc.parametrize("network_key", wanted, ids=str, indirect=True, scope="session")
    if "parser_path" in metafunc.fixturenames:
        options = metafunc.config.stash[keys.OPTIONS]
        paths = parser_paths.paths_for(wanted, options.max_paths, options.seed)
        metafunc.parametrize("parser_path", paths, ids=parser_paths.names_of(paths), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drop the combinations of a network and a path through the parser of another one."""
    items[:] = [item for item in items if parser_paths.belongs(item)]


def _wanted(item: pytest.Item, config: pytest.Config) -> list[NetworkKey | None]:
    """Return the networks that a test runs on: its marker's, else the command line's; [None] if neither says."""
    options = config.stash[keys.OPTIONS]
    specs, datapaths = options.topologies, options.datapaths
    marker = item.get_closest_marker("topology")
    if marker is not None:
        if not marker.args:
            raise pytest.Collector.CollectError(f"{item.nodeid}: topology marker without a topology")
        specs = tuple(_beside(item, spec) for spec in marker.args)
        _check_marker(item, specs)
        chosen = marker.kwargs.get("datapath")
        datapaths = datapaths if chosen is None else (chosen,) if isinstance(chosen, str) else tuple(chosen)
    return [NetworkKey(spec, datapath) for spec in specs for datapath in datapaths] or [None]


def _check_marker(item: pytest.Item, specs: tuple[str, ...]) -> None:
    """Refuse a marker whose topology is wrong, with what is wrong with it and nothing of pytest's way here."""
    try:
        for spec in specs:
            load_topology(spec)
    except pytest.UsageError as error:
        raise pytest.Collector.CollectError(f"{item.nodeid}: its topology marker\n{error}") from None


def _beside(item: pytest.Item, spec: str) -> str:
    """Return a marker's topology with its file, if it lies beside the test's, as an absolute path.

    Also where it is nowhere: the message is to name the files beside the test.
    """
    file, bracket, parameters = spec.partition("[")
    path = item.path.parent / file
    is_path = file.endswith((".yaml", ".yml")) and not Path(file).exists()
    return f"{path}{bracket}{parameters}" if is_path or path.is_file() else spec


def _end_in_the_test(error: BaseException) -> None:
    """Cut our own calls off the end of a traceback, unless nothing of a test's comes before them."""
    steps = list(_steps(error.__traceback__))
    while steps and any(Path(steps[-1].tb_frame.f_code.co_filename).is_relative_to(own) for own in _OUR_FOLDERS):
        steps.pop()
    if not steps or steps[-1].tb_frame.f_globals.get("__name__", "").startswith(("_pytest.", "pluggy.")):
        return
    kept: TracebackType | None = None
    for step in reversed(steps):
        kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    error.__traceback__ = kept


def _steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the network that the test ran on, for the summary; show where a mistake was made, not where we noticed."""
    if call.excinfo is not None and isinstance(call.excinfo.value, OvsP4Error) and not item.config.option.fulltrace:
        _end_in_the_test(call.excinfo.value)
        call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)
    report = yield
    callspec = getattr(item, "callspec", None)
    key = callspec.params.get("network_key") if callspec is not None else None
    if key is not None and (report.when == "call" or report.outcome != "passed"):
        report.user_properties.append((NETWORK, str(key)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was proven on which network."""
    show_summary(terminalreporter, config.stash[keys.OPTIONS].results_dir)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the networks; last, because after Ctrl-C pytest tears down the fixtures that use them in this hook."""
    session.config.stash[keys.POOL].stop()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop them also where the session did not get to its end."""
    if keys.POOL in config.stash:
        config.stash[keys.POOL].stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which networks the tests run on."""
    options = config.stash[keys.OPTIONS]
    if not options.topologies:
        return []
    line = f"ovsp4: {', '.join(options.topologies)} on {', '.join(options.datapaths)}; seed {options.seed}"
    return [line if os.geteuid() == 0 else f"{line}; not root: tests that need a network are skipped"]
