"""``ovsp4 compile``: a P4 program to C, for one target, and on request through the kernel's verifier.

``--dump-after`` shows the IR on the way there instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datapath.cli.program import add_program_arguments, compile_arguments, complain, write_file
from datapath.cli.warning_options import HelpWarnings
from datapath.errors import OvsP4Error

MAX_NAMES = 8  # of controls told in a note

if TYPE_CHECKING:
    from datapath.compiler import CompiledProgram
    from datapath.ir.model import Program


def add_verbs(subparsers: Any) -> None:
    """Declare ``compile``."""
    parser = subparsers.add_parser("compile", help="compile a P4 program to C")
    add_program_arguments(parser)
    parser.add_argument("--target", choices=("user", "xdp"), help="what the C is built for")
    parser.add_argument("-o", dest="output", type=Path, metavar="OUT.c", help="write the C there, not to stdout")
    parser.add_argument(
        "--load", action="store_true", help="build it for the target (xdp: through the verifier); print JSON about it"
    )
    parser.add_argument(
        "--dump-after",
        dest="dump_after",
        action="append",
        default=[],
        metavar="PASS",
        help="print the IR after this pass (repeatable; all, or lower: before the first); no C then, but with -o",
    )
    parser.add_argument("--help-warnings", action=HelpWarnings, help="list the warnings and exit")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Compile; 0 done, 2 a diagnostic for the user."""
    if args.target is None and (args.output or args.load or not args.dump_after):
        args.usage_error("the following arguments are required: --target")
    try:
        check_pass_names(args.dump_after)
        compiled = compile_arguments(args)
        for note in notes(compiled.program):
            print(f"note: {note}", file=sys.stderr)
        if args.dump_after:
            sys.stdout.writelines(dumps(compiled.program, args.dump_after))
        text = f'#include "ctx/{args.target}.h"\n\n{compiled.c_source}'
        if args.output:
            write_file(args.output, text.encode(errors="surrogateescape"))
        elif not args.load and not args.dump_after:
            sys.stdout.write(text)
        if args.load:
            print(json.dumps(_load(compiled, args.target)))
    except OvsP4Error as error:
        return complain(error)
    return 0


def notes(program: Program) -> list[str]:
    """Say what of the parts that are not run is used all the same, and which are of no use: a line a kind."""
    by_use: dict[str, list[str]] = {}
    unused: dict[str, list[str]] = {}
    for part in program.skipped:
        for what in part.used:
            by_use.setdefault(what, []).append(part.name)
        if not part.used:
            unused.setdefault(part.kind, []).append(part.name)
    told = [f"{what} ({_some(names)})" for what, names in by_use.items()]
    lines = [f"used of controls: {'; '.join(told)}"] if told else []
    return lines + [f"not used: {kind}{'s' * (len(names) > 1)} {_some(names)}" for kind, names in unused.items()]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def check_pass_names(names: Sequence[str]) -> None:
    """Check the values of ``--dump-after``.

    Raises:
        OvsP4Error: One is no pass.
    """
    if not names:
        return
    from datapath.compiler import PASSES

    known = list(dict.fromkeys(["lower", *(step.__name__ for step in PASSES), "all"]))
    for name in names:
        if name not in known:
            raise OvsP4Error(f"--dump-after={name}: there is no pass '{name}'; they are, in order: {', '.join(known)}")


def dumps(program: Program, names: Sequence[str]) -> list[str]:
    """Return the IR after the passes named, each under a line that says which; a pass may run more than once.

    Args:
        program: As lowered.
        names: Names of passes, "lower", "all".
    """
    from datapath.compiler import PASSES, run_passes
    from datapath.ir.text import dump

    texts: list[str] = []
    runs = Counter(step.__name__ for step in PASSES)
    seen: Counter[str] = Counter()

    def after(name: str, program: Program) -> None:
        seen[name] += 1
        if name in names or "all" in names:
            which = f" ({seen[name]} of {runs[name]})" if runs[name] > 1 else ""
            texts.append(f"// after {name}{which}\n{dump(program)}\n")

    after("lower", program)
    run_passes(program, after)
    return texts


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
    about |= {"instructions": loaded.n_instructions, "verified": loaded.n_verified}
    about |= {"load_time_s": round(loaded.load_time_s, 3), "verify_time_s": round(loaded.verify_time_s, 3)}
    loaded.close()
    return about
