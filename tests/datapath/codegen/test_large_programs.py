"""Large parsers: the verifier takes them, whatever makes them large, and the kernel parses as userspace does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from large_programs import KINDS, large_program

from datapath.compiler import CompiledProgram, compile_program
from datapath.xdp.loader import load

VERIFIED = 700_000  # instructions; the kernel gives up after a million

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root"),
]


def compiled(directory: Path, kind: str, n: int) -> CompiledProgram:
    """Compile a program of ``large_programs``."""
    path = directory / f"{kind}{n}.p4"
    path.write_text(large_program(kind, n))
    return compile_program(path)


def check_loads(program: CompiledProgram) -> None:
    loaded = load(program.c_source, program.layout)
    loaded.close()
    assert loaded.n_verified < VERIFIED


@pytest.mark.parametrize("kind", KINDS)
def test_64_states_load_as_a_matter_of_course(kind: str, tmp_path: Path) -> None:
    check_loads(compiled(tmp_path, kind, 64))


@pytest.mark.parametrize("kind", ["dag", "stacks", "varbits", "options"])
def test_160_states_load(kind: str, tmp_path: Path) -> None:
    check_loads(compiled(tmp_path, kind, 160))


def test_a_key_above_a_kilobyte(tmp_path: Path) -> None:
    """It is zeroed piece by piece: above a kilobyte LLVM would call a memset that BPF has not."""
    program = compiled(tmp_path, "dag", 250)
    assert program.layout.key_size > 1024
    load(program.c_source, program.layout).close()
