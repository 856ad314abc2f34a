"""The arguments that name a P4 program, and its compilation for the command line; shared by the verbs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from datapath.cli.warning_options import WarningOptions, add_warning_arguments
from datapath.errors import OvsP4Error, P4Errors

if TYPE_CHECKING:
    from datapath.compiler import CompiledProgram

SKIPPED = "skipped-part"
MAX_SKIPPED = 5  # faults told in parts that are not used, unless they are errors
EXIT_USER = 2  # the user has to change something, and was told what


def add_program_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the source file, ``-I``, ``-D`` and ``-W``."""
    parser.add_argument("program", type=Path, metavar="X.p4", help="the P4 program")
    parser.add_argument(
        "-I", dest="include_dirs", action="append", default=[], metavar="DIR", help="search DIR for #include"
    )
    parser.add_argument(
        "-D", dest="defines", action="append", default=[], metavar="NAME[=VALUE]", help="define a macro"
    )
    add_warning_arguments(parser)


def compile_arguments(args: argparse.Namespace) -> CompiledProgram:
    """Compile the program that the arguments name; warnings go to standard error.

    Raises:
        OvsP4Error: With everything that is wrong, warnings that ``-Werror`` makes errors included.
    """
    from datapath.compiler import compile_program

    options = WarningOptions(args.warnings)
    defines = dict(_define(text) for text in args.defines)
    compiled = compile_program(args.program, args.include_dirs, defines)
    told = options.apply(compiled.warnings)
    warnings = [warning for warning in told if warning.severity == "warning"]
    skipped = [warning for warning in warnings if warning.name == SKIPPED]
    for warning in warnings:
        if warning not in skipped[MAX_SKIPPED:]:
            print(warning, file=sys.stderr)
    if len(skipped) > MAX_SKIPPED:
        print(f"note: and {len(skipped) - MAX_SKIPPED} more in parts that are not used", file=sys.stderr)
    errors = [warning for warning in told if warning.severity == "error"]
    if errors:
        raise P4Errors(errors)
    return compiled


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the command line names.

    Raises:
        OvsP4Error: It cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OvsP4Error(f"{path}: {error.strerror}") from error


def _define(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name.isidentifier():
        raise OvsP4Error(f"-D {text}: not a macro name; write -D NAME or -D NAME=VALUE")
    return name, value if separator else "1"


def complain(error: OvsP4Error) -> int:
    """Print an error as it is (diagnostics begin with file:line:col); returns the exit status."""
    print(error, file=sys.stderr)
    return EXIT_USER
