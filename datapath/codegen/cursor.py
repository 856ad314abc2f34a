"""What is known of the cursor at compile time: whether it always stands on a byte, and where it stands.

Read by ``parser_c.py``, which counts bytes where it can and bits where it must.
"""

from __future__ import annotations

from collections.abc import Iterable

from datapath.ir.graph import targets
from datapath.ir.model import (
    Advance,
    Assign,
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
    VarRef,
)
from datapath.ir.walk import flat_statements


def counts_bytes(program: Program) -> bool:
    """Tell whether every step moves the cursor by whole bytes."""
    headers = {h.path: h for h in program.headers}
    zeros = TrailingZeros(program)
    for state in program.states:
        for statement in flat_statements(state.statements):
            if isinstance(statement, Advance) and zeros.of(statement.bits) < 3:
                return False
            if isinstance(statement, Extract):
                header = headers[statement.header.path]
                starts = header.varbit.offset_bits if header.varbit else 0
                size = statement.varbit_bits
                if header.width_bits % 8 or starts % 8 or (size is not None and zeros.of(size) < 3):
                    return False
    return True


class TrailingZeros:
    """How many low bits of an expression are zero in every run (at least).

    A variable has the zeros that all values have which the program assigns to it anywhere; the order of the
    assignments is not looked at.
    """

    def __init__(self, program: Program) -> None:
        values: dict[str, list[Expr | None]] = {v.name: [Const(v.initial, v.width_bits)] for v in program.variables}
        for state in program.states:
            for statement in flat_statements(state.statements):
                if isinstance(statement, Assign):
                    target = statement.target
                    whole = isinstance(target, VarRef)
                    written = target.operand if isinstance(target, Slice) else target
                    if isinstance(written, VarRef):
                        values[written.name].append(statement.value if whole else None)
        self._variables = {v.name: v.width_bits for v in program.variables}  # at first the most; then ever fewer
        changed = True
        while changed:
            changed = False
            for name, assigned in values.items():
                fewest = min(0 if value is None else self.of(value) for value in assigned)
                if fewest < self._variables[name]:
                    self._variables[name] = fewest
                    changed = True

    def of(self, expr: Expr) -> int:
        """Return the number for an expression of the program."""
        if isinstance(expr, Const):
            return (expr.value & -expr.value).bit_length() - 1 if expr.value else expr.width
        if isinstance(expr, VarRef):
            return self._variables[expr.name]
        if isinstance(expr, Resize):
            return min(self.of(expr.operand), expr.width)
        if isinstance(expr, Slice) and expr.low == 0:
            return min(self.of(expr.operand), expr.width)
        if isinstance(expr, Concat):
            return self.of(expr.parts[-1])
        if isinstance(expr, Mux):
            return min(self.of(expr.then), self.of(expr.otherwise))
        if isinstance(expr, Binary):
            return self._of_binary(expr)
        return 0

    def _of_binary(self, expr: Binary) -> int:
        left, right = self.of(expr.left), self.of(expr.right)
        if expr.op == "*":
            return min(left + right, expr.width)
        if expr.op == "<<":
            return min(left + expr.right.value, expr.width) if isinstance(expr.right, Const) else left
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
