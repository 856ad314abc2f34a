"""Makes a packet for each path through a program's parser, each checked against the reference model.

Fed by ``explorer.py``; read by ``cli/paths.py``, the pytest plugin and the tests that hold the engines together.
"""

from __future__ import annotations

import random
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from datapath.errors import NotSupportedError
from datapath.ir.graph import arms_of, base_name, is_continuation
from datapath.ir.interpret import NO_ENTRIES, Interpreter, ParseOutcome, ValueSets
from datapath.ir.model import ACCEPT, Program

if TYPE_CHECKING:
    from datapath.paths.explorer import Explorer, Finished

MAX_PATHS = 1000
MAX_SIZE = 1514  # bytes of a packet: what an Ethernet with an MTU of 1500 carries


@dataclass(frozen=True)
class ParserPath:
    """A path, and a packet that takes it."""

    number: int  # from 1
    packet: bytes
    truncated: bool  # the packet ends before or within what the parser wanted to read
    in_port: int | None  # the port that it must come in by, None if that does not matter
    outcome: ParseOutcome  # by the reference model

    def __str__(self) -> str:
        """Return a line on it: "path 7 from port 3: reject PacketTooShort: start parse_vlan*2 parse_ipv4"."""
        port = "" if self.in_port is None else f" from port {self.in_port}"
        error = "" if self.outcome.verdict == ACCEPT else f" {self.outcome.error}"
        return f"path {self.number}{port}: {self.outcome.verdict}{error}: {states_text(self.outcome.states)}"


def states_text(states: tuple[str, ...]) -> str:
    """Return the states, those that follow themselves once with how often: "start option*64"."""
    runs = [(state, len(list(run))) for state, run in groupby(states)]
    return " ".join(state if n == 1 else f"{state}*{n}" for state, n in runs)


@dataclass(frozen=True)
class ParserPaths:
    """The paths of a program."""

    program: str
    paths: tuple[ParserPath, ...]
    missed_states: tuple[str, ...]  # that no path visits
    missed_arms: tuple[tuple[str, int], ...]  # (state, index of the select's case) that no path takes
    left_out: tuple[str, ...]  # sentences on what was not enumerated
    complete: bool  # these are all paths, but for lengths and value sets


def enumerate_paths(
    program: Program,
    *,
    max_paths: int = MAX_PATHS,
    max_size: int = MAX_SIZE,
    seed: int = 1,
    value_sets: ValueSets = NO_ENTRIES,
) -> ParserPaths:
    """Return the paths through a parser.

    Args:
        program: As lowered (``CompiledProgram.program``).
        max_paths: How many, at most; what leads to a part of the program not seen yet comes first.
        max_size: Bytes of a packet, at most.
        seed: Of the bits that do not matter to the path.
        value_sets: What is in the value sets; one that is not named is empty.

    Raises:
        NotSupportedError: The solver is not installed.
    """
    try:
        from datapath.paths.explorer import Explorer
    except ImportError as error:
        raise NotSupportedError("enumerating paths", f"{error}; install the solver: pip install z3-solver") from error

    interpreter = Interpreter(program, value_sets)
    explorer = Explorer(interpreter, max_size)
    finished = sorted(explorer.run_all(max_paths), key=lambda f: f.order)
    paths = tuple(_checked(interpreter, number, found, seed) for number, found in enumerate(finished, 1))
    visited = {state for path in paths for state in path.outcome.states}
    taken = {arm for path in paths for arm in path.outcome.arms}
    return ParserPaths(
        program=program.name,
        paths=paths,
        missed_states=_missed_states(program, visited),
        missed_arms=tuple(arm for arm in arms_of(program) if arm not in taken),
        left_out=tuple(_left_out(explorer, max_paths)),
        complete=not explorer.n_left and not explorer.n_undecided,
    )


def _missed_states(program: Program, visited: Container[str]) -> tuple[str, ...]:
    return tuple(s.name for s in program.states if not is_continuation(s.name) and base_name(s.name) not in visited)


def _checked(interpreter: Interpreter, number: int, found: Finished, seed: int) -> ParserPath:
    """Return a path with its packet, which the reference model must parse as predicted."""
    packet = _packet(found, random.Random(f"{seed}:{number}"))
    outcome = interpreter.parse(packet, found.in_port or 0)
    error = interpreter.program.errors[found.error]
    predicted = (found.verdict, error, found.states, found.arms, found.cursor)
    came = (outcome.verdict, outcome.error, outcome.states, outcome.arms, outcome.offset_bits)
    assert came == predicted, f"{packet.hex()}: {predicted} was predicted, the reference model says {came}"
    return ParserPath(number, packet, found.truncated, found.in_port, outcome)


def _packet(found: Finished, rng: random.Random) -> bytes:
    """Return a packet with the bits that matter as found, the others random."""
    fixed = 0
    for bits in found.fixed:
        low = found.size * 8 - bits.offset - bits.width
        mask = (1 << bits.width) - 1
        fixed |= mask << low if low >= 0 else mask >> -low
    content = sum(value << (found.size - 1 - i) * 8 for i, value in found.content.items() if i < found.size)
    free = rng.getrandbits(found.size * 8) if found.size else 0
    return (content & fixed | free & ~fixed).to_bytes(found.size, "big")


def _left_out(explorer: Explorer, max_paths: int) -> Iterator[str]:
    if explorer.n_left:
        yield f"{explorer.n_left} branches were not followed, since {max_paths} paths were asked for"
    if explorer.n_undecided:
        yield f"{explorer.n_undecided} branches were too hard for the solver"
    for state in sorted({base_name(name) for name in explorer.sampled}):
        yield f"state {state}: of a length, the two least values and the greatest were tried"
    for item in explorer.interpreter.program.value_sets:
        if not explorer.interpreter.value_sets.get(item.name):
            yield f"value set {item.name} was taken as empty, as it is until entries are added"
