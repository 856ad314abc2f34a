"""Random functions, calls and loops in P4: what a parser computes is what walking the program's tree gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from differential import check_all
from random_functions import random_bytes, random_functions

from datapath.errors import P4Errors
from datapath.ir.interpret import Interpreter
from datapath.ir.model import Program
from datapath.p4 import load

N_PACKETS = 40


def checked(seed: int, tmp_path: Path) -> tuple[Program, list[bytes]]:
    """Lower the program of a seed and compare the reference model's results with the tree's."""
    functions = random_functions(seed)
    source = tmp_path / f"functions_{seed}.p4"
    source.write_text(functions.text())
    try:
        program = load(source).program
    except P4Errors as fault:
        if "when all" not in str(fault):
            raise
        pytest.skip("too large when all is inlined")
    interpreter = Interpreter(program)
    packets = random_bytes(seed, N_PACKETS)
    for packet in packets:
        expected = functions.results(packet)
        outcome = interpreter.parse(packet)
        if expected is None:  # more rounds than a packet has; how many are counted is the compiler's choice
            continue
        found = {name: outcome.variables[name] for name in expected}
        assert (outcome.error, found) == ("NoError", expected), f"{source.read_text()}\n{packet.hex()}"
    return program, packets


@pytest.mark.parametrize("seed", range(60))
def test_lowering(seed: int, tmp_path: Path) -> None:
    checked(seed, tmp_path)


@pytest.mark.parametrize("seed", range(100, 106))
def test_passes_and_native_code(seed: int, tmp_path: Path) -> None:
    check_all(*checked(seed, tmp_path), "user")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
@pytest.mark.parametrize("seed", range(200, 206))
def test_kernel(seed: int, tmp_path: Path) -> None:
    check_all(*checked(seed, tmp_path), "xdp")
