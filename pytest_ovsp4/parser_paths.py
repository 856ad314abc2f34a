"""The ``parser_path`` fixture: a test that uses it runs once for each path through its network's parser.

``plugin.py`` asks here which paths those are; the paths come from ``datapath.enumerate_paths``.  The compiler and the
solver are imported where they are used: only tests of this kind pay for them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ovsp4.options import load_topology

if TYPE_CHECKING:
    from datapath import CompiledProgram, ParserPath
    from pytest_ovsp4.pool import NetworkKey
    from topologies import Topology

Source = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]  # a P4 file, include folders, macros


@dataclass(frozen=True, eq=False)
class PathOf:
    """A path, and the program that it is through: the value of the fixture's parameter."""

    source: Source
    path: ParserPath

    def __str__(self) -> str:
        outcome = self.path.outcome
        end = outcome.states[-1] if outcome.states else ""
        what = outcome.verdict if outcome.verdict == "accept" else outcome.error
        return f"path{self.path.number}-{what}-{end}-{len(self.path.packet)}B"


@pytest.fixture
def parser_path(request: pytest.FixtureRequest, network_key: NetworkKey | None) -> ParserPath:
    """A path through the parser of the network's switches; the test runs once for each (``datapath.ParserPath``).

    ``parser_path.packet`` is a packet that takes it, byte for byte; ``parser_path.outcome`` says what the parser must
    make of it: ``verdict`` ("accept" or "reject"), ``error``, ``states``, ``headers``.  ``--p4-max-paths`` bounds how
    many there are, ``--topology-seed`` decides the bits that do not matter.
    """
    if network_key is None:
        pytest.skip("needs a network: give --topology=NAME, for example --topology=single")
    wanted: PathOf = request.param
    return wanted.path


def source_of(topology: Topology) -> Source:
    """Return which program a topology's switches run."""
    from datapath import find_program

    return find_program(topology.program), topology.include_dirs, topology.defines


@functools.cache
def _source(specification: str) -> Source:
    return source_of(load_topology(specification))


@functools.cache
def compiled(source: Source) -> CompiledProgram:
    """Return a program compiled.

    Raises:
        pytest.UsageError: It is wrong.
    """
    from datapath import OvsP4Error, compile_program

    file, include_dirs, defines = source
    try:
        return compile_program(file, include_dirs, dict(defines))
    except OvsP4Error as error:
        raise pytest.UsageError(str(error)) from error


@functools.cache
def _paths(source: Source, max_paths: int, seed: int) -> tuple[PathOf, ...]:
    from datapath import OvsP4Error, enumerate_paths

    try:
        found = enumerate_paths(compiled(source).program, max_paths=max_paths, seed=seed)
    except OvsP4Error as error:
        raise pytest.UsageError(str(error)) from error
    return tuple(PathOf(source, path) for path in found.paths)


def paths_for(keys: Iterable[NetworkKey | None], max_paths: int, seed: int) -> list[PathOf | None]:
    """Return the paths of the programs that the networks run, each program's once; [None] if there is no network."""
    sources = dict.fromkeys(_source(key.topology) for key in keys if key is not None)
    return [path for source in sources for path in _paths(source, max_paths, seed)] or [None]


def names_of(paths: Iterable[PathOf | None]) -> list[str]:
    """Return the names of tests' cases, with the program's name where there are several programs."""
    known = [path for path in paths if path is not None]
    several = len({path.source for path in known}) > 1
    return [f"{Path(path.source[0]).stem}-{path}" if several else str(path) for path in known] or ["None"]


def belongs(item: pytest.Item) -> bool:
    """Tell whether a test's path, if it has one, is through the program of the test's network."""
    callspec = getattr(item, "callspec", None)
    path = callspec.params.get("parser_path") if callspec is not None else None
    if callspec is None or path is None:
        return True
    key = callspec.params.get("network_key")
    return key is None or _source(key.topology) == path.source
