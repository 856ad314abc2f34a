"""Which variables matter where a state begins: read on some way before all of them is written."""

from __future__ import annotations

import pytest
from ir_builder import at, const, header, program, select, state

from datapath.ir.liveness import live_variables
from datapath.ir.model import Advance, Assign, If, IsValid, Slice, Statement, VarRef

X = VarRef("x", 32)
READ = Advance(X)
WRITE = Assign(X, const(8, 32))
HALF = Assign(Slice(X, 7, 0), const(8, 8))
VALID = IsValid(at("h"))


@pytest.mark.parametrize(
    ("statements", "matters"),
    [
        ([READ], True),
        ([WRITE, READ], False),
        ([HALF, READ], True),
        ([If(VALID, (WRITE,), (WRITE,)), READ], False),
        ([If(VALID, (WRITE,), ()), READ], True),
        ([If(VALID, (), (WRITE,)), READ], True),
        ([If(VALID, (WRITE, READ), ())], False),
        ([If(VALID, (WRITE,), (READ,))], True),
        ([], False),
    ],
)
def test_in_one_state(statements: list[Statement], matters: bool) -> None:
    made = program((header("h", a=8),), state("start", *statements))
    assert live_variables(made) == {"start": {"x"} if matters else set()}


def test_from_state_to_state() -> None:
    """Round a loop, too: ``again`` reads what the round before has left."""
    made = program(
        (header("h", a=8),),
        state("start", to="again"),
        state("again", READ, to=select(X, {1: "again", 2: "sets", None: "end"})),
        state("sets", WRITE, to="uses"),
        state("uses", READ),
        state("end"),
    )
    live = live_variables(made)
    assert {name for name, variables in live.items() if variables} == {"start", "again", "uses"}
