"""Compute what is known at compile time.

Effect: operators on constants become constants; an ``If``, ``verify`` or select with a known condition is resolved;
slices of slices, resizes and concatenations become slices of what is below.  Variables that nothing writes are their
initial value.  Does not follow assignments from state to state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from datapath.ir.evaluate import binary, number, unary
from datapath.ir.model import (
    Any,
    Assign,
    Binary,
    Concat,
    Const,
    Evaluate,
    Expr,
    Goto,
    If,
    Keyset,
    Masked,
    Mux,
    ParserError,
    Program,
    Range,
    Resize,
    Select,
    Slice,
    State,
    Statement,
    Transition,
    Unary,
    VarRef,
    Verify,
)
from datapath.ir.walk import can_fail, flat_statements, rebuild_program


def fold_constants(program: Program) -> Program:
    """Run the pass."""
    written = set(_written(program))
    fixed = {v.name: v for v in program.variables if v.name not in written}

    def change(expr: Expr) -> Expr:
        if isinstance(expr, VarRef) and expr.name in fixed:
            return Const(fixed[expr.name].initial, expr.width, expr.signed)
        return fold(expr)

    program = rebuild_program(program, change)
    return replace(program, states=tuple(_folded(s) for s in program.states))


def _written(program: Program) -> Iterator[str]:
    for state in program.states:
        for statement in flat_statements(state.statements):
            if isinstance(statement, Assign):
                place: Expr = statement.target
                while isinstance(place, Slice):
                    place = place.operand
                if isinstance(place, VarRef):
                    yield place.name


# ---------------------------------------------------------------------------------------------------- expressions
def fold(expr: Expr) -> Expr:
    """Fold one node whose operands are folded."""
    if isinstance(expr, ParserError):
        return Const(0, expr.width)
    if isinstance(expr, Unary) and isinstance(expr.operand, Const):
        return Const(unary(expr.op, expr.operand.value, expr.width), expr.width, expr.signed)
    if isinstance(expr, Slice):
        return _fold_slice(expr)
    if isinstance(expr, Concat):
        return _fold_concat(expr)
    if isinstance(expr, Resize):
        return _fold_resize(expr)
    if isinstance(expr, Mux):
        if isinstance(expr.condition, Const):
            return expr.then if expr.condition.value else expr.otherwise
        return expr
    return _fold_binary(expr) if isinstance(expr, Binary) else expr


def _fold_slice(expr: Slice) -> Expr:
    inner = expr.operand
    if expr.low == 0 and expr.high == inner.width - 1 and expr.signed == inner.signed:
        return inner
    if isinstance(inner, Const):
        return Const(inner.value >> expr.low & ((1 << expr.width) - 1), expr.width, expr.signed)
    if isinstance(inner, Slice):
        return fold(Slice(inner.operand, inner.low + expr.high, inner.low + expr.low, expr.signed))
    if isinstance(inner, Resize) and expr.high < inner.operand.width:
        return fold(Slice(inner.operand, expr.high, expr.low, expr.signed))
    if isinstance(inner, Concat):
        low = inner.width
        for part in inner.parts:
            low -= part.width
            if low <= expr.low and expr.high < low + part.width and not can_fail(inner):
                return fold(Slice(part, expr.high - low, expr.low - low, expr.signed))
    return expr


def _fold_concat(expr: Concat) -> Expr:
    parts: list[Expr] = []
    for part in expr.parts:
        last = parts[-1] if parts else None
        if isinstance(part, Const) and isinstance(last, Const):
            parts[-1] = Const(last.value << part.width | part.value, last.width + part.width)
        else:
            parts.append(part)
    if len(parts) == 1 and isinstance(parts[0], Const):
        return replace(parts[0], signed=expr.signed)
    return replace(expr, parts=tuple(parts))


def _fold_resize(expr: Resize) -> Expr:
    inner = expr.operand
    if inner.width == expr.width and inner.signed == expr.signed:
        return inner
    if isinstance(inner, Const):
        value = number(inner.value, inner.width, inner.signed) & ((1 << expr.width) - 1)
        return Const(value, expr.width, expr.signed)
    return expr


def _fold_binary(expr: Binary) -> Expr:
    left, right = expr.left, expr.right
    if isinstance(left, Const) and isinstance(right, Const):
        value = binary(expr.op, left.value, right.value, left.width, left.signed)
        return Const(value, expr.width, expr.signed)
    if expr.op in ("&&", "||") and isinstance(left, Const):
        return right if (expr.op == "&&") == bool(left.value) else left
    neutral = {"+": 0, "-": 0, "|": 0, "^": 0, "<<": 0, ">>": 0, "*": 1, "&": (1 << left.width) - 1}
    if isinstance(right, Const) and right.value == neutral.get(expr.op) and left.signed == expr.signed:
        return left
    return expr


# ---------------------------------------------------------------------------------------------------- states
def _folded(state: State) -> State:
    return replace(state, statements=_fold_statements(state.statements), transition=_fold_transition(state.transition))


def _fold_statements(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, If):
            branches = _fold_statements(statement.then), _fold_statements(statement.otherwise)
            if isinstance(statement.condition, Const):
                result.extend(branches[not statement.condition.value])
            elif branches == ((), ()):
                result.append(Evaluate(statement.condition, statement.location))
            else:
                result.append(replace(statement, then=branches[0], otherwise=branches[1]))
        elif isinstance(statement, Verify) and isinstance(statement.condition, Const) and statement.condition.value:
            continue
        else:
            result.append(statement)
    return tuple(s for s in result if not isinstance(s, Evaluate) or can_fail(s.value))


def _fold_transition(transition: Transition) -> Transition:
    """Drop arms that cannot match constant keys; the keys stay, they may fail."""
    if not isinstance(transition, Select):
        return transition
    cases = []
    for case in transition.cases:
        known = [_known(k, key) for k, key in zip(case.keysets, transition.keys, strict=True)]
        if False in known:
            continue
        cases.append(replace(case, keysets=tuple(Any() if k else s for s, k in zip(case.keysets, known, strict=True))))
    first = cases[0] if cases else None
    if first and all(isinstance(k, Any) for k in first.keysets) and not any(can_fail(k) for k in transition.keys):
        return Goto(first.target, first.location or transition.location)
    return replace(transition, cases=tuple(cases)) if cases else transition


def _known(keyset: Keyset, key: Expr) -> bool | None:
    """Return whether the keyset matches, None if only the packet tells."""
    if isinstance(keyset, Any) or (isinstance(keyset, Masked) and keyset.mask == 0):
        return True
    if not isinstance(key, Const):
        return None
    if isinstance(keyset, Masked):
        return key.value & keyset.mask == keyset.value & keyset.mask
    if isinstance(keyset, Range):
        low, value, high = (number(v, key.width, key.signed) for v in (keyset.low, key.value, keyset.high))
        return low <= value <= high
    return None
