"""``ovsp4 bench --parse``: what a generated parser costs in the kernel, beside the same parser written by hand in C.

Both fill the same flow key (``parse_by_hand.c`` says how), in the kernel's test runs of an XDP program that does
nothing else.  The kernel counts whole nanoseconds, so a run parses its packet many times; its clock stands still while
the program waits for the processor, and each system call waits some 10 ms first (for RCU), so timing that instead would
tell nothing.  The programs take turns, and of each the shortest time is taken: the rest is what else the machine did.
Read by ``testbed/cli.py``.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datapath import LoadError, compile_program, xdp_source
from testbed.bpf.build import compile_text
from testbed.bpf.syscall import Program
from testbed.measure import describe_machine

HERE = Path(__file__).parent
BY_HAND, GENERATED, AROUND, EMPTY = "by_hand", "generated", "around", "empty"
_PARSERS = {BY_HAND: "parse_by_hand", GENERATED: "program_parse", AROUND: "no_parser", EMPTY: "no_parser"}
CPU = min(os.sched_getaffinity(0))
N_PARSES = 16  # of a run
SHORTEST = 14  # bytes; the kernel takes no shorter frame
XDP_PASS = 2


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    n_rounds: int
    repeat: int  # runs of a system call


QUICK, FULL = Plan(20, 2_000), Plan(50, 2_000)


def frames() -> dict[str, bytes]:
    """Return the frame of each parser, which takes its longest way."""
    addresses = bytes.fromhex("020000000002020000000001")
    tcp = struct.pack("!HHIIBBHHH", 1000, 80, 1, 2, 0x50, 0x10, 8192, 0, 0)
    ipv4 = struct.pack("!BBHHHBBHII", 0x45, 0, 40, 1, 0, 64, 6, 0, 0x0A000001, 0x0A000002)
    ipv6 = struct.pack("!IHBB16s16s", 6 << 28, 20, 6, 64, bytes(15) + b"\1", bytes(15) + b"\2")
    tags = struct.pack("!HHHHH", 0x8100, 5, 0x8100, 6, 0x8847)
    labels = b"".join(struct.pack("!I", (100 + i) << 12 | (i == 7) << 8 | 64) for i in range(8))
    return {
        "tcp": addresses + b"\x08\x00" + ipv4 + tcp,
        "deep": addresses + tags + labels + ipv6 + tcp,
    }


def run_parse_bench(quick: bool, as_json: bool) -> int:
    """Measure and print; returns the exit status.

    Raises:
        LoadError: A program does not load, or the two parsers do not do the same.
    """
    with _on_cpu(CPU):
        results = [measure(name, frame, QUICK if quick else FULL) for name, frame in frames().items()]
    print(json.dumps({"machine": describe_machine(), "results": results}, indent=2) if as_json else table(results))
    return 0


@contextmanager
def _on_cpu(cpu: int) -> Iterator[None]:
    """Keep this thread on one processor: its caches stay warm, and the per-CPU map's entry is the same."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(name: str, frame: bytes, plan: Plan) -> dict[str, Any]:
    """Compare the parsers of one program.

    Returns:
        Nanoseconds of an empty program, and what a parse adds, with what is around both parsers (the key is zeroed);
        how many times as long the generated program takes as that by hand, without the empty program, and without what
        is around the parsers.
    """
    with ExitStack() as stack:
        programs = {kind: _load(name, kind, stack) for kind in _PARSERS}
        _check_same(name, frame, programs)
        best = dict.fromkeys(programs, 1 << 32)
        for _ in range(plan.n_rounds):
            for kind, program in programs.items():
                best[kind] = min(best[kind], program.test_run(frame, plan.repeat)[1])
        sizes = {kind: len(program.spec.bytecode) // 8 for kind, program in programs.items()}
    empty = best.pop(EMPTY)
    parse = {kind: (run - empty) / N_PARSES for kind, run in best.items()}

    def ratio(besides: float) -> float:
        return round((parse[GENERATED] + besides) / (parse[BY_HAND] + besides), 3)

    return {
        "parser": name,
        "frame_bytes": len(frame),
        "empty_ns": empty,
        **{f"{kind}_ns": round(ns, 2) for kind, ns in parse.items()},
        "ratio": ratio(empty),
        "ratio_without_empty": ratio(0),
        "ratio_without_around": ratio(-parse[AROUND]),
        "by_hand_instructions": sizes[BY_HAND],
        "generated_instructions": sizes[GENERATED],
    }


def table(results: list[dict[str, Any]]) -> str:
    """Return what people read."""
    columns = ("empty_ns", "around_ns", "by_hand_ns", "generated_ns")
    ratios = ("ratio", "ratio_without_empty", "ratio_without_around")
    heads = ("empty", "around", "by hand", "generated", "ratio", "- empty", "- around")
    lines = [
        "ns; a parse comes on top of the empty program",
        f"{'parser':<8}" + "".join(f"{head:>11}" for head in heads),
    ]
    for result in results:
        cells = [*(f"{result[c]:.1f}" for c in columns), *(f"{result[r]:.3f}" for r in ratios)]
        lines.append(f"{result['parser']:<8}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)


def _load(name: str, kind: str, stack: ExitStack) -> Program:
    """Load one of the programs; it is closed with the stack."""
    compiled = compile_program(HERE / f"parse_{name}.p4")
    head = f"#define BY_HAND_{name}\n#define PARSER {_PARSERS[kind]}\n#define N_PARSES {N_PARSES}\n"
    text = head + xdp_source(compiled.c_source + (HERE / "parse_by_hand.c").read_text())
    program = Program(compile_text("run_nothing" if kind == EMPTY else "run_parser", text))
    stack.callback(program.close)
    return program


def _check_same(name: str, frame: bytes, programs: Mapping[str, Program]) -> None:
    """Compare what the two parsers make of the frame, whole and cut anywhere.

    Raises:
        LoadError: They differ, or do not accept the whole frame.
    """
    for size in range(SHORTEST, len(frame) + 1):
        answers = []
        for kind in (BY_HAND, GENERATED):
            verdict, _ = programs[kind].test_run(frame[:size], 1)
            answers.append((verdict, _result(name, programs[kind])))
        if answers[0] != answers[1]:
            raise LoadError(f"parser {name}: by hand and generated differ on {size} bytes of the frame")
    if answers[0][0] != XDP_PASS:
        raise LoadError(f"parser {name} rejects its frame")


def _result(name: str, program: Program) -> bytes:
    """Return key and result that the last run on this processor has left, without what only the verifier needs."""
    layout = compile_program(HERE / f"parse_{name}.p4").layout
    scratch = layout.key_size + -(-len(layout.headers) // 4) * 8  # packet.h, struct parse_result
    size = program.maps["runs"].spec.value_size
    own = program.maps["runs"].read(0)[CPU * size :][:size]
    return own[:scratch] + own[scratch + 8 :]
