"""What is known of the cursor at compile time: whether it always stands on a byte, and where it stands.

Read by ``parser_c.py``, which counts bytes where it can and bits where it must.
"""

from __future__ import annotations

from collections.abc import Iterable

from datapath.ir.graph import targets
from datapath.ir.model import (
    Advance,
    Binary,
    Concat,
    Const,
    Expr,
    Extract,
    If,
    Mux,
    Program,
    Resize,
    Slice,
    Statement,
)
from datapath.ir.walk import flat_statements


def counts_bytes(program: Program) -> bool:
    """Tell whether every step moves the cursor by whole bytes."""
    headers = {h.path: h for h in program.headers}
    for state in program.states:
        for statement in flat_statements(state.statements):
            if isinstance(statement, Advance) and trailing_zeros(statement.bits) < 3:
                return False
            if isinstance(statement, Extract):
                header = headers[statement.header.path]
                starts = header.varbit.offset_bits if header.varbit else 0
                size = statement.varbit_bits
                if header.width_bits % 8 or starts % 8 or (size is not None and trailing_zeros(size) < 3):
                    return False
    return True


def trailing_zeros(expr: Expr) -> int:
    """Return how many low bits of an expression are zero in every run (at least)."""
    if isinstance(expr, Const):
        return (expr.value & -expr.value).bit_length() - 1 if expr.value else expr.width
    if isinstance(expr, Resize):
        return min(trailing_zeros(expr.operand), expr.width)
    if isinstance(expr, Slice) and expr.low == 0:
        return min(trailing_zeros(expr.operand), expr.width)
    if isinstance(expr, Concat):
        return trailing_zeros(expr.parts[-1])
    if isinstance(expr, Mux):
        return min(trailing_zeros(expr.then), trailing_zeros(expr.otherwise))
    if isinstance(expr, Binary):
        return _binary_zeros(expr)
    return 0


def _binary_zeros(expr: Binary) -> int:
    left, right = trailing_zeros(expr.left), trailing_zeros(expr.right)
    if expr.op == "*":
        return min(left + right, expr.width)
    if expr.op == "<<" and isinstance(expr.right, Const):
        return min(left + expr.right.value, expr.width)
    if expr.op == "&":
        return max(left, right)
    return min(left, right) if expr.op in ("+", "-", "|", "^") else 0


def entry_positions(program: Program) -> dict[str, int | None]:
    """Return the cursor's position (bits) at the entry of each reachable state, None where it varies."""
    states = {s.name: s for s in program.states}
    widths = {h.path: h.width_bits for h in program.headers}
    start = program.states[0].name
    entry: dict[str, int | None] = {start: 0}
    todo = [start]
    while todo:
        name = todo.pop()
        after = position_after(states[name].statements, entry[name], widths)
        for target in targets(states[name]):
            if target not in states:
                continue
            joined = after if target not in entry or entry[target] == after else None
            if target not in entry or entry[target] != joined:
                entry[target] = joined
                todo.append(target)
    return entry


def position_after(statements: Iterable[Statement], position: int | None, widths: dict[str, int]) -> int | None:
    """Return the position behind the statements, None where it varies."""
    for statement in statements:
        if isinstance(statement, If):
            then = position_after(statement.then, position, widths)
            position = then if then == position_after(statement.otherwise, position, widths) else None
        elif position is not None and isinstance(statement, Extract):
            position = None if statement.varbit_bits is not None else position + widths[statement.header.path]
        elif position is not None and isinstance(statement, Advance):
            position = position + statement.bits.value if isinstance(statement.bits, Const) else None
    return position
