"""The reference model, rule by rule of the chapter on packet parsing, on packets whose outcome one can see."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ir_builder import at, const, exact, extract, header, program, ref, select, stack, state

from datapath.ir.interpret import interpret
from datapath.ir.model import (
    Advance,
    Any,
    Assign,
    Binary,
    Case,
    CopyHeader,
    Lookahead,
    PushPop,
    Range,
    Resize,
    Select,
    SetValid,
    Slice,
    StackLastIndex,
    Variable,
    VarRef,
    Verify,
)
from datapath.ir.verify import verify

H = header("h", a=8, b=16)
G = header("g", c=8)


def run(headers, *states, packet, **more):
    """Interpret a program; returns the outcome."""
    return interpret(verify(program(headers, *states, **more)), bytes.fromhex(packet))


def test_extract_reads_fields_and_moves_the_cursor():
    outcome = run((H,), state("start", extract("h")), packet="0102030405")
    assert (outcome.verdict, outcome.error, outcome.offset_bits) == ("accept", "NoError", 24)
    assert outcome.headers["h"].raw == bytes.fromhex("010203")
    assert outcome.headers["h"].fields == {"a": 1, "b": 0x0203}
    assert outcome.states == ("start",)


def test_extract_beyond_the_end_leaves_header_and_cursor():
    outcome = run((H, G), state("start", extract("g"), extract("h")), packet="010203")
    assert (outcome.verdict, outcome.error, outcome.offset_bits) == ("reject", "PacketTooShort", 8)
    assert set(outcome.headers) == {"g"}


def test_headers_that_are_no_whole_bytes():
    nibble = header("n", x=4)
    outcome = run((nibble, H), state("start", extract("n"), extract("h")), packet="a1234567")
    assert outcome.headers["n"].raw == b"\xa0"
    assert outcome.headers["h"].fields == {"a": 0x12, "b": 0x3456}
    assert outcome.offset_bits == 28


@pytest.mark.parametrize(
    ("packet", "error", "fields"),
    [
        ("02aabbcc", "NoError", {"n": 2, "v": 0xAABB}),
        ("00", "NoError", {"n": 0, "v": 0}),
        ("05" + "aa" * 5, "HeaderTooShort", None),
        ("05aa", "PacketTooShort", None),
    ],
)
def test_varbit(packet, error, fields):
    var = header("v", n=8, v=-32)
    size = Binary("*", Resize(Lookahead(8), 32), const(8, 32), 32)
    outcome = run((var,), state("start", extract("v", size)), packet=packet)
    assert outcome.error == error
    assert outcome.headers["v"].fields == fields if fields else not outcome.headers


def test_lookahead_reads_without_moving_and_may_fail():
    to = Select((Lookahead(12, 4),), (Case((exact(0x234, 12),), "accept"),))
    assert run((), state("start", to=to), packet="1234").verdict == "accept"
    assert run((), state("start", to=to), packet="1234").offset_bits == 0
    assert run((), state("start", to=to), packet="12").error == "PacketTooShort"


def test_advance():
    step = Advance(const(12, 32))
    assert run((), state("start", step), packet="0000").offset_bits == 12
    outcome = run((), state("start", step, step), packet="0000")
    assert (outcome.error, outcome.offset_bits) == ("PacketTooShort", 12)


def test_explicit_reject_has_no_error():
    outcome = run((G,), state("start", extract("g"), to="reject"), packet="01")
    assert (outcome.verdict, outcome.error, set(outcome.headers)) == ("reject", "NoError", {"g"})


def test_select_takes_the_first_arm_that_matches_else_no_match():
    to = Select(
        (ref("g", "c", 8),),
        (Case((Range(1, 9),), "one"), Case((exact(5, 8),), "two"), Case((exact(20, 8),), "two")),
    )
    states = (state("start", extract("g"), to=to), state("one"), state("two"))
    assert run((G,), *states, packet="05").states == ("start", "one")
    assert run((G,), *states, packet="14").states == ("start", "two")
    assert run((G,), *states, packet="0a").error == "NoMatch"


def test_signed_range():
    key = replace(ref("g", "c", 8), signed=True)
    signed = replace(G, fields=(replace(G.fields[0], signed=True),))
    to = Select((key,), (Case((Range(0xFE, 2),), "accept"), Case((Any(),), "reject")))
    verdicts = {p: run((signed,), state("start", extract("g"), to=to), packet=p).verdict for p in ("ff", "02", "7f")}
    assert verdicts == {"ff": "accept", "02": "accept", "7f": "reject"}


def test_verify_rejects_with_its_error():
    check = Verify(Binary("==", ref("g", "c", 8), const(1, 8), 1), const(7, 32))
    states = (state("start", extract("g"), check),)
    assert run((G,), *states, packet="01", errors=("Mine",)).verdict == "accept"
    outcome = run((G,), *states, packet="02", errors=("Mine",))
    assert (outcome.verdict, outcome.error, outcome.offset_bits) == ("reject", "Mine", 8)


def test_stack_next_last_and_bounds():
    labels = stack("m", 2, value=7, bottom=1)
    more = select(ref("m.last", "bottom", 1), {0: "start", 1: "accept"})
    states = (state("start", extract("m.next"), to=more),)
    outcome = run(labels, *states, packet="0203")
    assert [outcome.headers[f"m[{i}]"].fields["value"] for i in range(2)] == [1, 1]
    outcome = run(labels, *states, packet="020203")
    assert (outcome.error, outcome.offset_bits, len(outcome.headers)) == ("StackOutOfBounds", 16, 2)


def test_last_of_an_empty_stack():
    to = select(ref("m.last", "value", 8), {None: "accept"})
    assert run(stack("m", 2, value=8), state("start", to=to), packet="").error == "StackOutOfBounds"


def test_push_and_pop():
    labels = stack("m", 3, value=8)
    taken = (extract("m.next"), extract("m.next"))
    outcome = run(labels, state("start", *taken, PushPop("m", 1)), packet="0102")
    assert {p: h.fields["value"] for p, h in outcome.headers.items()} == {"m[1]": 1, "m[2]": 2}
    outcome = run(labels, state("start", *taken, PushPop("m", -1), extract("m.next")), packet="010203")
    assert {p: h.fields["value"] for p, h in outcome.headers.items()} == {"m[0]": 2, "m[1]": 3}


def test_last_index():
    n = Variable("n", 32)
    take = Assign(VarRef("n", 32), StackLastIndex("m"))
    outcome = run(stack("m", 2, value=8), state("start", extract("m.next"), take), packet="01", variables=(n,))
    assert outcome.variables == {"n": 0}


def test_invalid_headers_read_as_zero_and_ignore_writes():
    keep = Assign(VarRef("n", 8), ref("g", "c", 8))
    write = Assign(ref("g", "c", 8), const(9, 8))
    states = (state("start", write, SetValid(at("g"), True), keep),)
    outcome = run((G,), *states, packet="", variables=(Variable("n", 8, initial=3),))
    assert outcome.variables == {"n": 0}
    assert outcome.headers["g"].fields == {"c": 0}


def test_assignment_to_a_slice():
    write = Assign(Slice(ref("h", "b", 16), 11, 4), const(0xFF, 8))
    outcome = run((H,), state("start", extract("h"), write), packet="000000")
    assert outcome.headers["h"].raw == bytes.fromhex("000ff0")


def test_copy_of_an_invalid_header_invalidates():
    twins = (header("x[0]", a=8), header("x[1]", a=8))
    states = (state("start", extract("x[0]"), CopyHeader(at("x[0]"), at("x[1]"))),)
    assert not run(twins, *states, packet="01").headers


def test_one_member_of_a_union_at_a_time():
    members = (header("u.a", "u", v=8), header("u.b", "u", w=8))
    outcome = run(members, state("start", extract("u.a"), extract("u.b")), packet="0102")
    assert set(outcome.headers) == {"u.b"}


def test_a_loop_that_nothing_bounds_ends_after_64_visits():
    outcome = run((), state("start", Advance(const(8, 32)), to="start"), packet="00" * 100)
    assert (outcome.error, outcome.offset_bits, len(outcome.states)) == ("ParserTimeout", 64 * 8, 65)


def test_a_loop_that_a_stack_bounds_may_be_longer():
    labels = stack("m", 100, value=8)
    more = select(ref("m.last", "value", 8), {0: "start", None: "accept"})
    outcome = run(labels, state("start", extract("m.next"), to=more), packet="00" * 99 + "01")
    assert (outcome.verdict, len(outcome.headers)) == ("accept", 100)
