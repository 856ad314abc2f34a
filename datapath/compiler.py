"""The compiler's driver: P4 source -> IR -> passes -> key layout and C, kept in the cache.

Read by the engines' loaders (C source, layout), the control side (layout) and the command line.
"""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datapath.cache import cache_dir, write_atomically
from datapath.codegen.cursor import counts_bytes
from datapath.codegen.parser_c import generate
from datapath.errors import Diagnostic, Location, P4Error, P4Errors
from datapath.ir.layout import KeyLayout
from datapath.ir.model import Program
from datapath.passes.bound_loops import bound_loops
from datapath.passes.compute_layout import compute_layout, source_states
from datapath.passes.drop_unreachable import drop_unreachable
from datapath.passes.expand_unions import expand_unions
from datapath.passes.fold_constants import fold_constants
from datapath.passes.prune_variables import prune_variables
from datapath.passes.unroll_stacks import unroll_stacks
from datapath.passes.warn import warnings_of
from datapath.passes.warn_unused import unused_warnings
from datapath.source_files import SourceFiles

if TYPE_CHECKING:
    from datapath.p4 import LoadedProgram

HERE = Path(__file__).parent
Pass = Callable[[Program], Program]

PASSES: tuple[Pass, ...] = (
    bound_loops,  # first: which loops are bounded is asked of the program as written
    fold_constants,
    unroll_stacks,
    expand_unions,
    fold_constants,  # lastIndex is a constant now
    drop_unreachable,
    prune_variables,
    fold_constants,  # variables that nothing writes any more
)


@dataclass(frozen=True)
class CompiledProgram:
    """A program as engines and control side use it."""

    program: Program  # as lowered: what the reference model runs
    layout: KeyLayout
    c_source: str
    warnings: tuple[Diagnostic, ...] = ()


def run_passes(program: Program, after: Callable[[str, Program], None] = lambda name, program: None) -> Program:
    """Return the program after all passes.

    Args:
        program: As lowered.
        after: Told each pass by its name, and what it made.
    """
    for step in PASSES:
        program = step(program)
        after(step.__name__, program)
    return program


def compile_ir(program: Program, warnings: tuple[Diagnostic, ...] = ()) -> CompiledProgram:
    """Compile a lowered program.

    Args:
        program: As lowering made it.
        warnings: The front end's.

    Raises:
        P4Errors: Constructs without translation.
    """
    found = list(warnings)
    lowered = run_passes(program)
    found += unused_warnings(program)
    found += warnings_of(lowered, counts_bytes(lowered))
    layout = compute_layout(lowered, source_states(program), found.append)
    return CompiledProgram(program, layout, generate(lowered, layout), _each_once(found))


def _each_once(warnings: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the warnings without those that a later stage has found again."""
    first: dict[tuple[str, Location, str], Diagnostic] = {}
    for warning in warnings:
        first.setdefault((warning.name, warning.location, warning.message), warning)
    return tuple(first.values())


def compile_program(
    path: str | Path, include_dirs: Sequence[str | Path] = (), defines: Mapping[str, str] | None = None
) -> CompiledProgram:
    """Compile a P4 program, or find it compiled in the cache.

    Args:
        path: The source file; of any architecture, only its parser (and deparser and checksums) matter.
        include_dirs: Searched for ``#include``, before our own.
        defines: Preprocessor macros.

    Raises:
        P4Errors: Everything that is wrong with the program.
        OvsP4Error: The file cannot be read.
    """
    defines = dict(defines or {})
    request = [
        str(path),
        str(Path(path).absolute()),
        [str(Path(d).absolute()) for d in include_dirs],
        sorted(defines.items()),
    ]
    name = hashlib.sha256(json.dumps([_own_digest(), request]).encode()).hexdigest()[:32]
    entry = cache_dir() / "programs" / f"{Path(path).stem}-{name}.pickle"
    found = _cached(entry)
    if found is not None:
        return found
    from datapath.p4 import load  # the front end is large, and not needed when the cache knows the answer

    loaded = load(str(path), [str(d) for d in include_dirs], defines)
    compiled = _compile_loaded(loaded)
    files = {str(Path(file).absolute()): _file_digest(Path(file)) for file in (*loaded.files, *loaded.absent)}
    write_atomically(entry, pickle.dumps((files, compiled)))
    return compiled


def _compile_loaded(loaded: LoadedProgram) -> CompiledProgram:
    """Compile what the front end made; the diagnostics of later stages get their source lines."""
    files = SourceFiles()
    try:
        compiled = compile_ir(loaded.program, loaded.warnings)
    except P4Errors as errors:
        raise P4Errors([files.complete(d) for d in errors.diagnostics]) from errors
    except P4Error as error:
        raise type(error)(files.complete(error.diagnostic)) from error
    told = [files.complete(d) for d in compiled.warnings if not _is_ours(d)]
    return replace(compiled, warnings=tuple(sorted(told, key=lambda d: d.location)))


def _is_ours(warning: Diagnostic) -> bool:
    """Tell whether a warning is about the include files that ship: nothing a user could change."""
    return (HERE / "include") in Path(warning.location.file).absolute().parents


def _cached(entry: Path) -> CompiledProgram | None:
    """Return the cached program if each file that it was made from is still the same, or still absent."""
    try:
        files, compiled = pickle.loads(entry.read_bytes())
    except OSError:
        return None
    except (EOFError, pickle.UnpicklingError, AttributeError, ImportError, LookupError, TypeError, ValueError):
        return None  # damaged: made again
    if any(_file_digest(Path(file)) != digest for file, digest in files.items()):
        return None
    assert isinstance(compiled, CompiledProgram)
    return compiled


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


OWN_FILES = ("compiler.py", "errors.py", "source_files.py")


@functools.cache
def _own_digest() -> str:
    """Hash the compiler itself: another compiler, another cache entry."""
    digest = hashlib.sha256()
    parts = [p for d in ("p4", "ir", "passes", "codegen", "include") for p in (HERE / d).rglob("*") if p.is_file()]
    for file in sorted([*(p for p in parts if p.suffix in (".py", ".p4")), *(HERE / name for name in OWN_FILES)]):
        digest.update(f"{file.relative_to(HERE)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
