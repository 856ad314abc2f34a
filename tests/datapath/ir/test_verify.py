"""The IR checker: each kind of breach is named with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ir_builder import at, const, extract, header, program, ref, select, state

from datapath.ir.model import Assign, Binary, Extract, Field, Slice, VarRef, Verify
from datapath.ir.verify import verify

H = header("h", a=8)
GOOD = program((H,), state("start", extract("h")))


def test_a_sound_program_passes():
    assert verify(GOOD) is GOOD


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (program((H,), state("start", to="nowhere")), "state start: no state nowhere"),
        (program((H,), state("start"), state("start")), "state declared twice: start"),
        (program((H, H), state("start")), "header declared twice: h"),
        (program((H,), state("start", extract("g"))), "no header g"),
        (program((H,), state("start", Extract(at("h"), const(8, 32)))), "varbit size"),
        (program((H,), state("start", Assign(ref("h", "a", 8), const(1, 9)))), "assignment of two widths"),
        (program((H,), state("start", Assign(VarRef("x", 8), const(1, 8)))), "no variable x"),
        (program((H,), state("start", Verify(const(1, 8), const(1, 32)))), "condition is not one bit"),
        (program((H,), state("start", to=select(const(300, 8), {None: "accept"}))), "constant does not fit"),
        (program((H,), state("start", to=select(Slice(const(1, 8), 8, 0), {None: "accept"}))), "slice out of range"),
        (
            program((H,), state("start", to=select(Binary("+", const(1, 8), const(1, 9), 8), {None: "accept"}))),
            "operands of two widths",
        ),
        (program((header("h", a=-8, b=-8),), state("start")), "h has two varbits"),
        (program((replace(H, fields=(Field("a", 4, 8),)),), state("start")), "h.a is not at bit 0"),
        (replace(GOOD, errors=("NoError",)), "errors do not start"),
        (replace(GOOD, emit_order=()), "emit order"),
    ],
)
def test_a_breach_is_named(broken, message):
    with pytest.raises(AssertionError, match=message):
        verify(broken, "some_pass")
