"""An invariant that needs no reference: of a parser that only extracts, what was extracted, in order, and the rest are
the packet.  Random parsers and packets, on the reference model and on native code.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from p4_cases import FLAGS

from datapath.compiler import compile_ir
from datapath.ir.interpret import ParseOutcome, interpret
from datapath.ir.model import (
    CORE_ERRORS,
    Any,
    Case,
    Extract,
    Field,
    Goto,
    Header,
    HeaderAt,
    Lookahead,
    Masked,
    Program,
    Resize,
    Select,
    Stack,
    State,
)
from datapath.ir.verify import verify
from datapath.user.parse_only import UserParser

WIDTHS = st.lists(st.sampled_from([1, 3, 4, 7, 8, 12, 16, 24, 48, 100, 128]), min_size=1, max_size=4)


@st.composite
def extracting_programs(draw: st.DrawFn) -> Program:
    """A tree of states; each extracts one header, with or without a varbit, or the next of a stack."""
    headers: list[Header] = []
    stacks: list[Stack] = []
    states: list[State] = []
    n = draw(st.integers(1, 5))
    for i in range(n):
        fields, offset = [], 0
        for j, width in enumerate(draw(WIDTHS)):
            fields.append(Field(f"f{j}", offset, width))
            offset += width
        bits = None
        at = HeaderAt(f"h{i}")
        kind = draw(st.sampled_from(["plain", "varbit", "stack"]))
        if kind == "varbit":
            fields.append(Field("v", offset, 0, varbit_max_bits=120))
            bits = Resize(Lookahead(7), 32)  # whatever comes next says how long it is
        if kind == "stack":
            stacks.append(Stack(f"h{i}", f"h{i}_t", 2))
            headers += [Header(f"h{i}[{k}]", f"h{i}_t", tuple(fields), f"h{i}", k) for k in range(2)]
            at = HeaderAt(f"h{i}", "next")
        else:
            headers.append(Header(f"h{i}", f"h{i}_t", tuple(fields)))
        following = [f"s{k}" for k in range(i + 1, n)] + ["accept", "accept"]
        targets = draw(st.lists(st.sampled_from(following), min_size=2, max_size=2))
        cases = (Case((Masked(1, 1),), targets[0]), Case((Any(),), targets[1]))
        transition = Select((Lookahead(1),), cases) if draw(st.booleans()) else Goto(targets[0])
        states.append(State(f"s{i}", (Extract(at, bits),), transition))
    order = tuple(h.path for h in headers)
    return verify(
        Program("tree", "tree.p4", tuple(headers), tuple(stacks), (), CORE_ERRORS, tuple(states), order), "the strategy"
    )


def bits_of(outcome: ParseOutcome, program: Program) -> str:
    """Return the extracted headers' bits, in the order in which they were extracted."""
    text = ""
    for path, header in sorted(outcome.headers.items(), key=lambda item: _place(item[0], program)):
        kinds = program.header(path)
        for item in kinds.fields:
            width = header.varbit_bits if item.varbit_max_bits else item.width_bits
            text += f"{header.fields[item.name]:0{width}b}" if width else ""
    return text


def _place(path: str, program: Program) -> tuple[int, int]:
    """States come in the order of their numbers, elements of a stack in that of theirs."""
    header = program.header(path)
    return int((header.stack or path)[1:]), header.index


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    program=extracting_programs(),
    packets=st.lists(st.lists(st.sampled_from([0, 0, 0, 0, 1, 8, 0x55, 255]), max_size=60).map(bytes), max_size=20),
)
def test_extracted_bits_and_the_rest_are_the_packet(program: Program, packets: list[bytes]) -> None:
    for packet in packets:
        check(program, packet, interpret(program, packet))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    program=extracting_programs(),
    packets=st.lists(st.lists(st.sampled_from([0, 0, 0, 0, 1, 8, 0x55, 255]), max_size=60).map(bytes), min_size=10),
)
def test_the_same_of_native_code(program: Program, packets: list[bytes]) -> None:
    compiled = compile_ir(program)
    parser = UserParser(program, compiled.layout, compiled.c_source, flags=FLAGS)
    for packet in packets:
        check(program, packet, parser.parse(packet))


def check(program: Program, packet: bytes, outcome: ParseOutcome) -> None:
    whole = f"{int.from_bytes(packet, 'big'):0{len(packet) * 8}b}" if packet else ""
    extracted = bits_of(outcome, program)
    assert outcome.offset_bits == len(extracted)
    assert extracted + whole[outcome.offset_bits :] == whole
    assert (outcome.verdict == "accept") == (outcome.error == "NoError")
