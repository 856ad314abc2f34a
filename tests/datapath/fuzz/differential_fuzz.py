"""Random and mutated packets through all three engines, which must agree on each.

The two compiled engines parse whole batches, which are compared at once; the reference model, a thousand times slower,
sets the pace (``reference=False`` leaves it out).  Seeds are the packets of ``ovsp4 paths``; words that mutation puts
in are the values of the program's select cases.

``ci/fuzz differential`` runs it for long, ``test_fuzz.py`` for a moment.
"""

from __future__ import annotations

import ctypes
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batch import BATCH, PACKET_MAX, UserBatch, XdpBatch, is_root
from records import Recorder

from datapath.compiler import CompiledProgram, compile_program
from datapath.ir.interpret import Interpreter
from datapath.ir.model import Masked, Program, Range, Select
from datapath.paths.enumerate import enumerate_paths

TESTS = Path(__file__).parents[1]
PROGRAMS = TESTS.parents[1] / "datapath" / "programs"
N_PATHS = 200  # seeds of a program, at most


def fuzzed_programs() -> list[Path]:
    """Return the programs that ship, and those that each stress one thing."""
    shipped = [p for p in PROGRAMS.glob("*.p4") if "parser " in p.read_text() and not p.stem.endswith("_states")]
    return sorted(shipped) + sorted((TESTS / "codegen" / "programs").glob("*.p4"))


@dataclass(frozen=True)
class Disagreement(Exception):
    """A packet on which two engines differ."""

    program: Path
    packet: bytes
    in_port: int
    engines: str

    def __str__(self) -> str:
        return f"{self.program}: {self.engines} differ on {self.packet.hex() or '(nothing)'} from port {self.in_port}"


def paths_of(program: Program) -> list[tuple[bytes, int]]:
    """Return a packet for each path, and the port that it comes in by."""
    found = enumerate_paths(program, max_paths=N_PATHS, max_size=PACKET_MAX)
    return [(path.packet, path.in_port or 0) for path in found.paths]


def seeds_of(program: Program) -> list[bytes]:
    """Return packets to begin with: one for each path."""
    return [packet for packet, _ in paths_of(program)] or [bytes(64)]


def words_of(program: Program) -> list[bytes]:
    """Return the bytes of the values that select cases ask for."""
    words = set()
    for state in program.states:
        if not isinstance(state.transition, Select):
            continue
        for case in state.transition.cases:
            for keyset, key in zip(case.keysets, state.transition.keys, strict=False):
                values = [keyset.value] if isinstance(keyset, Masked) else []
                values += [keyset.low, keyset.high] if isinstance(keyset, Range) else []
                size = (key.width + 7) // 8
                words |= {v.to_bytes(size, "big") for v in values if size <= 16}
    return sorted(words)


class ProgramFuzzer:
    """Holds the engines of one program against each other, batch by batch."""

    def __init__(
        self, path: Path, seed: int, *, reference: bool = True, compiled: CompiledProgram | None = None
    ) -> None:
        """Build the engines; the kernel's only where this is root.

        Args:
            path: The program.
            seed: Of the packets.
            reference: Whether the reference model takes part.
            compiled: What the engines are built of, if not the program (a test puts faults in).
        """
        self.path = path
        self.compiled = compile_program(path)
        engines = compiled or self.compiled
        program = self.compiled.program
        self.paths = paths_of(program)
        seeds = [packet for packet, _ in self.paths] or [bytes(64)]
        self.user = UserBatch(engines, seeds, words_of(program), seed)
        self.xdp = XdpBatch(self.compiled, self.user.answer_size) if is_root() else None
        self.interpreter = Interpreter(program) if reference else None
        self.recorder = Recorder(self.compiled)

    def batch(self) -> int:
        """Make and check one batch, of which the first begins with the paths' packets; returns the number of packets.

        Raises:
            Disagreement: Naming the first packet on which engines differ.
        """
        self.user.make()
        for number, (packet, in_port) in enumerate(self.paths):
            self.user.put(number, packet, in_port)
        self.paths = []
        wrote = self.user.parse()
        if wrote < BATCH:
            raise self.disagreement(wrote, "the packet before and after the user engine")
        answers = memoryview(self.user.answers).cast("B")
        if self.xdp is not None:
            others = self.xdp.parse(self.user.packets)
            if answers != others:
                raise self.disagreement(self.first_difference(answers, others), "user and xdp")
        if self.interpreter is not None:
            self.check_reference(self.interpreter, answers)
        return BATCH

    def batches(self, n: int) -> None:
        """Check so many batches."""
        for _ in range(n):
            self.batch()

    def first_difference(self, one: memoryview, other: memoryview) -> int:
        size = self.user.answer_size
        return next(i for i in range(BATCH) if one[i * size : i * size + size] != other[i * size : i * size + size])

    def check_reference(self, interpreter: Interpreter, answers: memoryview) -> None:
        size, recorder = self.user.answer_size, self.recorder
        raw = bytes(self.user.packets)
        step = ctypes.sizeof(self.user.packets) // BATCH
        for i in range(BATCH):
            at = i * step
            n, in_port = int.from_bytes(raw[at : at + 4], "little"), int.from_bytes(raw[at + 4 : at + 8], "little")
            packet = raw[at + 8 : at + 8 + n]
            outcome = interpreter.parse(packet, in_port)
            answer = answers[i * size : i * size + size]
            if answer[: recorder.size] != recorder.record(outcome, in_port):
                raise self.disagreement(i, "reference and user")
            if recorder.varbits and not recorder.varbits_agree(outcome, packet, self.hdr_bits(answer)):
                raise self.disagreement(i, "reference and user (a varbit's content)")

    def hdr_bits(self, answer: memoryview) -> memoryview:
        end = self.recorder.size + 4 * len(self.compiled.layout.headers)
        return answer[self.recorder.size : end].cast("I")

    def disagreement(self, number: int, engines: str) -> Disagreement:
        packet = self.user.packets[number]
        return Disagreement(self.path, packet.content, packet.in_port, engines)

    def close(self) -> None:
        """Release what is in the kernel."""
        if self.xdp is not None:
            self.xdp.close()


def fuzz_in_turn(
    paths: list[Path], seconds: float, seed: int, *, reference: bool = True, turn_s: float = 5.0
) -> Iterator[tuple[Path, int, float]]:
    """Fuzz programs one after the other, again and again until the time is over.

    Yields:
        Program, packets and seconds of each turn.
    """
    end = time.monotonic() + seconds
    fuzzers: dict[Path, ProgramFuzzer] = {}
    rng = random.Random(seed)
    try:
        while time.monotonic() < end:
            for path in paths:
                if path not in fuzzers:
                    fuzzers[path] = ProgramFuzzer(path, rng.getrandbits(62), reference=reference)
                started, n = time.monotonic(), 0
                while not n or time.monotonic() < min(started + turn_s, end):
                    n += fuzzers[path].batch()
                yield path, n, time.monotonic() - started
                if time.monotonic() >= end:
                    break
    finally:
        for fuzzer in fuzzers.values():
            fuzzer.close()
