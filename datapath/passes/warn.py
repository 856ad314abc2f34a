"""What a user should know of a program that compiles all the same.

An analysis of the program after all passes, not a rewrite.  Told are: headers that may begin inside a byte, headers
that the parser itself changes (in both the packet cannot follow), and reads of headers that no packet has.  What is not
used at all is told by ``warn_unused.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.errors import Diagnostic, Location
from datapath.ir.model import (
    Advance,
    Assign,
    CopyHeader,
    Expr,
    Extract,
    FieldRef,
    If,
    Program,
    Select,
    SetValid,
    Slice,
    State,
    Statement,
    Verify,
)
from datapath.ir.validity import Validity, after_statements, entry_validity
from datapath.ir.walk import expressions, flat_statements

Told = tuple[str, Location | None, str]  # name, place, message


def warnings_of(program: Program, on_bytes: bool) -> list[Diagnostic]:
    """Return the warnings of a program after all passes.

    Args:
        program: The program.
        on_bytes: Whether each header begins on a byte (``codegen/cursor.counts_bytes``).
    """
    default = Location(program.source, 1, 1)
    found: dict[str, Diagnostic] = {}
    told: set[tuple[str, Location | None]] = set()  # one of a kind at a place: a statement may be many in the IR
    for name, where, message in [*_messages(program), *_invalid_reads(program)]:
        if message not in found and (where is None or (name, where) not in told):
            told.add((name, where))
            found[message] = Diagnostic(where or default, "warning", message, name=name)
    if not on_bytes:
        message = "headers may begin inside a byte: they can be matched on, but not be set by flows"
        odd = next((h.location for h in program.headers if h.width_bits % 8 or h.varbit), None)
        found[message] = Diagnostic(odd or default, "warning", message, name="unaligned-header")
    return sorted(found.values(), key=lambda d: d.location)


def _messages(program: Program) -> Iterator[Told]:
    for state in program.states:
        for statement in flat_statements(state.statements):
            changed = _changed_header(statement)
            if changed:
                where = getattr(statement, "location", None) or state.location
                message = f"the parser changes header {changed}: flows see the change, the packet keeps its bytes"
                yield "changed-header", where, message


def _changed_header(statement: Statement) -> str:
    """Return the header that a statement changes other than by extracting it, "" if none."""
    if isinstance(statement, Assign):
        place: Expr = statement.target
        while isinstance(place, Slice):
            place = place.operand
        return place.header.path if isinstance(place, FieldRef) else ""
    if isinstance(statement, SetValid) and statement.valid:
        return statement.header.path
    return statement.target.path if isinstance(statement, CopyHeader) else ""


# ---------------------------------------------------------------------------------------------------- reads
def _invalid_reads(program: Program) -> Iterator[Told]:
    """Tell fields that decide something though their header cannot be valid there, in no clone of the state.

    Plain copies are left out: they are how arguments travel into and out of sub-parsers.
    """
    zero: dict[tuple[Location | None, str, str], bool] = {}
    entry = entry_validity(program)
    for state in program.states:
        if state.name in entry:
            for where, ref, may in _reads(state, entry[state.name]):
                key = (where or state.location, ref.header.path, ref.field)
                zero[key] = zero.get(key, True) and not may
    for (where, header, field), never in zero.items():
        if never:
            message = f"header '{header}' is never valid here: its field '{field}' is always zero"
            yield "invalid-read", where, message


def _reads(state: State, validity: Validity) -> Iterator[tuple[Location | None, FieldRef, bool]]:
    """Yield the field reads that decide something: place, field, whether the header may be valid."""
    for statement in state.statements:
        for expr in _deciding(statement):
            for ref in _fields(expr):
                yield getattr(statement, "location", None), ref, ref.header.path in validity.may
        validity = after_statements((statement,), validity)
    if isinstance(state.transition, Select):
        for key in state.transition.keys:
            for ref in _fields(key):
                yield state.transition.location, ref, ref.header.path in validity.may


def _deciding(statement: Statement) -> Iterator[Expr]:
    if isinstance(statement, Verify | If):
        yield statement.condition
    elif isinstance(statement, Advance):
        yield statement.bits
    elif isinstance(statement, Extract) and statement.varbit_bits is not None:
        yield statement.varbit_bits


def _fields(expr: Expr) -> Iterator[FieldRef]:
    return (e for e in expressions(expr) if isinstance(e, FieldRef))
