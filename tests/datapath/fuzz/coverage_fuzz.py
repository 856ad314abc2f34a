"""Coverage-guided fuzzing of generated userspace parsers under the address and undefined-behaviour sanitizers.

The target is ``coverage_target.c`` with a program's generated C, the engine ``coverage_driver.c`` (GCC's own
instrumentation: libFuzzer would need clang).  ``ci/fuzz parser`` runs it for long, ``test_fuzz.py`` for a moment.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datapath.build import RUNTIME_DIR, build_program

HERE = Path(__file__).parent
FLAGS = (
    "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer",
    "-fsanitize-coverage=trace-pc,trace-cmp",
)  # fmt: skip
SUMMARY = re.compile(r"(\d+) runs, (\d+) edges, (\d+) inputs, (\d+) words")
INPUT = re.compile(r"^input: ([0-9a-f]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Campaign:
    """What a run did."""

    n_runs: int
    n_edges: int
    n_inputs: int
    n_words: int


@dataclass(frozen=True)
class Crash(Exception):
    """An input that stopped the target."""

    program: str
    packet: bytes | None
    report: str

    def __str__(self) -> str:
        packet = "an input it could not tell" if self.packet is None else self.packet.hex() or "(nothing)"
        return f"{self.program}: {packet}\n{self.report}"


def build_target(name: str, c_source: str) -> Path:
    """Build the target of a program, or find it in the cache."""
    texts = {"program.h": c_source}
    for file in ("coverage_target.c", "coverage_driver.c"):
        texts[file] = (HERE / file).read_text()
    flags = FLAGS if "__u8 valid[" in c_source else (*FLAGS, "-DFUZZ_NO_HEADERS")
    return build_program(f"coverage-{name}", texts=texts, include_dirs=[RUNTIME_DIR], flags=flags)


def fuzz_parser(name: str, c_source: str, seeds: Sequence[bytes], seconds: int, seed: int) -> Campaign:
    """Fuzz a parser.

    Args:
        name: Of the program.
        c_source: As codegen emits it.
        seeds: Packets to begin with.
        seconds: How long.
        seed: Of the random numbers.

    Raises:
        Crash: With the input and the sanitizer's report.
    """
    target = build_target(name, c_source)
    with tempfile.NamedTemporaryFile("w", suffix=".hex") as file:
        file.writelines(f"{packet.hex()}\n" for packet in seeds)
        file.flush()
        command = [str(target), str(seconds), str(seed), file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120, check=False)
    found = SUMMARY.search(done.stdout)
    if done.returncode == 0 and found:
        return Campaign(*map(int, found.groups()))
    packet = INPUT.search(done.stderr)
    raise Crash(name, bytes.fromhex(packet[1]) if packet else None, done.stderr[:4000])
