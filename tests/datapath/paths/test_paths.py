"""Paths through small parsers, one a construct: what must be among them; and all engines agree on every packet."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from codegen.differential import check_engine, check_passes
from random_programs import random_packets, random_program

from datapath.compiler import CompiledProgram, compile_ir, compile_program
from datapath.ir.interpret import interpret
from datapath.ir.model import Masked, Program, Range
from datapath.ir.verify import verify
from datapath.paths.enumerate import ParserPaths, enumerate_paths
from datapath.paths.explorer import MAX_LOOP_ENDS

SHIPPED = Path(__file__).parents[3] / "datapath" / "programs"
STRESSING = Path(__file__).parents[1] / "codegen" / "programs"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")

HEAD = """
#include <core.p4>
#include <ovsp4.p4>
error { Odd, Even }
header h_t { bit<8> kind; bit<8> size; }
header pair_t { bit<4> high; bit<4> low; }
header text_t { varbit<64> bytes; }
struct headers_t { h_t h; pair_t[3] pairs; text_t text; h_t last; }
parser P(packet_in packet, out headers_t hdr) {
"""
TAIL = "\n}\nSwitch(P()) main;\n"
# construct -> states, and the outcomes that there must be: (verdict, error, states)
CONSTRUCTS = {
    "masks_ranges_and_tuples": (
        """state start { packet.extract(hdr.h); transition select(hdr.h.kind, hdr.h.size) {
             (8w0x10 &&& 8w0xf0, 3 .. 7): a; (_, 255): b; (0, default): c; } }
           state a { transition accept; } state b { transition accept; } state c { transition accept; }""",
        {("accept", "NoError", s) for s in ("start a", "start b", "start c")}
        | {("reject", "NoMatch", "start"), ("reject", "PacketTooShort", "start")},
    ),
    "verify": (
        """state start { packet.extract(hdr.h); verify(hdr.h.kind & 1 == 0, error.Odd);
             verify(hdr.h.kind * 3 != 18, error.Even); transition accept; }""",
        {("accept", "NoError", "start"), ("reject", "Odd", "start"), ("reject", "Even", "start")},
    ),
    "lookahead": (
        """state start { transition select(packet.lookahead<bit<12>>()[3:0]) { 5: a; default: reject; } }
           state a { packet.extract(hdr.h); transition select(hdr.h.size) { 0x5a: accept; } }""",
        {("accept", "NoError", "start a"), ("reject", "NoMatch", "start a"), ("reject", "NoError", "start")},
    ),
    "varbit": (
        """state start { packet.extract(hdr.h); packet.extract(hdr.text, (bit<32>)hdr.h.size << 3);
             transition accept; }""",
        {("accept", "NoError", "start"), ("reject", "HeaderTooShort", "start"), ("reject", "PacketTooShort", "start")},
    ),
    "stack": (
        """state start { packet.extract(hdr.pairs.next); transition select(hdr.pairs.last.low) {
             0: start; 1: accept; } }""",
        {("accept", "NoError", " ".join(["start"] * n)) for n in (1, 2, 3)}
        | {("reject", "StackOutOfBounds", "start start start start")},
    ),
    "loop": (
        """state start { transition select(packet.lookahead<bit<8>>()) { 0: skip; default: accept; } }
           state skip { packet.advance(8); transition start; }""",
        {("reject", "ParserTimeout", " ".join(["start", "skip"] * 32 + ["start"])), ("accept", "NoError", "start")},
    ),
    "advance": (
        """state start { packet.extract(hdr.h); packet.advance((bit<32>)hdr.h.size * 8);
             packet.extract(hdr.last); transition accept; }""",
        {("accept", "NoError", "start"), ("reject", "PacketTooShort", "start")},
    ),
    "assignments_and_if": (
        """bit<16> sum;
           state start { packet.extract(hdr.h); sum = (bit<16>)hdr.h.kind + (bit<16>)hdr.h.size;
             if (sum > 500) { hdr.h.kind = 7; } else { hdr.h.kind[3:2] = 2; hdr.h.kind[1:0] = sum[1:0]; }
             transition select(hdr.h.kind) { 7: a; 8w0x0b &&& 8w0x0f: b; } }
           state a { transition accept; } state b { transition accept; }""",
        {("accept", "NoError", "start a"), ("accept", "NoError", "start b"), ("reject", "NoMatch", "start")},
    ),
    "packet_length": (
        """state start { packet.extract(hdr.h); transition select(packet.length()) { 60: a; 0 .. 9: b; } }
           state a { transition accept; } state b { transition accept; }""",
        {("accept", "NoError", "start a"), ("accept", "NoError", "start b"), ("reject", "NoMatch", "start")},
    ),
    "run_time_index": (
        """state start { packet.extract(hdr.pairs.next); packet.extract(hdr.pairs.next);
             transition select(hdr.pairs[hdr.pairs[0].high].low) { 9: a; 0: b; } }
           state a { transition accept; } state b { transition accept; }""",
        {("accept", "NoError", "start a"), ("accept", "NoError", "start b"), ("reject", "NoMatch", "start")},
    ),
    "short_circuit": (
        """state start { packet.extract(hdr.h);
             if (hdr.h.kind == 1 && packet.lookahead<bit<8>>() == 2) { packet.extract(hdr.last); }
             transition accept; }""",
        {("accept", "NoError", "start"), ("reject", "PacketTooShort", "start")},
    ),
    "impossible_arm": (
        """state start { packet.extract(hdr.h); verify(hdr.h.kind < 5, error.Odd);
             transition select(hdr.h.kind) { 5: never; default: accept; } }
           state never { transition accept; }""",
        {("accept", "NoError", "start"), ("reject", "Odd", "start")},
    ),
}


def compile_states(states: str, folder: Path) -> CompiledProgram:
    """Compile a parser with these states."""
    source = folder / "x.p4"
    source.write_text(HEAD + states + TAIL)
    return compile_program(source)


def paths_of(name: str, folder: Path) -> ParserPaths:
    return enumerate_paths(compile_states(CONSTRUCTS[name][0], folder).program)


def summary(found: ParserPaths) -> set[tuple[str, str, str]]:
    return {(p.outcome.verdict, p.outcome.error, " ".join(p.outcome.states)) for p in found.paths}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_construct(name: str, tmp_path: Path) -> None:
    compiled = compile_states(CONSTRUCTS[name][0], tmp_path)
    found = enumerate_paths(compiled.program)
    assert CONSTRUCTS[name][1] <= summary(found)
    assert found.complete
    assert len({path.packet for path in found.paths}) == len(found.paths)
    packets = [path.packet for path in found.paths]
    check_passes(verify(compiled.program), packets)
    check_engine(compiled, packets, "user")


def test_value_sets_have_the_entries_given(tmp_path: Path) -> None:
    states = """value_set<bit<8>>(4) kinds;
        state start { packet.extract(hdr.h); transition select(hdr.h.kind, hdr.h.size) {
             (kinds, 1): a; (kinds, _): reject; default: accept; } }
        state a { transition accept; }"""
    compiled = compile_states(states, tmp_path)
    assert "value set kinds was taken as empty" in " ".join(enumerate_paths(compiled.program).left_out)
    (name,) = (item.name for item in compiled.program.value_sets)
    entries = {name: [(Masked(7, 0xFF),), (Range(0x20, 0x2F),)]}
    found = enumerate_paths(compiled.program, value_sets=entries)
    assert found.complete
    assert found.left_out == found.missed_states == found.missed_arms == ()
    assert {("accept", "NoError", "start a"), ("reject", "NoError", "start")} <= summary(found)


def test_impossible_arm_is_named(tmp_path: Path) -> None:
    found = paths_of("impossible_arm", tmp_path)
    assert found.missed_states == ("never",)
    assert found.missed_arms == (("start", 0), ("never", 0))


def test_packets_end_before_and_within_each_header(tmp_path: Path) -> None:
    found = paths_of("stack", tmp_path)
    assert {len(p.packet) for p in found.paths if p.truncated} == {0, 1, 2}
    assert {len(p.packet) for p in paths_of("verify", tmp_path).paths if p.truncated} == {0, 1}


def test_lengths_of_varbits_at_their_ends(tmp_path: Path) -> None:
    found = paths_of("varbit", tmp_path)
    lengths = {p.outcome.headers["text"].varbit_bits for p in found.paths if p.outcome.verdict == "accept"}
    assert lengths == {0, 8, 64}
    assert {len(p.packet) for p in found.paths if p.outcome.error == "HeaderTooShort"} == {2 + 9, 2 + 10, 2 + 255}


def test_limit_is_kept_and_told_and_covers_first(tmp_path: Path) -> None:
    arms = "".join(f"{i}: again;" for i in range(6))
    states = f"""state start {{ packet.extract(hdr.h); transition select(hdr.h.kind) {{ {arms} 9: a; 10: reject; }} }}
        state again {{ packet.extract(hdr.last); transition start; }} state a {{ transition accept; }}"""
    found = enumerate_paths(compile_states(states, tmp_path).program, max_paths=40)
    assert len(found.paths) == 40
    assert not found.complete
    assert "40 paths" in found.left_out[0]
    assert found.missed_arms == found.missed_states == ()
    assert {"NoError", "NoMatch", "PacketTooShort", "ParserTimeout"} <= {p.outcome.error for p in found.paths}


def test_the_bound_of_a_loop_is_not_looked_for_again_and_again(tmp_path: Path) -> None:
    arms = "".join(f"{i}: start;" for i in range(4))
    states = f"""state start {{ packet.extract(hdr.h); transition select(hdr.h.kind) {{ {arms} default: accept; }} }}"""
    found = enumerate_paths(compile_states(states, tmp_path).program, max_paths=100)
    assert 0 < [p.outcome.error for p in found.paths].count("ParserTimeout") <= MAX_LOOP_ENDS


def test_few_paths_cover_many_states(tmp_path: Path) -> None:
    """Each accepting arm takes a path of its own; what is between them must not take many more."""
    n = 40
    arms = [f"{{ 1: s{min(i + 1, n - 1)}; 2: s{min(i + 3, n - 1)}; default: accept; }}" for i in range(n - 1)]
    step = "packet.extract(hdr.h); transition select(hdr.h.kind)"
    states = "".join(f"state s{i} {{ {step} {arm} }}" for i, arm in enumerate(arms))
    states = f"state start {{ transition s0; }} {states} state s{n - 1} {{ transition accept; }}"
    found = enumerate_paths(compile_states(states, tmp_path).program, max_paths=n + 10)
    assert found.missed_states == found.missed_arms == ()


def test_seed_decides_what_is_free_and_nothing_else() -> None:
    program = compile_program(SHIPPED / "l2l3.p4").program
    first, again, other = (enumerate_paths(program, max_paths=60, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [p.packet for p in first.paths] != [p.packet for p in other.paths]
    assert summary(first) == summary(other)


def test_a_path_as_text(tmp_path: Path) -> None:
    texts = {str(path).partition(": ")[2] for path in paths_of("stack", tmp_path).paths}
    assert {"accept: start", "accept: start*3", "reject StackOutOfBounds: start*4"} <= texts


def test_packets_stay_within_the_size(tmp_path: Path) -> None:
    found = enumerate_paths(compile_states(CONSTRUCTS["loop"][0], tmp_path).program, max_size=20)
    assert max(len(path.packet) for path in found.paths) <= 20
    assert "ParserTimeout" not in {path.outcome.error for path in found.paths}


# ---------------------------------------------------------------------------------------------------- completeness
def mutated(found: ParserPaths, rng: random.Random) -> list[bytes]:
    """Return packets like those of the paths: some bits flipped, some bytes more."""

    def mutate(packet: bytes) -> bytes:
        flips = bytes(1 << rng.randrange(8) if rng.random() < 0.05 else 0 for _ in packet)
        return bytes(a ^ b for a, b in zip(packet, flips, strict=True)) + rng.randbytes(rng.randrange(4))

    return [mutate(path.packet) for path in found.paths[:100]]


@pytest.mark.parametrize("seed", [0, 6, 11, 12, 13, 23])
def test_no_packet_takes_another_path(seed: int) -> None:
    program: Program = random_program(seed)
    found = enumerate_paths(program, max_paths=400)
    assert found.complete
    assert not found.left_out
    known = {(p.outcome.states, p.outcome.arms, p.outcome.verdict, p.outcome.error) for p in found.paths}
    for packet in [*random_packets(seed, 40), *mutated(found, random.Random(seed))]:
        outcome = interpret(program, packet)
        assert (outcome.states, outcome.arms, outcome.verdict, outcome.error) in known, packet.hex()


@pytest.mark.parametrize("seed", [21, 7])
def test_engines_agree_on_the_paths_of_random_programs(seed: int) -> None:
    program = random_program(seed)
    packets = [p.packet for p in enumerate_paths(program, max_paths=100).paths if p.in_port is None]
    check_engine(compile_ir(program), packets, "user")


# ---------------------------------------------------------------------------------------------------- what ships
def shipped(name: str) -> tuple[CompiledProgram, ParserPaths]:
    compiled = compile_program(SHIPPED / f"{name}.p4")
    return compiled, enumerate_paths(compiled.program)


@pytest.mark.parametrize(("name", "errors"), [("l2l3", set()), ("shim", {"ShimVersion"})])
def test_shipped_program_is_covered_and_native_code_agrees(name: str, errors: set[str]) -> None:
    compiled, found = shipped(name)
    assert found.complete
    assert found.missed_states == found.missed_arms == ()
    assert {s for p in found.paths for s in p.outcome.states} == {s.name for s in compiled.program.states}
    assert {p.outcome.error for p in found.paths} == {"NoError", "PacketTooShort", "HeaderTooShort"} | errors
    check_engine(compiled, [path.packet for path in found.paths], "user")


@pytest.mark.parametrize("name", ["labels", "odd_bits", "rewriting"])
def test_native_code_agrees_on_programs_that_stress_it(name: str) -> None:
    compiled = compile_program(STRESSING / f"{name}.p4")
    found = enumerate_paths(compiled.program)
    assert found.complete
    assert found.missed_states == found.missed_arms == ()
    check_engine(compiled, [path.packet for path in found.paths], "user")


@pytest.mark.kernel
@needs_root
@pytest.mark.parametrize("name", ["l2l3", "shim"])
def test_kernel_agrees_on_shipped_program(name: str) -> None:
    compiled, found = shipped(name)
    check_engine(compiled, [path.packet for path in found.paths if len(path.packet) >= 14], "xdp")


def test_what_is_too_hard_for_the_solver_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datapath.paths.explorer.SOLVER_EFFORT", 1)
    found = paths_of("assignments_and_if", tmp_path)
    assert not found.complete
    assert any("too hard for the solver" in sentence for sentence in found.left_out)
    monkeypatch.setattr("datapath.paths.explorer.SOLVER_EFFORT", 200)
    assert not paths_of("packet_length", tmp_path).complete
