"""Each pass on a small program: IR in, IR text out."""

from __future__ import annotations

from textwrap import dedent

import pytest
from ir_builder import at, const, exact, extract, header, program, ref, select, stack, state

from datapath.errors import P4UnsupportedError
from datapath.ir.model import (
    Advance,
    Any,
    Assign,
    Binary,
    Case,
    FieldRef,
    Goto,
    HeaderAt,
    If,
    IsValid,
    Lookahead,
    PushPop,
    Range,
    Select,
    SetValid,
    StackLastIndex,
    Variable,
    VarRef,
    Verify,
)
from datapath.ir.text import dump_states
from datapath.ir.verify import verify
from datapath.passes import unroll_stacks as unroll_module
from datapath.passes.bound_loops import bound_loops
from datapath.passes.drop_unreachable import drop_unreachable
from datapath.passes.expand_unions import expand_unions
from datapath.passes.fold_constants import fold_constants
from datapath.passes.prune_variables import prune_variables
from datapath.passes.unroll_stacks import unroll_stacks

G = header("g", c=8)


def check(run, before, expected):
    """Run a pass on a sound program, and compare the states' text."""
    after = verify(run(verify(before)), run.__name__)
    assert dump_states(after) == dedent(expected).lstrip()


def test_a_stack_unrolls_to_a_chain():
    tags = stack("vlan", 2, type=16)
    again = select(ref("vlan.last", "type", 16), {0x8100: "tag", None: "ip"})
    check(
        unroll_stacks,
        program((*tags, G), state("tag", extract("vlan.next"), to=again), state("ip", extract("g"))),
        """
        state tag
            extract vlan[0]
            select vlan[0].type
                0x8100&0xffff: tag#2
                _: ip
        state tag#2
            extract vlan[1]
            select vlan[1].type
                0x8100&0xffff: tag#3
                _: ip
        state ip
            extract g
            goto accept
        state tag#3
            verify 1w0 else StackOutOfBounds
            select vlan[1].type
                0x8100&0xffff: tag#3
                _: ip
        """,
    )


def test_a_branch_that_moves_a_stack_splits_its_state():
    test = Binary("==", Lookahead(8), const(0, 8), 1)
    after = Assign(VarRef("n", 32), StackLastIndex("m"))
    check(
        unroll_stacks,
        program(
            stack("m", 2, v=8),
            state("start", If(test, (extract("m.next"),)), after),
            variables=(Variable("n", 32),),
        ),
        """
        state start
            select (lookahead(8) == 8w0)
                0x1&0x1: start$1
                _: start$2
        state start$1
            extract m[0]
            n = 32w0
            goto accept
        state start$2
            n = 32w0xffffffff
            goto accept
        """,
    )


def test_push_pop_and_last_of_an_empty_stack():
    check(
        unroll_stacks,
        program(
            stack("m", 3, v=8),
            state("start", extract("m.next"), PushPop("m", 1), to="next"),
            state("next", PushPop("m", -3), to=select(ref("m.last", "v", 8), {None: "accept"})),
        ),
        """
        state start
            extract m[0]
            m[2] = m[1]
            m[1] = m[0]
            set_invalid m[0]
            goto next
        state next
            set_invalid m[0]
            set_invalid m[1]
            set_invalid m[2]
            select fail(3)
                _: accept
        """,
    )


def test_a_run_time_index_becomes_a_choice():
    chosen = HeaderAt("m", "index", ref("g", "c", 8))
    read = Assign(VarRef("n", 8), FieldRef(chosen, "v", 8))
    write = Assign(FieldRef(chosen, "v", 8), const(1, 8))
    check(
        unroll_stacks,
        program((*stack("m", 2, v=8), G), state("start", read, write), variables=(Variable("n", 8),)),
        """
        state start
            n = ((g.c == 8w0) ? m[0].v : ((g.c == 8w1) ? m[1].v : 8w0))
            if (g.c == 8w0)
                m[0].v = 8w1
            else
                if (g.c == 8w1)
                    m[1].v = 8w1
                else
                    evaluate 8w1
            goto accept
        """,
    )


