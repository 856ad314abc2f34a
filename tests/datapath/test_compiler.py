"""The compiler's driver: warnings, what cannot be translated, the cache."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ir_builder import at, const, extract, header, program, ref, select, state

from datapath import compiler
from datapath.compiler import compile_ir, compile_program
from datapath.errors import Location, OvsP4Error, P4Errors
from datapath.ir.model import Assign, Binary, Case, InValueSet, Lookahead, Select, SetValid, ValueSet, Variable, VarRef

SOURCE = """
#include <core.p4>
#include "types.p4"
header h_t { byte_t v; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.v) { WANTED: accept; }
    }
}
"""


@pytest.fixture
def p4_file(tmp_path, monkeypatch):
    """A program of two files, and an empty cache."""
    monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "types.p4").write_text("typedef bit<8> byte_t;\n")
    (tmp_path / "x.p4").write_text(SOURCE)
    return tmp_path / "x.p4"


@pytest.fixture
def count_loads(monkeypatch):
    """Count how often the front end runs."""
    import datapath.p4

    calls = []
    original = datapath.p4.load

    def load(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(datapath.p4, "load", load)
    return calls


def test_a_second_compilation_comes_from_the_cache(p4_file, count_loads):
    first = compile_program(p4_file, defines={"WANTED": "1"})
    assert compile_program(p4_file, defines={"WANTED": "1"}) == first
    assert len(count_loads) == 1


def test_another_define_is_another_program(p4_file, count_loads):
    first = compile_program(p4_file, defines={"WANTED": "1"})
    assert compile_program(p4_file, defines={"WANTED": "2"}).c_source != first.c_source
    assert len(count_loads) == 2


def test_a_changed_include_file_is_noticed(p4_file, count_loads):
    first = compile_program(p4_file, defines={"WANTED": "1"})
    (p4_file.parent / "types.p4").write_text("typedef bit<16> byte_t;\n")
    assert compile_program(p4_file, defines={"WANTED": "1"}).layout != first.layout
    assert len(count_loads) == 2


def test_an_include_file_that_comes_to_stand_before_another_is_noticed(p4_file, count_loads):
    first_dir, second_dir = p4_file.parent / "first", p4_file.parent / "second"
    first_dir.mkdir()
    second_dir.mkdir()
    (p4_file.parent / "types.p4").rename(second_dir / "types.p4")
    arguments = (p4_file, [first_dir, second_dir], {"WANTED": "1"})
    first = compile_program(*arguments)
    assert compile_program(*arguments) == first
    assert len(count_loads) == 1
    (first_dir / "types.p4").write_text("typedef bit<16> byte_t;\n")
    assert compile_program(*arguments).layout != first.layout
    assert len(count_loads) == 2


def test_a_damaged_cache_entry_is_made_again(p4_file, count_loads):
    first = compile_program(p4_file, defines={"WANTED": "1"})
    for entry in (p4_file.parent / "cache" / "programs").iterdir():
        entry.write_bytes(b"garbage")
    assert compile_program(p4_file, defines={"WANTED": "1"}) == first
    assert len(count_loads) == 2


def test_another_compiler_does_not_use_the_cache_of_this_one(p4_file, count_loads, monkeypatch):
    compile_program(p4_file, defines={"WANTED": "1"})
    monkeypatch.setattr(compiler, "_own_digest", lambda: "another")
    compile_program(p4_file, defines={"WANTED": "1"})
    assert len(count_loads) == 2


def test_the_same_input_gives_the_same_bytes(p4_file):
    first = compile_program(p4_file, defines={"WANTED": "1"})
    again = compile_ir(first.program, first.warnings)
    assert (again.c_source, again.layout.hash) == (first.c_source, first.layout.hash)


def test_a_missing_file_is_the_users_mistake(tmp_path):
    with pytest.raises(OvsP4Error, match=r"nowhere\.p4"):
        compile_program(tmp_path / "nowhere.p4")


# ---------------------------------------------------------------------------------------------------- diagnostics
G = header("g", c=8)


def test_warnings():
    members = Select((Lookahead(8),), (Case((InValueSet("tpids"),), "accept"),))
    made = program(
        (G, header("n", x=4)),
        state("start", extract("n"), extract("g"), Assign(ref("g", "c", 8), const(1, 8)), to=members),
    )
    made = replace(made, value_sets=(ValueSet("tpids", 4, (8,)),))
    texts = [d.message for d in compile_ir(made).warnings]
    assert [t.split(":")[0] for t in texts] == [
        "the parser changes header g",
        "headers may begin inside a byte",
    ]


def test_everything_that_has_no_translation_is_told_at_once():
    def line(n):
        return Location("x.p4", n, 1)

    wide = Variable("w", 4096, in_key=True)
    value = VarRef("w", 4096)
    made = program(
        (G,),
        state(
            "start",
            Assign(value, Binary("*", value, const(3, 4096), 4096), line(2)),
            to=select(Lookahead(8), {0: "shift", None: "accept"}),
        ),
        state("shift", Assign(value, Binary("<<", value, Lookahead(8), 4096), line(3)), SetValid(at("g"), True)),
        variables=(wide,),
    )
    with pytest.raises(P4Errors) as caught:
        compile_ir(made)
    assert [str(d).split("\n")[0] for d in caught.value.diagnostics] == [
        "x.p4:2:1: unsupported: operator * on 4096 bits",
        "x.p4:3:1: unsupported: run-time shift of 4096 bits",
    ]
