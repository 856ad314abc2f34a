"""``ovsp4 paths``: a packet for each path through a program's parser, with what the parser makes of it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datapath.cli.parse import add_value_set_argument, given_value_sets, render
from datapath.cli.program import add_program_arguments, compile_arguments, complain, write_file
from datapath.errors import OvsP4Error
from datapath.ir.graph import arms_of, base_name, is_continuation
from datapath.ir.model import ACCEPT, REJECT, Goto, Program

if TYPE_CHECKING:
    from datapath.paths.enumerate import ParserPath, ParserPaths

_ABOUT = """
Enumerates the paths through the parse graph and makes a packet for each: every combination of transitions that ends
in accept, every way to be rejected, and packets that end before and one byte before the end of each thing that is
read. A length that the packet holds (of a varbit, of an advance) is tried at its two least and its greatest values.
Parsers with loops have more paths than anyone wants: what leads to states, transitions and errors not seen yet comes
first, then what goes round loops least, up to the limit. What was left out is said at the end, on standard error.
"""


def add_verbs(subparsers: Any) -> None:
    """Declare ``paths``."""
    parser = subparsers.add_parser("paths", help="make a packet for each path through a parser", description=_ABOUT)
    add_program_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write packets and expected parse; - for stdout")
    parser.add_argument(
        "--pcap",
        type=Path,
        metavar="FILE",
        help="write the packets that are not empty, for Wireshark; "
        "with the suffix .pcapng each has its path as a comment",
    )
    parser.add_argument("--hex", type=Path, metavar="FILE", help="write the packets as parse --hex reads them")
    limit = {"help": "at most so many (default: %(default)s)"}
    parser.add_argument("--max-paths", type=_positive, default=1000, metavar="PACKETS", **limit)
    parser.add_argument("--max-size", type=_size, default=1514, metavar="BYTES", **limit)
    add_value_set_argument(parser)
    parser.add_argument("--seed", type=int, default=1, help="of the bits that do not matter to the path (default: 1)")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a number of at least 1 is wanted")
    return int(text)


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to 65535 is wanted")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Enumerate and write; 0 done, 2 a diagnostic for the user."""
    try:
        from datapath.paths.enumerate import enumerate_paths

        compiled = compile_arguments(args)
        program = compiled.program
        value_sets = given_value_sets(compiled, args.value_set)
        with _interrupts_end_it():
            found = enumerate_paths(
                program,
                max_paths=args.max_paths,
                max_size=args.max_size,
                seed=args.seed,
                value_sets=value_sets,
            )
        if args.json:
            _write(args.json, (json.dumps(as_json(found), indent=1) + "\n").encode())
        if args.hex:
            _write(args.hex, "".join(f"{path.packet.hex()}\n" for path in found.paths).encode())
        if args.pcap:
            _write_pcap(args.pcap, found)
        if not (args.json or args.hex or args.pcap):
            print(table(found))
        print(summary(found, program), file=sys.stderr)
        _tell_what_is_missing(found, program)
    except OvsP4Error as error:
        return complain(error)
    return 0


@contextmanager
def _interrupts_end_it() -> Iterator[None]:
    """Let Ctrl-C end the process as such: raised as an exception inside a destructor of the solver's, it is lost."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, data: bytes) -> None:
    if str(path) == "-":
        sys.stdout.buffer.write(data)
    else:
        write_file(path, data)


def _write_pcap(file: Path, found: ParserPaths) -> None:
    """Write the packets a second apart: the time that viewers show is the path's number; they refuse empty ones."""
    from datapath.pcap import write_pcap, write_pcapng

    shown = [path for path in found.paths if path.packet]
    try:
        if file.suffix == ".pcapng":
            write_pcapng(file, ((float(path.number), path.packet, str(path)) for path in shown))
        else:
            write_pcap(file, ((float(path.number), path.packet) for path in shown))
    except OSError as error:
        raise OvsP4Error(f"{file}: {error.strerror}") from error


def summary(found: ParserPaths, program: Program) -> str:
    """Return a line on how many paths there are, of which outcome, and how much of the program they reach."""
    ends = Counter(p.outcome.error if p.outcome.verdict == REJECT else ACCEPT for p in found.paths)
    counts = ", ".join(f"{n} {end}" for end, n in ends.most_common())
    n_states = len({base_name(s.name) for s in program.states if not is_continuation(s.name)})
    n_arms = len(arms_of(program))
    reached = f"states {n_states - len(found.missed_states)} of {n_states}"
    return f"{len(found.paths)} paths ({counts}); {reached}, transitions {n_arms - len(found.missed_arms)} of {n_arms}"


def _tell_what_is_missing(found: ParserPaths, program: Program) -> None:
    for state in found.missed_states:
        print(f"note: no packet reaches state {state}", file=sys.stderr)
    for state, index in found.missed_arms:
        if state not in found.missed_states:
            print(_about_arm(program, state, index), file=sys.stderr)
    for sentence in found.left_out:
        print(f"note: {sentence}", file=sys.stderr)


def _about_arm(program: Program, state: str, index: int) -> str:
    """Return the note on an arm (index of a select's case; 0 where there is no select) that no packet takes."""
    transition = program.state(state).transition
    location = transition.location if isinstance(transition, Goto) else transition.cases[index].location
    what = "transition" if isinstance(transition, Goto) else "arm"
    return f"{location or program.source}: note: no packet takes this {what} of state {base_name(state)}"


def table(found: ParserPaths) -> str:
    """Return the paths as a table: number, length, verdict, error, states."""
    rows = [("path", "bytes", "verdict", "error", "states")]
    rows += [_row(path) for path in found.paths]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = (
        f"{row[0]:>{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:{widths[2]}}  {row[3]:{widths[3]}}  {row[4]}"
        for row in rows
    )
    return "\n".join(lines)


def _row(path: ParserPath) -> tuple[str, str, str, str, str]:
    from datapath.paths.enumerate import states_text

    outcome = path.outcome
    return str(path.number), str(len(path.packet)), outcome.verdict, outcome.error, states_text(outcome.states)


def as_json(found: ParserPaths) -> dict[str, object]:
    """Return what ``--json`` writes."""
    return {
        "program": found.program,
        "complete": found.complete,
        "left_out": list(found.left_out),
        "missed_states": list(found.missed_states),
        "missed_arms": [{"state": state, "arm": index} for state, index in found.missed_arms],
        "paths": [
            {
                "number": path.number,
                "packet": path.packet.hex(),
                "length": len(path.packet),
                "in_port": path.in_port,
                "truncated": path.truncated,
                "arms": [{"state": state, "arm": index} for state, index in path.outcome.arms],
                **render(path.outcome, verbose=True),
            }
            for path in found.paths
        ],
    }
