"""``ovsp4 compile``: a P4 program to C, for one target, and on request through the kernel's verifier."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datapath.cli.program import add_program_arguments, compile_arguments, complain
from datapath.errors import OvsP4Error

if TYPE_CHECKING:
    from datapath.compiler import CompiledProgram


def add_verbs(subparsers: Any) -> None:
    """Declare ``compile``."""
    parser = subparsers.add_parser("compile", help="compile a P4 program to C")
    add_program_arguments(parser)
    parser.add_argument("--target", choices=("user", "xdp"), required=True, help="what the C is built for")
    parser.add_argument("-o", dest="output", type=Path, metavar="OUT.c", help="write the C there, not to stdout")
    parser.add_argument(
        "--load", action="store_true", help="build it for the target (xdp: through the verifier); print JSON about it"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compile; 0 done, 2 a diagnostic for the user."""
    try:
        compiled = compile_arguments(args)
        for skipped in compiled.program.skipped:
            print(f"note: not used: {skipped}", file=sys.stderr)
        text = f'#include "ctx/{args.target}.h"\n\n{compiled.c_source}'
        if args.output:
            args.output.write_text(text)
        elif not args.load:
            sys.stdout.write(text)
        if args.load:
            print(json.dumps(_load(compiled, args.target)))
    except OvsP4Error as error:
        return complain(error)
    except OSError as error:
        return complain(OvsP4Error(f"{error.filename}: {error.strerror}"))
    return 0


def _load(compiled: CompiledProgram, target: str) -> dict[str, object]:
    """Build for the target, and tell how it went."""
    about: dict[str, object] = {"program": compiled.program.name, "target": target}
    if target == "user":
        import time

        from datapath.user.parse_only import UserParser

        started = time.monotonic()
        UserParser(compiled.program, compiled.layout, compiled.c_source)
        return about | {"load_time_s": round(time.monotonic() - started, 3)}
    from datapath.xdp.loader import load

    loaded = load(compiled.c_source, compiled.layout)
    about |= {"instructions": loaded.n_instructions, "load_time_s": round(loaded.load_time_s, 3)}
    loaded.close()
    return about
