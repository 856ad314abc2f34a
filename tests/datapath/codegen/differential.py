"""One packet list into the reference model and both targets; all must agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datapath.compiler import PASSES, CompiledProgram, compile_ir
from datapath.ir.interpret import Interpreter, ParseOutcome
from datapath.ir.model import Program
from datapath.ir.outcome import N_VISITED
from datapath.ir.verify import verify
from datapath.user.parse_only import UserParser
from datapath.xdp.parse_only import XdpParser

IN_PORT = 7
TEST_FLAGS = ("-O1",)  # as good for correctness, and faster to build


def comparable(outcome: ParseOutcome, variables: set[str]) -> ParseOutcome:
    """Return what every engine can say: variables of the key, and as many states as a trace holds."""
    kept = {name: value for name, value in outcome.variables.items() if name in variables}
    return replace(outcome, variables=kept, states=outcome.states[:N_VISITED])


def _parse(program: Program, packets: Sequence[bytes]) -> list[ParseOutcome]:
    interpreter = Interpreter(program)
    return [interpreter.parse(packet, IN_PORT) for packet in packets]


def check_passes(program: Program, packets: Sequence[bytes]) -> Program:
    """Run all passes, the checker after each; the reference model must not notice. Returns the result."""
    expected = _parse(program, packets)
    for step in PASSES:
        program = verify(step(program), step.__name__)
        names = {v.name for v in program.variables if v.in_key}
        for packet, before, after in zip(packets, expected, _parse(program, packets), strict=True):
            assert comparable(after, names) == comparable(before, names), f"after {step.__name__}: {packet.hex()}"
    return program


def check_engine(compiled: CompiledProgram, packets: Sequence[bytes], engine: str) -> None:
    """Compare an engine, "user" or "xdp", with the reference model."""
    names = {f.path for f in compiled.layout.fields}
    arguments = (compiled.program, compiled.layout, compiled.c_source)
    parser = UserParser(*arguments, flags=TEST_FLAGS) if engine == "user" else XdpParser(*arguments)
    try:
        for packet, expected in zip(packets, _parse(compiled.program, packets), strict=True):
            assert comparable(parser.parse(packet, IN_PORT), names) == comparable(expected, names), packet.hex()
    finally:
        if isinstance(parser, XdpParser):
            parser.close()


def check_all(program: Program, packets: Sequence[bytes], *engines: str) -> CompiledProgram:
    """Compare passes and engines with the reference model on a program in IR."""
    check_passes(verify(program), packets)
    compiled = compile_ir(program)
    for engine in engines:
        check_engine(compiled, packets, engine)
    return compiled
