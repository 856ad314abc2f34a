"""Mutated programs through the whole compiler: a program or ``P4Errors`` comes out, within ten seconds, never anything
else; and what compiles parses like the reference model.

Mutation knows the grammar as far as tokens and brackets go: names are replaced by names, numbers by numbers, bracketed
pieces and statements move within a program and between programs, and into loops, one in the other, so that few lines
stand for very many.  Some mutants get random bytes instead.

``ci/fuzz compiler`` runs it for long, ``test_fuzz.py`` for a moment.
"""

from __future__ import annotations

import random
import re
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from random_programs import random_packets

from datapath.compiler import CompiledProgram, compile_ir
from datapath.errors import P4Error, P4Errors
from datapath.ir.interpret import Interpreter
from datapath.ir.verify import verify
from datapath.p4 import load
from datapath.user.parse_only import UserParser

TESTS = Path(__file__).parents[1]
PROGRAMS = TESTS.parents[1] / "datapath" / "programs"
FOLDERS = (PROGRAMS, *(TESTS / f for f in ("p4/cases", "codegen/programs", "semantics", "conformance")))
HANG_S = 10
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\w+|\s+|&&&|\|\+\||\|-\||\.\.\.|[=!<>]=|&&|\|\||\+\+|\.\.|<<|[^\w\s]", re.DOTALL
)
NUMBERS = (
    "0", "1", "2", "3", "7", "8", "31", "32", "63", "64", "65", "127", "128", "255", "256", "1024", "65535",
    "0xffffffff", "4294967296", "8w255", "4s7", "1w1", "2w0", "0b1010", "0o17", "32w0", "64w0xffffffffffffffff", "-1",
    "99999999999",
)  # fmt: skip
OPERATORS = ("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "++", "|+|", "|-|", "&&", "||", "==", "!=", "<", ">=")
OPEN, CLOSE = "{([", "})]"
FLAGS = ("-O1",)


class Hang(BaseException):
    """The compiler took longer than ``HANG_S``; no ordinary handler may catch it."""


@dataclass(frozen=True)
class Failure:
    """A program that the compiler did not survive."""

    text: str
    report: str


def sources() -> list[str]:
    """Return the programs to begin with."""
    return [path.read_text() for folder in FOLDERS for path in sorted(folder.glob("*.p4"))]


class Mutator:
    """Makes programs of programs."""

    def __init__(self, texts: list[str], rng: random.Random) -> None:
        self.rng = rng
        self.texts = texts
        self.tokens = [TOKEN.findall(text) for text in texts]
        names = Counter(t for tokens in self.tokens for t in tokens if t[0].isalpha() or t[0] == "_")
        self.names = sorted(names)

    def mutant(self) -> str:
        """Return the next program."""
        tokens = list(self.rng.choice(self.tokens))
        if self.rng.random() < 0.1:
            return self.with_bytes("".join(tokens))
        for _ in range(self.rng.choice((1, 1, 1, 2, 3, 5, 8))):
            self.change(tokens)
        return "".join(tokens)

    def with_bytes(self, text: str) -> str:
        at, end = sorted(self.rng.randrange(len(text) + 1) for _ in "ab")
        junk = "".join(chr(self.rng.choice((self.rng.randrange(128), self.rng.randrange(0x500)))) for _ in range(8))
        return text[:at] + junk + text[self.rng.choice((at, min(at + 8, end))) :]

    def change(self, tokens: list[str]) -> None:
        """Change one thing in a program."""
        if not tokens:
            return
        at = self.rng.randrange(len(tokens))
        kind = self.rng.randrange(11)
        if kind == 0:
            del tokens[at]
        elif kind == 1:
            tokens.insert(at, tokens[self.rng.randrange(len(tokens))])
        elif kind == 2:
            other = self.rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind in (3, 4):
            self.replace_alike(tokens, at)
        elif kind == 5:
            start, end = self.piece(tokens, at)
            tokens[start:end] = []
        elif kind == 6:
            start, end = self.piece(tokens, at)
            to = self.rng.randrange(len(tokens))
            tokens[to:to] = tokens[start:end]
        elif kind in (7, 8):
            other_tokens = self.rng.choice(self.tokens)
            start, end = self.piece(other_tokens, self.rng.randrange(len(other_tokens)))
            here = self.piece(tokens, at)
            tokens[slice(*here) if kind == 7 else slice(at, at)] = other_tokens[start:end]
        elif kind == 9:
            start, end = self.piece(tokens, at)
            tokens[start:end] = tokens[start:end] * self.rng.choice((2, 3, 20))
        else:
            self.repeat_in_loops(tokens, at)

    def replace_alike(self, tokens: list[str], at: int) -> None:
        """Replace the next token that is a name, a number or an operator by one of its kind."""
        for i in (*range(at, len(tokens)), *range(at)):
            token = tokens[i]
            if token[0].isdigit():
                tokens[i] = self.rng.choice(NUMBERS)
            elif token[0].isalpha():
                near = [t for t in tokens if t[0].isalpha()]
                tokens[i] = self.rng.choice(near) if self.rng.random() < 0.8 else self.rng.choice(self.names)
            elif token in OPERATORS:
                tokens[i] = self.rng.choice(OPERATORS)
            else:
                continue
            return

    def repeat_in_loops(self, tokens: list[str], at: int) -> None:
        """Put the next statement into loops."""
        while at < len(tokens) and tokens[at] != ";":
            at += 1
        start, end = self.piece(tokens, min(at, len(tokens) - 1))
        heads = []
        for _ in range(self.rng.choice((1, 2, 2, 3))):
            name, n = f"loop{len(heads)}", self.rng.choice((3, 60, 1000, 65535))
            counted = f"for (bit<16> {name} = 0; {name} < {n}; {name} = {name} + 1) {{ "
            heads.append(self.rng.choice((counted, f"for (bit<16> {name} in 0 .. {n}) {{ ")))
        tokens[start:end] = [*TOKEN.findall("".join(heads)), *tokens[start:end], *TOKEN.findall(" }" * len(heads))]

    def piece(self, tokens: list[str], at: int) -> tuple[int, int]:
        """Return the range of the bracketed piece, or else of the statement, that ``at`` lies before."""
        for i in range(at, min(at + 40, len(tokens))):
            if tokens[i] in OPEN:
                return i, self.closing(tokens, i)
            if tokens[i] == ";":
                start = i
                while start > 0 and tokens[start - 1] not in (";", "{", "}"):
                    start -= 1
                return start, i + 1
        return at, min(at + 1, len(tokens))

    def closing(self, tokens: list[str], at: int) -> int:
        depth = 0
        for i in range(at, len(tokens)):
            depth += (tokens[i] in OPEN) - (tokens[i] in CLOSE)
            if depth <= 0:
                return i + 1
        return len(tokens)


def compile_text(path: Path) -> CompiledProgram | None:
    """Compile a file; None if the compiler refuses it as it should.

    Raises:
        Exception: Whatever else comes out of the compiler.
    """
    try:
        loaded = load(path, [PROGRAMS, TESTS / "p4" / "cases"])
        verify(loaded.program)
        return compile_ir(loaded.program, loaded.warnings)
    except P4Errors as errors:
        diagnostics = errors.diagnostics
    except P4Error as error:
        diagnostics = (error.diagnostic,)
    assert diagnostics, "refused without a word"
    assert all(d.location.line > 0 and str(d) for d in diagnostics), "an error without a place"
    return None


def check_engine(compiled: CompiledProgram, seed: int) -> None:
    """Compare the native parser with the reference model on random packets."""
    known = {f.path for f in compiled.layout.fields}
    native = UserParser(compiled.program, compiled.layout, compiled.c_source, flags=FLAGS)
    reference = Interpreter(compiled.program)
    for packet in random_packets(seed, 60):
        have, want = native.parse(packet), reference.parse(packet)
        kept = {name: value for name, value in want.variables.items() if name in known}
        assert (have.verdict, have.error, have.offset_bits) == (want.verdict, want.error, want.offset_bits), (
            packet.hex()
        )
        assert have.headers == want.headers, packet.hex()
        assert {n: v for n, v in have.variables.items() if n in kept} == kept, packet.hex()


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise ``Hang`` after so many seconds."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz_compiler(
    seconds: float, seed: int, scratch: Path, *, engine_share: float = 0.05
) -> tuple[Counter[str], list[Failure]]:
    """Compile mutants for some time.

    Args:
        seconds: How long.
        seed: Of the mutants.
        scratch: A directory for them.
        engine_share: Of those that compile, how many have their native parser built and compared.

    Returns:
        How many were refused, compiled and compared; and the failures, one for each place in our code.
    """
    rng = random.Random(seed)
    mutator, counts = Mutator(sources(), rng), Counter[str]()
    failures: dict[str, Failure] = {}
    end = time.monotonic() + seconds
    path = scratch / "mutant.p4"
    while time.monotonic() < end:
        text = mutator.mutant()
        path.write_text(text, errors="replace")
        try:
            with time_limit(HANG_S):
                compiled = compile_text(path)
            counts["refused" if compiled is None else "compiled"] += 1
            if compiled is not None and rng.random() < engine_share:
                check_engine(compiled, rng.getrandbits(30))
                counts["compared"] += 1
        except (Exception, Hang) as error:
            report = traceback.format_exc()
            where = report.rsplit("File ", 1)[-1].split("\n")[0] + type(error).__name__
            failures.setdefault(where, Failure(text, report[-3000:]))
            counts["failed"] += 1
    return counts, list(failures.values())
