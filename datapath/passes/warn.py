"""What a user should know of a program that compiles all the same.

An analysis, not a rewrite.  Told are: value sets (nothing fills them yet, so they match nothing), headers that may
begin inside a byte, and headers that the parser itself changes: in both the packet cannot follow.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.errors import Diagnostic, Location
from datapath.ir.model import (
    Assign,
    CopyHeader,
    Expr,
    FieldRef,
    InValueSet,
    Program,
    Select,
    SetValid,
    Slice,
    Statement,
)
from datapath.ir.walk import flat_statements


def warnings_of(program: Program, on_bytes: bool) -> list[Diagnostic]:
    """Return the warnings of a program after all passes.

    Args:
        program: The program.
        on_bytes: Whether each header begins on a byte (``codegen/cursor.counts_bytes``).
    """
    default = Location(program.source, 1, 1)
    found: dict[str, Diagnostic] = {}
    for where, message in _messages(program):
        found.setdefault(message, Diagnostic(where or default, "warning", message))
    if not on_bytes:
        message = "headers may begin inside a byte: they can be matched on, but not be set by flows"
        found[message] = Diagnostic(default, "warning", message)
    return sorted(found.values(), key=lambda d: d.location)


def _messages(program: Program) -> Iterator[tuple[Location | None, str]]:
    for state in program.states:
        for statement in flat_statements(state.statements):
            changed = _changed_header(statement)
            if changed:
                where = getattr(statement, "location", None) or state.location
                yield where, f"the parser changes header {changed}: flows see the change, the packet keeps its bytes"
        if isinstance(state.transition, Select):
            for case in state.transition.cases:
                for keyset in case.keysets:
                    if isinstance(keyset, InValueSet):
                        yield (
                            case.location or state.location,
                            f"value set {keyset.name} is empty: nothing can fill it yet",
                        )


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