def test_too_many_clones_are_refused(monkeypatch):
    monkeypatch.setattr(unroll_module, "MAX_STATES", 10)
    tags = stack("m", 20, v=8)
    loop = state("start", extract("m.next"), to="start")
    with pytest.raises(P4UnsupportedError, match="unroll to more than 10 states"):
        unroll_stacks(program(tags, loop))


def test_loops_are_counted_unless_a_stack_bounds_them():
    loop = state("skip", Advance(const(8, 32)), to="skip")
    check(
        bound_loops,
        program((), state("start", to="skip"), loop),
        """
        state start
            goto skip
        state skip
            $visits = ($visits + 8w1)
            verify ($visits <= 8w0x40) else ParserTimeout
            advance 32w8
            goto skip
        """,
    )
    bounded = program(stack("m", 2, v=8), state("start", extract("m.next"), to="start"))
    assert bound_loops(bounded) == bounded
    popped = program(stack("m", 2, v=8), state("start", extract("m.next"), PushPop("m", -1), to="start"))
    assert "$visits" in dump_states(bound_loops(popped))


def test_constants_fold():
    n = VarRef("n", 8)
    check(
        fold_constants,
        program(
            (G,),
            state(
                "start",
                If(Binary("<", const(1, 8), const(2, 8), 1), (extract("g"),), (Advance(const(8, 32)),)),
                Verify(const(1, 1), const(1, 32)),
                Verify(Binary("==", VarRef("k", 8), const(4, 8), 1), const(2, 32)),
                Assign(n, Binary("+", const(250, 8), const(10, 8), 8)),
                to=Select(
                    (const(5, 8), ref("g", "c", 8)),
                    (
                        Case((exact(4, 8), exact(1, 8)), "reject"),
                        Case((Range(1, 5), exact(2, 8)), "accept"),
                        Case((Any(), Any()), "reject"),
                    ),
                ),
            ),
            variables=(Variable("n", 8), Variable("k", 8, initial=4)),
        ),
        """
        state start
            extract g
            n = 8w4
            select 8w5, g.c
                _, 0x2&0xff: accept
                _, _: reject
        """,
    )


def test_unreachable_states_and_arms_go():
    to = Select((Lookahead(8),), (Case((exact(1, 8),), "a"), Case((Any(),), "accept"), Case((exact(2, 8),), "b")))
    check(
        drop_unreachable,
        program((), state("start", to=to), state("b"), state("a")),
        """
        state start
            select lookahead(8)
                0x1&0xff: a
                _: accept
        state a
            goto accept
        """,
    )


def test_variables_that_nobody_reads_go_with_their_assignments():
    write = [Assign(VarRef(n, 8), Lookahead(8) if n == "a" else VarRef("a", 8)) for n in ("a", "b", "key")]
    before = program(
        (), state("start", *write[:2]), variables=(Variable("a", 8), Variable("b", 8), Variable("key", 8, in_key=True))
    )
    check(
        prune_variables,
        before,
        """
        state start
            evaluate lookahead(8)
            goto accept
        """,
    )
    assert prune_variables(before).variables == ()
    kept = program((), state("start", write[0], write[2]), variables=before.variables)
    assert [v.name for v in prune_variables(kept).variables] == ["a", "key"]


def test_members_of_a_union_exclude_each_other():
    members = (header("u.a", "u", v=8), header("u.b", "u", v=8))
    check(
        expand_unions,
        program(members, state("start", If(IsValid(at("u.b")), (extract("u.a"),)), SetValid(at("u.b"), True))),
        """
        state start
            if valid(u.b)
                extract u.a
                set_invalid u.b
            set_valid u.b
            set_invalid u.a
            goto accept
        """,
    )


def test_goto_of_a_select_that_always_matches():
    always = Select((const(1, 8),), (Case((exact(1, 8),), "a"), Case((Any(),), "reject")))
    folded = fold_constants(program((), state("start", to=always), state("a")))
    assert folded.states[0].transition == Goto("a")
