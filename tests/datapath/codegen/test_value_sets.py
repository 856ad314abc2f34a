"""Value sets with entries, random ones too: the rows that engines look keys up in say what the reference model says."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from differential import IN_PORT, TEST_FLAGS, comparable
from hypothesis import given, settings
from hypothesis import strategies as st

from datapath.compiler import compile_program
from datapath.errors import FlowError
from datapath.ir.interpret import Interpreter
from datapath.ir.model import Any, Masked, Range, ValueSet
from datapath.ir.value_sets import find_value_set, format_entry, pack, parse_entry, rows_of, words_of
from datapath.user.parse_only import UserParser
from datapath.xdp.parse_only import XdpParser

SOURCE = Path(__file__).parent.parent / "p4" / "cases" / "value_sets.p4"


def number(value, width, signed):
    return value - (1 << width) if signed and value >> (width - 1) else value


def matches(keyset, value, width, signed):
    if isinstance(keyset, Any):
        return True
    if isinstance(keyset, Masked):
        return value & keyset.mask == keyset.value & keyset.mask
    low, value, high = (number(v, width, signed) for v in (keyset.low, value, keyset.high))
    return low <= value <= high


def in_row(row, key, width):
    for i, (size, (mask, base, span)) in enumerate(zip(words_of(width), row, strict=True)):
        word = key >> (64 * i) & ((1 << size) - 1)
        if ((word & mask) - base) % (1 << size) > span:
            return False
    return True


@st.composite
def keys(draw):
    """A width, whether it is signed, a keyset, and a key that is near its ends more often than not."""
    width, signed = draw(st.sampled_from((1, 7, 16, 63, 64, 65, 128, 200))), draw(st.booleans())
    full = (1 << width) - 1
    values = st.integers(0, full) | st.sampled_from((0, full, full >> 1, (full >> 1) + 1, (1 << 64) - 1 & full))
    one, other = draw(values), draw(values)
    low, high = sorted((one, other), key=lambda v: number(v, width, signed))
    keyset = draw(st.sampled_from((Any(), Masked(one & other, other), Masked(one, full), Range(low, high))))
    near = st.sampled_from((low, high, one & other)).flatmap(
        lambda v: st.sampled_from((-1, 0, 1, 1 << 64, -(1 << 64))).map(lambda d: v + d & full)
    )
    return width, signed, keyset, draw(values | near)


@given(keys())
@settings(deadline=None)
def test_rows_match_what_the_keyset_does(case):
    width, signed, keyset, key = case
    rows = rows_of((keyset,), ValueSet("s", 9, (width,), (signed,)))
    assert any(in_row(row, key, width) for row in rows) == matches(keyset, key, width, signed)


@given(keys())
@settings(deadline=None)
def test_an_entry_printed_is_read_back(case):
    width, signed, keyset, _ = case
    value_set = ValueSet("s", 9, (width,), (signed,))
    assert parse_entry(format_entry((keyset,), value_set), value_set) == (keyset,)


@pytest.mark.parametrize(
    ("text", "widths", "entry"),
    [
        ("0x800", (16,), (Masked(0x800, 0xFFFF),)),
        ("(1, 0x1f &&& 0xf0)", (8, 8), (Masked(1, 0xFF), Masked(0x10, 0xF0))),
        ("80..90,_", (16, 4), (Range(80, 90), Any())),
        ("10.1.2.3/8", (32,), (Masked(0x0A000000, 0xFF000000),)),
        ("::1", (128,), (Masked(1, (1 << 128) - 1),)),
        ("02:00:00:00:00:01", (48,), (Masked(0x020000000001, (1 << 48) - 1),)),
    ],
)
def test_entries_as_text(text, widths, entry):
    assert parse_entry(text, ValueSet("s", 4, widths)) == entry


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("256", "", "does not fit 8 bits: 0 to 255"),
        ("-1", "", "does not fit 8 bits"),
        ("eight", "", "'eight' is no number"),
        ("", "", "is no number"),
        ("9..3", "", "the range is empty"),
        ("1,2", "", "has 1 keys \\(8 bits\\), this has 2"),
        ("1/3", "exact", "declared @match\\(exact\\)"),
        ("1..3", "ternary", "declared @match\\(ternary\\)"),
        ("1/3", "lpm", "declared @match\\(lpm\\)"),
        ("1/3", "range", "declared @match\\(range\\)"),
    ],
)
def test_wrong_entries_are_refused(text, kind, message):
    with pytest.raises(FlowError, match=message):
        parse_entry(text, ValueSet("s", 4, (8,), (), (kind,)))


def test_a_full_set_says_so():
    program = compile_program(SOURCE).program
    kinds = find_value_set(program, "kinds")
    with pytest.raises(FlowError, match="value set kinds is full: it is declared with room for 2, 3 wanted"):
        pack(program, {"kinds": [parse_entry(text, kinds) for text in "123"]})


def test_an_unknown_set_names_the_known():
    with pytest.raises(FlowError, match=r"no value set 'port'[^$]*ports, kinds, pairs, inner.mixed"):
        find_value_set(compile_program(SOURCE).program, "port")


ROUNDS = (  # the entries change between them
    {},
    {"ports": ["7", "0x10/0xf0"], "kinds": ["3"], "pairs": ["-4..4,_", "_,::1"], "inner.mixed": ["5..9,1/1"]},
    {"kinds": ["3", "4"], "pairs": ["-128..-3,1..0x20000000000000000"], "inner.mixed": ["_,_"]},
    {"ports": ["0..0xffff"]},
)


def random_packets(rng):
    for _ in range(300):
        header = b""
        for _ in range(2):
            header += rng.choice((7, 0x10, 0x801, 8)).to_bytes(2, "big")
            header += bytes([rng.choice((0, 3, 4, 5, 0xFC, 0xFB, 0xFF)), rng.randrange(6)])
            header += rng.choice((0, 1, 2, 1 << 64, 1 << 65, (1 << 65) + 1, 1 << 127)).to_bytes(16, "big")
        yield header[: rng.choice((40, 40, 40, rng.randrange(41)))]


def agrees(parser, compiled, name):
    names = {f.path for f in compiled.layout.fields}
    seen = set()
    for texts in ROUNDS:
        program = compiled.program
        entries = {n: [parse_entry(t, find_value_set(program, n)) for t in items] for n, items in texts.items()}
        parser.set_value_sets(entries)
        reference = Interpreter(program, entries)
        for packet in random_packets(random.Random(name)):
            expected = reference.parse(packet, IN_PORT)
            seen.update(expected.arms)
            assert comparable(parser.parse(packet, IN_PORT), names) == comparable(expected, names), packet.hex()
    states = {state.name: len(getattr(state.transition, "cases", " ")) for state in compiled.program.states}
    assert {(state, arm) for state, n in states.items() for arm in range(n)} <= seen


def test_native_code_agrees_with_the_reference_model():
    compiled = compile_program(SOURCE)
    parser = UserParser(compiled.program, compiled.layout, compiled.c_source, flags=TEST_FLAGS)
    agrees(parser, compiled, "user")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
def test_kernel_agrees_with_the_reference_model():
    compiled = compile_program(SOURCE)
    parser = XdpParser(compiled.program, compiled.layout, compiled.c_source)
    try:
        agrees(parser, compiled, "user")
    finally:
        parser.close()


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
def test_a_large_set_passes_the_verifier(tmp_path):
    source = tmp_path / "large.p4"
    source.write_text(SOURCE.read_text().replace("value_set<bit<16>>(4)", "value_set<bit<16>>(1024)"))
    compiled = compile_program(source)
    XdpParser(compiled.program, compiled.layout, compiled.c_source).close()
