"""Large programs at random: through the compiler, through the verifier, and packets through the engines.

``ci/fuzz large`` runs it for long; ``codegen/test_large_programs.py`` loads what is promised.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from differential_fuzz import Disagreement, ProgramFuzzer
from large_programs import KINDS, large_program

from datapath.compiler import compile_program
from datapath.errors import OvsP4Error
from datapath.xdp.loader import load

SIZES = (8, 16, 32, 64, 100, 160)
REFERENCE_SIZE = 32  # up to which the reference model takes part, which is slow
N_BATCHES = 4


def fuzz_large(seconds: float, seed: int, scratch: Path) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Try programs until the time is over.

    Args:
        seconds: How long; the last program is brought to its end.
        seed: Of the programs and packets.
        scratch: A directory for the programs.

    Returns:
        What was done, and what was found: names of files and their texts.
    """
    rng = random.Random(seed)
    counts, found = Counter[str](), list[tuple[str, str]]()
    end = time.monotonic() + seconds
    while not counts or time.monotonic() < end:
        kind, n, number = rng.choice(list(KINDS)), rng.choice(SIZES), rng.getrandbits(30)
        path = scratch / f"{kind}_{n}_{number}.p4"
        path.write_text(large_program(kind, n, number))
        try:
            counts["packets"] += try_program(path, number, reference=n <= REFERENCE_SIZE)
        except (OvsP4Error, Disagreement) as fault:
            found.append((path.name, f"{path.read_text()}\n/*\n{fault}\n*/\n"))
        counts["programs"] += 1
    return counts, found


def try_program(path: Path, seed: int, *, reference: bool) -> int:
    """Load a program as a switch, and hold its parsers against each other; returns the number of packets.

    Raises:
        OvsP4Error: It does not compile or load.
        Disagreement: Two engines differ.
    """
    compiled = compile_program(path)
    load(compiled.c_source, compiled.layout).close()
    fuzzer = ProgramFuzzer(path, seed, reference=reference)
    try:
        return sum(fuzzer.batch() for _ in range(N_BATCHES))
    finally:
        fuzzer.close()
