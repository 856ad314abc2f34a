"""The programs that ship: their C and their key are as committed, and all engines parse alike."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from differential import check_engine, check_passes
from shipped_packets import shipped_packets

from datapath.build import RUNTIME_DIR, build_shared
from datapath.compiler import compile_program
from datapath.ir.interpret import interpret
from datapath.ir.verify import verify
from datapath.user.parse_only import SOURCE
from datapath.xdp.parse_only import XdpParser

PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
NAMES = ("l2l3", "shim")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")


@pytest.fixture(params=NAMES)
def compiled(request):
    return compile_program(PROGRAMS / f"{request.param}.p4")


def test_no_warnings(compiled):
    assert compiled.warnings == ()


def test_generated_c_is_as_committed(compiled, golden):
    golden(f"golden/{compiled.program.name}.c", compiled.c_source)


def test_layout_is_as_committed(compiled, golden):
    golden(f"golden/{compiled.program.name}.layout.json", compiled.layout.to_json() + "\n")


@pytest.mark.parametrize("flags", [("-O2",), ("-O3", "-march=native"), ("-O0", "-fsanitize=undefined")])
def test_c_compiles_without_warnings(compiled, flags):
    texts = {"program.h": compiled.c_source, "parse_only.c": SOURCE.read_text()}
    assert build_shared("golden", texts=texts, include_dirs=[RUNTIME_DIR], flags=flags).exists()


def test_passes_keep_the_meaning(compiled):
    check_passes(verify(compiled.program), shipped_packets())


def test_packets_reach_every_state_and_error(compiled):
    outcomes = [interpret(compiled.program, packet) for packet in shipped_packets()]
    assert {state for o in outcomes for state in o.states} == {s.name for s in compiled.program.states}
    assert {"NoError", "PacketTooShort", "HeaderTooShort"} <= {o.error for o in outcomes}


def test_native_code_agrees_with_the_reference_model(compiled):
    check_engine(compiled, shipped_packets(), "user")


@pytest.mark.kernel
@needs_root
def test_kernel_agrees_with_the_reference_model(compiled):
    check_engine(compiled, shipped_packets(), "xdp")


@pytest.mark.kernel
@needs_root
def test_xdp_program_stays_small():
    compiled = compile_program(PROGRAMS / "l2l3.p4")
    parser = XdpParser(compiled.program, compiled.layout, compiled.c_source)
    parser.close()
    assert parser.n_instructions < 800  # 548 when this was written; a copy a way in would be thousands
