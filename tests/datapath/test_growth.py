"""Programs of few lines that stand for very many: refused at once, with the place, instead of compiled for hours."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from datapath.compiler import CompiledProgram, compile_ir
from datapath.errors import Diagnostic, P4Errors, P4UnsupportedError
from datapath.p4 import load

PATIENCE_S = 10.0  # on a machine that is busy; by itself each takes well under a second
DECLARATIONS = """#include <core.p4>
header h_t { bit<8> a; bit<8> b; bit<16> c; bit<32> d; }
header wide_t { bit<2048> w; }
struct headers_t { h_t h; h_t[8] s; h_t[8] t; wide_t wide; }
struct meta_t { bit<32> x; bit<32> y; }
"""
PARSER = "parser P(packet_in p, out headers_t hdr, inout meta_t m)"
TO_99 = "for (bit<32> {0} in 0 .. 99) {{ "


def doubling(first: str, again: str) -> str:
    """Return declarations the last of which, numbered 30, does twice what the one before does."""
    return first + "".join(again.format(i, i - 1) for i in range(1, 31))


FUNCTIONS = doubling(
    "bit<32> f0(in bit<32> x) { return x + 1; }", "bit<32> f{0}(in bit<32> x) {{ return f{1}(f{1}(x)); }}"
)
IDLE_FUNCTIONS = doubling("void f0() { }", "void f{0}() {{ f{1}(); f{1}(); }}")
SUB_PARSERS = doubling(
    "parser S0(packet_in p, out h_t h) { state start { p.extract(h); transition accept; } }",
    "parser S{0}(packet_in p, out h_t h)"
    " {{ state start {{ S{1}.apply(p, h); S{1}.apply(p, h); transition accept; }} }}",
)
STRUCTS = doubling("struct t0 { bit<8> a; }", "struct t{0} {{ t{1} a; t{1} b; }}")
RETURNS = (
    "bit<32> f(in bit<32> x, in bit<32> y) { "
    + "".join(f"if (x == {i}) {{ if (y == {i}) {{ return {i}; }} }} " for i in range(30))
    + "return 0; }"
)
SPLITS = "".join(f"if (hdr.h.d[{i}:{i}] == 1) {{ hdr.s.push_front(1); }} " for i in range(30))

# by name: statements of the start state, declarations, part of the message
REFUSED: dict[str, tuple[str, str, str]] = {
    "loops_in_loops": (TO_99.format("i") + TO_99.format("j") + TO_99.format("k") + "m.x = m.x + k; } } }", "", ""),
    "idle_loops": (
        "for (bit<32> i = 0; i < 1000; i = i + 1) { for (bit<32> j = 0; j < 1000; j = j + 1) { } }",
        "",
        "more than 60000 steps of the compiler",
    ),
    "loops_with_a_way_out": (TO_99.format("i") + TO_99.format("j") + "if (m.x == j) break; m.x = j; } }", "", ""),
    "functions": ("m.x = f30(m.x);", FUNCTIONS, ""),
    "idle_functions": ("f30();", IDLE_FUNCTIONS, "more than 60000 steps of the compiler"),
    "returns": ("m.x = f(m.x, m.y);", RETURNS, ""),
    "sub_parsers": ("S30.apply(p, hdr.s[0]);", SUB_PARSERS, "more than 1024 states"),
    "indexes_in_indexes": ("bit<8>[200] a; a[0] = hdr.h.a; m.x = (bit<32>)a[a[a[hdr.h.b]]];", "", ""),
    "indexes_in_loops": ("bit<8>[200] a; " + TO_99.format("i") + "a[hdr.h.a + (bit<8>)i] = a[hdr.h.b]; }", "", ""),
    "arrays_of_arrays": ("bit<8>[200][200] a; a[hdr.h.a][hdr.h.b] = 1;", "", ""),
    "structs_in_structs": ("t30 v; m.x = 1;", STRUCTS, "more than 60000 steps of the compiler"),
    "stacks_compared": (TO_99.format("i") + TO_99.format("j") + "if (hdr.s == hdr.t) { m.x = j; } } }", "", ""),
    "stack_indexes_in_indexes": (
        "m.x = (bit<32>)hdr.s[hdr.t[hdr.s[hdr.t[hdr.s[hdr.t[hdr.h.a].a].a].a].a].a].a;",
        "",
        "header stacks unroll to more than",
    ),
    "stacks_of_many_heights": (SPLITS, "", "header stacks unroll to more than"),
    "wide_numbers": (
        "p.extract(hdr.wide); " + TO_99.format("i") + "hdr.wide.w = hdr.wide.w * hdr.wide.w + hdr.wide.w; "
        "hdr.wide.w = hdr.wide.w * hdr.wide.w ^ hdr.wide.w; hdr.wide.w = hdr.wide.w * hdr.wide.w | hdr.wide.w; }",
        "",
        "lines of C",
    ),
}  # fmt: skip


def compiled(path: Path, states: str, declarations: str = "") -> CompiledProgram:
    """Compile a program, within the time that any may take."""
    path.write_text(f"{DECLARATIONS}{declarations}\n{PARSER} {{\n{states}\n}}\n")
    begin = time.monotonic()
    try:
        loaded = load(path)
        return compile_ir(loaded.program, loaded.warnings)
    finally:
        assert time.monotonic() - begin < PATIENCE_S


def refused(path: Path, states: str, declarations: str) -> Diagnostic:
    """Return the one message that a program gets."""
    try:
        compiled(path, states, declarations)
    except P4Errors as faults:
        (diagnostic,) = faults.diagnostics
        return diagnostic
    except P4UnsupportedError as fault:
        return fault.diagnostic
    pytest.fail("it is compiled")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_once(name: str, tmp_path: Path) -> None:
    statements, declarations, message = REFUSED[name]
    state = f"state start {{ p.extract(hdr.h);\n{statements}\ntransition accept; }}"
    diagnostic = refused(tmp_path / f"{name}.p4", state, declarations)
    assert diagnostic.severity == "unsupported"
    assert (message or "when all is written out") in diagnostic.message
    assert diagnostic.hint
    assert diagnostic.location.line >= DECLARATIONS.count("\n") + 1


def test_the_message_is_at_the_outermost_loop_with_the_inner_ones_in_notes(tmp_path: Path) -> None:
    body = "state start {\n" + "\n".join(map(TO_99.format, "ij")) + "\nm.x = f(m.x); } } transition accept; }"
    function = f"bit<32> f(in bit<32> x) {{ return {'+ '.join(['x'] * 20)}; }}"
    diagnostic = refused(tmp_path / "loops.p4", body, function)
    begin = DECLARATIONS.count("\n") + 4
    assert diagnostic.location.line == begin
    notes = [(place.line, text) for place, text, _ in diagnostic.notes]
    assert notes == [(begin + 1, "with this loop in it"), (begin + 2, "with 'f' in it")]


def states(n: int) -> str:
    """Return states that go on to the next or back."""
    each = "state s{0} {{ m.x = m.x + 1; transition select(m.x) {{ {0}: s{1}; _: s{2}; }} }}"
    chain = "".join(each.format(i, i + 1, i // 2) for i in range(n))
    return f"state start {{ transition s0; }} {chain} state s{n} {{ transition accept; }}"


def start(statements: str, keys: str = "m.x", cases: str = "_: accept;") -> str:
    """Return the start state."""
    return f"state start {{ {statements} transition select({keys}) {{ {cases} }} }}"


TO_29 = "for (bit<32> {0} in 0 .. 29) {{ "
PAIRS = "".join(f"({i}, {i} .. {i + 5}): accept;" for i in range(3000))
RANGES = "".join(f"{2 * i} .. {2 * i + 1}: accept;" for i in range(3000))

# What is large and yet taken.
TAKEN = {
    "loops": start(TO_99.format("i") + TO_29.format("j") + "m.x = m.x + j; } }"),
    "ways_out": start(TO_29.format("i") + TO_29.format("j") + "if (m.x == j) break; m.x = j; } }"),
    "cases": start("", "p.lookahead<bit<32>>(), hdr.h.c", PAIRS),
    "ranges": start("", "p.lookahead<bit<32>>()", RANGES),
    "states": states(900),
}


@pytest.mark.parametrize("name", TAKEN)
def test_large_and_compiled(name: str, tmp_path: Path) -> None:
    assert compiled(tmp_path / f"{name}.p4", TAKEN[name]).c_source
