"""``ovsp4 parse``: run a program's parser on packets, by the reference model or one of the two engines.

One JSON line a packet, the same for all engines, so that their outputs can be compared as text.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datapath.cli.program import add_program_arguments, compile_arguments, complain
from datapath.errors import OvsP4Error

if TYPE_CHECKING:
    from datapath.compiler import CompiledProgram
    from datapath.ir.interpret import ParseOutcome
    from datapath.ir.value_sets import Entry

Parse = Callable[[bytes], "ParseOutcome"]


def add_verbs(subparsers: Any) -> None:
    """Declare ``parse``."""
    parser = subparsers.add_parser("parse", help="run a P4 program's parser on packets")
    add_program_arguments(parser)
    parser.add_argument("--engine", choices=("reference", "user", "xdp"), default="reference")
    parser.add_argument("--hex", required=True, metavar="FILE", help="one packet in hex a line; - for standard input")
    add_value_set_argument(parser)
    parser.add_argument("--verbose", action="store_true", help="add the states visited")
    parser.set_defaults(run=run)


def add_value_set_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--value-set``, which ``given_value_sets`` reads."""
    parser.add_argument(
        "--value-set", action="append", default=[], metavar="NAME=ENTRY",
        help="an entry of a value set: a value, value/mask, low..high or _; with commas between the fields of a struct",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Parse each packet; 0 done, 2 a diagnostic for the user."""
    try:
        compiled = compile_arguments(args)
        parse, close = _engine(compiled, args.engine, given_value_sets(compiled, args.value_set))
        try:
            for packet in read_packets(args.hex):
                print(json.dumps(render(parse(packet), args.verbose)))
        finally:
            close()
    except OvsP4Error as error:
        return complain(error)
    return 0


def given_value_sets(compiled: CompiledProgram, texts: Iterable[str]) -> dict[str, list[Entry]]:
    """Return the entries of ``--value-set``."""
    from datapath.ir.value_sets import find_value_set, pack, parse_entry

    entries: dict[str, list[Entry]] = {}
    for text in texts:
        name, separator, entry = text.partition("=")
        if not separator:
            raise OvsP4Error(f"--value-set {text}: write NAME=ENTRY")
        value_set = find_value_set(compiled.program, name.strip())
        entries.setdefault(value_set.name, []).append(parse_entry(entry, value_set))
    pack(compiled.program, entries)  # is there room for them?
    return entries


def _engine(
    compiled: CompiledProgram, engine: str, value_sets: Mapping[str, Sequence[Entry]]
) -> tuple[Parse, Callable[[], None]]:
    """Return what parses a packet, and what releases it."""
    if engine == "user":
        from datapath.user.parse_only import UserParser

        native = UserParser(compiled.program, compiled.layout, compiled.c_source)
        native.set_value_sets(value_sets)
        return native.parse, lambda: None
    if engine == "xdp":
        from datapath.xdp.parse_only import XdpParser

        parser = XdpParser(compiled.program, compiled.layout, compiled.c_source)
        parser.set_value_sets(value_sets)
        return parser.parse, parser.close
    from datapath.ir.interpret import Interpreter

    return Interpreter(compiled.program, value_sets).parse, lambda: None


def read_packets(file: str) -> Iterator[bytes]:
    """Yield the packets of a hex file.

    Args:
        file: Its path, or "-" for standard input; an empty line is an empty packet, blanks between bytes do not
            matter, ``#`` begins a comment and a line that is only one is none.

    Raises:
        OvsP4Error: It cannot be read, or a line is no hex.
    """
    if file == "-":
        yield from _packets("stdin", sys.stdin)
        return
    try:
        with open(file, encoding="ascii", errors="replace") as lines:
            yield from _packets(file, lines)
    except OSError as error:
        raise OvsP4Error(f"{file}: {error.strerror}") from error


def _packets(name: str, lines: Iterable[str]) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        text, comment, _ = line.partition("#")
        if comment and not text.strip():
            continue
        try:
            yield bytes.fromhex(text)
        except ValueError as error:
            raise OvsP4Error(f"{name}:{number}: not hex: two digits a byte are wanted ({error})") from error


def render(outcome: ParseOutcome, verbose: bool = False) -> dict[str, object]:
    """Return the JSON object of an outcome, as the command-line contract has it."""
    headers = {
        path: {
            "valid": header.valid,
            "raw": header.raw.hex(),
            "fields": {name: hex(value) for name, value in header.fields.items()},
        }
        for path, header in outcome.headers.items()
    }
    result: dict[str, object] = {
        "verdict": outcome.verdict,
        "error": outcome.error,
        "offset_bits": outcome.offset_bits,
        "headers": headers,
    }
    if verbose:
        result["states"] = list(outcome.states)
    return result
