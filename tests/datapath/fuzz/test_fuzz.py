"""The fuzzers run, for a moment; and each finds a fault that was put in for it to find."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import compiler_fuzz
import pytest
from coverage_fuzz import Crash, fuzz_parser
from differential_fuzz import PROGRAMS, Disagreement, ProgramFuzzer, fuzzed_programs, seeds_of
from large_fuzz import try_program
from large_programs import large_program

from datapath.compiler import compile_program

L2L3 = PROGRAMS / "l2l3.p4"
SMALL = ("mpls", "odd_bits")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")


def programs(*names: str) -> list[Path]:
    return [path for path in fuzzed_programs() if path.stem in names]


# ---------------------------------------------------------------------------------------------------- compiler
def test_compiler_survives_mutants(tmp_path: Path) -> None:
    counts, failures = compiler_fuzz.fuzz_compiler(3, 11, tmp_path, engine_share=0.02)
    assert not failures, failures[0].report + failures[0].text
    assert counts["compiled"] > 0
    assert counts["refused"] > 0


def test_a_fault_of_the_compiler_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_ir(program: object, warnings: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(compiler_fuzz, "compile_ir", compile_ir)
    counts, failures = compiler_fuzz.fuzz_compiler(2, 3, tmp_path)
    assert counts["failed"] > 0
    assert len(failures) == 1
    assert "a bug" in failures[0].report


def test_a_hang_of_the_compiler_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_text(path: Path) -> None:
        while True:
            pass

    monkeypatch.setattr(compiler_fuzz, "HANG_S", 1)
    monkeypatch.setattr(compiler_fuzz, "compile_text", compile_text)
    counts, failures = compiler_fuzz.fuzz_compiler(0.1, 3, tmp_path)
    assert counts["failed"] == len(failures) == 1


# ---------------------------------------------------------------------------------------------------- parsers
@pytest.mark.parametrize("path", programs(*SMALL), ids=lambda path: path.stem)
def test_parser_under_sanitizers(path: Path) -> None:
    campaign = fuzz_parser(path.stem, compile_program(path).c_source, [bytes(20)], 1, 5)
    assert campaign.n_runs > 1000
    assert campaign.n_edges > 20


def test_a_read_behind_the_packet_is_found() -> None:
    source = compile_program(L2L3).c_source
    faulty = source.replace("p = pkt_at(pkt, offset, 20);", "p = pkt->data + offset;")
    assert faulty != source
    with pytest.raises(Crash, match="heap-buffer-overflow") as raised:
        fuzz_parser("faulty", faulty, [bytes(20)], 10, 1)
    packet = raised.value.packet
    assert packet is not None
    assert packet[12:14] == b"\x08\x00"  # coverage has led it to IPv4
    assert len(packet) < 34


# ---------------------------------------------------------------------------------------------------- engines
@pytest.mark.kernel
@needs_root
@pytest.mark.parametrize("path", programs("l2l3", "odd_bits"), ids=lambda path: path.stem)
def test_engines_agree(path: Path) -> None:
    fuzzer = ProgramFuzzer(path, 1)
    assert fuzzer.batch() > 0
    fuzzer.close()


@pytest.mark.parametrize(("old", "new"), [("offset += 20;", "offset += 24;"), ("case 0x800:", "case 0x801:")])
def test_a_wrong_engine_is_found(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("differential_fuzz.is_root", lambda: False)
    compiled = compile_program(L2L3)
    assert old in compiled.c_source
    fuzzer = ProgramFuzzer(L2L3, 1, compiled=replace(compiled, c_source=compiled.c_source.replace(old, new, 1)))
    with pytest.raises(Disagreement, match="reference and user"):
        fuzzer.batches(5)


@pytest.mark.kernel
@needs_root
def test_engines_that_differ_are_found() -> None:
    compiled = compile_program(L2L3)
    wrong = replace(compiled, c_source=compiled.c_source.replace("case 0x800:", "case 0x801:", 1))
    fuzzer = ProgramFuzzer(L2L3, 1, compiled=wrong, reference=False)
    with pytest.raises(Disagreement, match="user and xdp"):
        fuzzer.batches(5)
    fuzzer.close()


def test_a_program_may_have_no_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("differential_fuzz.is_root", lambda: False)
    path = tmp_path / "bare.p4"
    path.write_text(
        """#include <core.p4>
        #include <ovsp4.p4>
        struct headers_t {}
        parser P(packet_in packet, out headers_t hdr) {
            state start { transition select(packet.lookahead<bit<8>>()) { 1: accept; 2: skip; } }
            state skip { packet.advance(24); transition accept; }
        }
        Switch(P()) main;"""
    )
    assert ProgramFuzzer(path, 1).batch() > 0
    assert fuzz_parser("bare", compile_program(path).c_source, [bytes(3)], 1, 1).n_runs > 1000


@pytest.mark.kernel
@needs_root
@pytest.mark.parametrize("kind", ["wide_selects", "options", "value_sets"])
def test_engines_agree_on_large_programs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.p4"
    path.write_text(large_program(kind, 10))
    assert try_program(path, 1, reference=True) > 0


def test_seeds_take_every_path() -> None:
    program = compile_program(L2L3).program
    assert len(seeds_of(program)) > 20
