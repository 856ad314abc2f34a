"""The P4_16 front end: source text -> tokens -> syntax tree -> checked -> IR.

``load`` is all that ``compiler.py`` needs; the stages are ``preprocess.py``, ``parser.py``, ``typecheck.py`` and
``lower.py``, in this order.  Every fault that a stage finds is in the one ``P4Errors`` that is raised; a stage runs
only if the one before found nothing wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datapath.errors import Diagnostic
from datapath.ir.model import Program
from datapath.p4.lower import lower
from datapath.p4.parser import parse
from datapath.p4.preprocess import Preprocessor
from datapath.p4.source import Report, StopCompilationError
from datapath.p4.typecheck import typecheck

# parse_stream.MAX_NESTING and MAX_CHAIN bound how deep a tree gets; each level takes a few Python frames per stage.
RECURSION_LIMIT = 20_000


@dataclass(frozen=True)
class LoadedProgram:
    """A program read from its source."""

    program: Program
    warnings: tuple[Diagnostic, ...]
    files: tuple[Path, ...]  # read: the source and what it includes
    absent: tuple[Path, ...] = ()  # files that would have been included, were they there


def load(
    path: str | Path, include_dirs: Sequence[str | Path] = (), defines: Mapping[str, str] | None = None
) -> LoadedProgram:
    """Read a P4_16 program and lower its parser to IR.

    Args:
        path: The source file.
        include_dirs: Searched for ``#include`` before ``datapath/include``.
        defines: Preprocessor macros, name to text.

    Raises:
        P4Errors: All that is wrong with the program.
    """
    report = Report()
    source = Path(path)
    program: Program | None = None
    with _deep_recursion():
        try:
            tokens = Preprocessor(report, [Path(d) for d in include_dirs], defines or {}).run(source)
            tree = parse(tokens, report)
            report.raise_errors()
            info = typecheck(tree, report)
            report.raise_errors()
            program = lower(tree, info, report, source)
        except StopCompilationError:
            pass
    report.raise_errors()
    assert program is not None
    return LoadedProgram(program, report.warnings, tuple(dict.fromkeys(report.files)), tuple(report.absent))


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
