"""Shipped programs of real protocols: they parse what scapy builds; engines agree on whole and on damaged packets."""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

import pytest
from codegen.differential import check_engine, check_passes
from programs.protocol_packets import PROTOCOLS

from datapath.compiler import compile_program
from datapath.ir.interpret import interpret
from datapath.xdp.loader import load

PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")


@pytest.fixture(params=sorted(PROTOCOLS))
def name(request):
    return request.param


@cache
def compiled(name):
    return compile_program(PROGRAMS / f"{name}.p4")


@cache
def cases(name):
    return list(PROTOCOLS[name]())


@cache
def packets(name):
    """Return the cases' packets, cut at each length, and with damage where headers say what follows."""
    whole = [c.packet for c in cases(name)]
    rng = random.Random(name)
    cut = [p[:n] for p in rng.sample(whole, 4) for n in range(len(p))]
    damaged = []
    for _ in range(300):
        packet = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 4)):
            packet[rng.randrange(12, len(packet))] = rng.choice((0, 1, 2, 4, 0xFF, rng.randrange(256)))
        damaged.append(bytes(packet))
    return whole + cut + damaged


def test_compiles_without_warnings(name):
    assert [str(w) for w in compiled(name).warnings] == []


def test_parses_what_the_protocol_says(name):
    program = compiled(name).program
    for i, case in enumerate(cases(name)):
        outcome = interpret(program, case.packet)
        place = f"case {i}: {case.packet.hex()}, states {outcome.states}"
        assert (outcome.error, outcome.verdict == "accept") == (case.error, case.accepted), place
        assert [path for path, header in outcome.headers.items() if header.valid] == case.headers, place
        for path, value in case.fields.items():
            header, _, part = path.rpartition(".")
            assert outcome.headers[header].fields[part] == value, f"{path} of {place}"


def test_cases_reach_every_state_and_error(name):
    program = compiled(name).program
    outcomes = [interpret(program, packet) for packet in packets(name)]
    assert {state for o in outcomes for state in o.states} == {s.name for s in program.states if "$" not in s.name}
    assert set(program.errors[7:]) <= {o.error for o in outcomes}


def test_passes_keep_the_meaning(name):
    check_passes(compiled(name).program, packets(name))


def test_native_code_agrees_with_the_reference_model(name):
    check_engine(compiled(name), packets(name), "user")


@pytest.mark.kernel
@needs_root
def test_kernel_agrees_with_the_reference_model(name):
    check_engine(compiled(name), packets(name), "xdp")


@pytest.mark.kernel
@needs_root
def test_the_switch_around_it_passes_the_verifier(name):
    switch = load(compiled(name).c_source, compiled(name).layout)
    assert switch.n_instructions > 0
    switch.close()
