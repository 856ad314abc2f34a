"""The dump of the IR: one example of everything that is declared; statements are in the tests of passes."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

from ir_builder import const, extract, header, program, stack, state

from datapath.errors import Location
from datapath.ir.model import (
    HEADER_ORDER,
    Checksum,
    CoveredField,
    InValueSet,
    Lookahead,
    Range,
    Select,
    SkippedPart,
    ValueSet,
    Variable,
)
from datapath.ir.model import Case as Arm
from datapath.ir.text import dump


def test_dump():
    headers = (header("h", n=8, csum=16, v=-32), *stack("m", 2, a=4, b=4), header("u.x", "u", v=8))
    arms = (Arm((Range(1, 3),), "accept"), Arm((InValueSet("ports"),), "reject"))
    made = replace(
        program(
            headers,
            state("start", extract("h", const(16, 32)), extract("m.next"), to=Select((Lookahead(8, 4),), arms)),
            variables=(Variable("meta.vrf", 12, in_key=True), Variable("n", 8, signed=True, initial=5)),
            errors=("Mine",),
        ),
        value_sets=(ValueSet("ports", 4, (8,)),),
        checksums=(Checksum("h", "csum", (CoveredField("h", "n", 0, 8),), with_payload=True),),
        skipped=(
            SkippedPart("control", "C", Location("x.p4", 9, 1)),
            SkippedPart("control", "D", Location("x.p4", 10, 1), (HEADER_ORDER, "checksum h.csum")),
        ),
        emit_order=("u.x", "h", "m[0]", "m[1]"),
    )
    assert (
        dump(made)
        == dedent(
            """
        program test (test.p4)
        header h h_t {n:bit<8>, csum:bit<16>, v:varbit<32>}
        header m[0] m_t {a:bit<4>, b:bit<4>}
        header m[1] m_t {a:bit<4>, b:bit<4>}
        header u.x u.x_t {v:bit<8>} in union u
        stack m: 2 x m_t
        key meta.vrf:bit<12>
        local n:int<8> = 5
        value_set ports: 4 x (bit<8>)
        error Mine
        emit u.x, h, m[0], m[1]
        checksum h.csum over h.n@0, payload
        skipped control C
        skipped control D, used: order of headers, checksum h.csum
        state start
            extract h, 32w0x10
            extract m.next
            select lookahead(8 at 4)
                0x1..0x3: accept
                in ports: reject
        """
        ).lstrip()
    )
