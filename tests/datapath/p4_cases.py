"""Cases of the language: P4 programs that say in their first comment what they show and what comes of packets.

Read by ``semantics/test_semantics_cases.py`` and by ``conformance/``.  The
comment has lines of the form ``// name: value``; what does not have that form is prose::

    // spec: 13.8.1, 8.18
    // construct: packet_in.extract, one argument; header
    // packet: 0102 -> accept NoError 16 h=0102 h.kind=1 meta.x=3
    // packet: (nothing) -> reject PacketTooShort 0

``construct`` may stand on several lines.  A packet's line gives verdict, error and the cursor in bits, then *all* valid
headers with their bytes, then as many fields and metadata as it likes.  ``in_port: 7`` sets the port of the packets
that follow.

A program that must be refused has ``// exit: 2``, or ``// unsupported: why`` if it is legal, and marks each line that
has a fault with ``//! words of the message``; there must be no others.  A warning that must be there is marked ``//?``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from datapath.compiler import CompiledProgram, compile_program
from datapath.errors import Diagnostic, P4Errors
from datapath.ir.interpret import Interpreter, ParseOutcome
from datapath.user.parse_only import UserParser
from datapath.xdp.parse_only import XdpParser

PREFIX = re.compile(r"^//\s*(spec|construct|packet|in_port|exit|unsupported):\s*(.*)$")
PACKET = re.compile(r"^(.*?)\s*->\s*(accept|reject)\s+(\w+)\s+(\d+)\s*(.*)$")
ENGINES = ("reference", "user", "xdp")
FLAGS = ("-O1",)  # as good for correctness, and faster to build


@dataclass(frozen=True)
class Expectation:
    """A packet, and what a parser makes of it."""

    line: int
    packet: bytes
    in_port: int
    verdict: str
    error: str
    offset_bits: int
    values: tuple[tuple[str, str], ...]  # path -> text, as in the comment


@dataclass
class Case:
    """A program with what its comment promises."""

    path: Path
    spec: tuple[str, ...] = ()
    constructs: tuple[str, ...] = ()
    exit: int = 0
    unsupported: bool = False  # legal P4 that has no translation
    packets: tuple[Expectation, ...] = ()
    errors: tuple[tuple[int, str], ...] = ()  # (line, words)
    warnings: tuple[tuple[int, str], ...] = field(default=())

    @property
    def name(self) -> str:
        return self.path.stem


def read_case(path: Path) -> Case:
    """Read a case; a line that does not have the form is an assertion that names it."""
    case, in_port = Case(path), 0
    for number, text in enumerate(path.read_text().splitlines(), 1):
        for mark, kept in (("//! ", "errors"), ("//? ", "warnings")):
            if mark in text:
                setattr(case, kept, (*getattr(case, kept), (number, text.split(mark, 1)[1].strip())))
        found = PREFIX.match(text)
        if not found:
            continue
        name, value = found.groups()
        if name == "spec":
            case.spec += tuple(part.strip() for part in value.split(","))
        elif name == "construct":
            case.constructs += tuple(part.strip() for part in value.split(";"))
        elif name == "exit":
            case.exit = int(value)
        elif name == "unsupported":
            case.exit, case.unsupported = 2, True
        elif name == "in_port":
            in_port = int(value)
        else:
            case.packets += (_expectation(path, number, value, in_port),)
    assert case.spec or case.constructs, f"{path}: neither 'spec:' nor 'construct:'"
    assert case.packets or case.exit == 2, f"{path}: no packets"
    return case


def _expectation(path: Path, line: int, text: str, in_port: int) -> Expectation:
    found = PACKET.match(text)
    assert found, f"{path}:{line}: not 'HEX -> verdict error offset values...'"
    data, verdict, error, offset, rest = found.groups()
    packet = b"" if data == "(nothing)" else bytes.fromhex(_repeated(data))
    values = tuple(_pair(path, line, word) for word in rest.split())
    return Expectation(line, packet, in_port, verdict, error, int(offset), values)


def _repeated(text: str) -> str:
    """Return hex with ``HH*n`` written out."""
    return re.sub(r"([0-9a-fA-F]+)\*(\d+)", lambda m: m[1] * int(m[2]), text)


def _pair(path: Path, line: int, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    assert equals, f"{path}:{line}: not 'name=value': {word}"
    return name, value


def cases_in(folder: Path) -> list[Case]:
    """Return the cases of a folder by name."""
    return [read_case(path) for path in sorted(folder.glob("*.p4"))]


@cache
def _compiled(path: Path) -> CompiledProgram | P4Errors:
    try:
        return compile_program(path)
    except P4Errors as errors:
        return errors


def compiled(case: Case) -> CompiledProgram:
    """Return the compiled program of a case that compiles."""
    result = _compiled(case.path)
    assert isinstance(result, CompiledProgram), str(result)
    return result


def exit_status(case: Case) -> int:
    """Return what ``ovsp4 compile`` exits with."""
    return 2 if isinstance(_compiled(case.path), P4Errors) else 0


def check_diagnostics(case: Case) -> None:
    """Check that there are the errors and warnings that are marked, and no others."""
    result = _compiled(case.path)
    if isinstance(result, P4Errors):
        assert case.exit == 2, str(result)
        errors = [d for d in result.diagnostics if d.severity != "warning"]
        _check_marks(case.errors, errors)
        assert {d.location.line for d in errors} == {line for line, _ in case.errors}, str(result)
        severities = {d.severity for d in errors}
        assert ("unsupported" in severities) == case.unsupported, str(result)
    else:
        assert case.exit == 0, f"{case.path} compiles"
        _check_marks(case.warnings, result.warnings)


def _check_marks(marks: Sequence[tuple[int, str]], found: Sequence[Diagnostic]) -> None:
    text = "\n".join(map(str, found))
    for line, words in marks:
        assert any(d.location.line == line and words in str(d) for d in found), f"line {line}: {words}\nbut:\n{text}"


def check_packets(case: Case, engine: str) -> None:
    """Run the packets of a case through an engine of ``ENGINES`` and compare."""
    program = compiled(case)
    known = {f.path for f in program.layout.fields}
    arguments = (program.program, program.layout, program.c_source)
    if engine == "xdp":
        parser = XdpParser(*arguments)
        try:
            _check(case, parser.parse, known)
        finally:
            parser.close()
    elif engine == "user":
        _check(case, UserParser(*arguments, flags=FLAGS).parse, known)
    else:
        _check(case, Interpreter(program.program).parse, None)


def _check(case: Case, parse, known: set[str] | None) -> None:  # type: ignore[no-untyped-def]
    for expected in case.packets:
        outcome = parse(expected.packet, expected.in_port)
        where = f"{case.path}:{expected.line}: {describe(outcome)}"
        assert (outcome.verdict, outcome.error) == (expected.verdict, expected.error), where
        assert outcome.offset_bits == expected.offset_bits, where
        headers = {name: value for name, value in expected.values if _is_header(case, name)}
        assert {name: h.raw.hex() for name, h in outcome.headers.items()} == headers, where
        for name, value in expected.values:
            if name not in headers:
                _check_value(outcome, name, int(value, 0), known, where)


def _is_header(case: Case, name: str) -> bool:
    return any(h.path == name for h in compiled(case).program.headers)


def _check_value(outcome: ParseOutcome, name: str, value: int, known: set[str] | None, where: str) -> None:
    for path, header in outcome.headers.items():
        if name.startswith(path + ".") and name[len(path) + 1 :] in header.fields:
            assert header.fields[name[len(path) + 1 :]] == value, where
            return
    assert name in outcome.variables or known is not None, f"{where}: no field or variable {name}"
    if known is None or name in known:
        assert outcome.variables[name] == value, f"{where}: {name}"


def describe(outcome: ParseOutcome) -> str:
    """Return an outcome as a packet's line has it, to be read or copied."""
    headers = [f"{name}={header.raw.hex()}" for name, header in outcome.headers.items()]
    variables = [f"{name}={value}" for name, value in outcome.variables.items() if value]
    return " ".join([outcome.verdict, outcome.error, str(outcome.offset_bits), *headers, *variables])
