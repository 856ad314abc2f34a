"""Programs that each stress one thing, from P4 source to all three engines on random packets."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from differential import check_engine, check_passes

from datapath.compiler import compile_program
from datapath.ir.graph import is_continuation
from datapath.ir.interpret import interpret
from datapath.xdp.loader import load

HERE = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in HERE.glob("*.p4"))
INTERESTING = {  # byte strings that lead deeper than chance would
    "tcp_options": [b"\x01", b"\x02\x04\x05\xb4", b"\x03\x03\x07", b"\x00", b"\x05\x0a" + bytes(8)],
    "labels": [b"\0\1\0\x40", b"\0\1\1\x40", b"\0\0\x11\x40", b"\x45" + bytes(19), b"\x60" + bytes(39)],
    "rewriting": [b"\x20\x07\x81\x00", b"\x10\x08\x11\x11", b"\xf1\x23\x22\x22", b"\x01\x01\x33\x33"],
    "tna_counter": [
        b"\x45\0\0\x14" + bytes(6) + b"\xba\xeb" + bytes(8),
        b"\x46" + bytes(19),
        b"\x4f" + bytes(19),
        bytes(4),
    ],
    "odd_bits": [b"\x00", b"\x20", b"\x40", b"\x90"],
}


def packets(name):
    """Return packets that are put together from interesting parts, and cut anywhere."""
    rng = random.Random(name)
    result = []
    for _ in range(300):
        data = b"".join(rng.choice(INTERESTING[name]) for _ in range(rng.randrange(8))) + rng.randbytes(
            rng.randrange(30)
        )
        if name == "tcp_options":
            data = bytes(12) + bytes([rng.choice([0x40, 0x50, 0x80, 0xF0])]) + bytes(7) + data
        if name == "tna_counter":
            data = bytes(12) + rng.choice([b"\x08\0", b"\x08\0", b"\x08\x06"]) + data
        result.append(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)
    return [
        *result,
        bytes(12) + b"\x08\0\x46" + bytes(40),
        b"\x01" * 200,
        bytes(12) + b"\xf0" + bytes(7) + b"\x01" * 60,
    ]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def compiled(name):
    return compile_program(HERE / f"{name}.p4")


def test_generated_c_is_as_committed(name, golden):
    golden(f"golden/{name}.c", compiled(name).c_source)


def test_packets_reach_every_state(name):
    program = compiled(name).program
    visited = {state for packet in packets(name) for state in interpret(program, packet).states}
    assert visited == {state.name for state in program.states if not is_continuation(state.name)}


def test_passes_keep_the_meaning(name):
    check_passes(compiled(name).program, packets(name))


def test_native_code_agrees_with_the_reference_model(name):
    check_engine(compiled(name), packets(name), "user")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
def test_kernel_agrees_with_the_reference_model(name):
    check_engine(compiled(name), packets(name), "xdp")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
def test_the_switch_around_it_passes_the_verifier(name):
    switch = load(compiled(name).c_source, compiled(name).layout)
    assert switch.n_instructions > 0
    switch.close()
