"""One access to a header stack, with ``nextIndex`` known: which header it means.  Part of ``unroll_stacks``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from datapath.errors import Location
from datapath.ir.model import (
    CORE_ERRORS,
    Assign,
    Binary,
    Const,
    CopyHeader,
    Expr,
    Extract,
    Failure,
    FieldRef,
    HeaderAt,
    IsValid,
    Mux,
    PushPop,
    SetValid,
    Slice,
    StackLastIndex,
    Statement,
    VarbitEqual,
    Verify,
)

OUT_OF_BOUNDS = CORE_ERRORS.index("StackOutOfBounds")


def resolve_expr(expr: Expr, heights: Mapping[str, int], sizes: Mapping[str, int]) -> Expr:
    """Return an expression node (operands already resolved) without stack access."""
    if isinstance(expr, StackLastIndex):
        return Const(heights[expr.stack] - (not expr.next) & 0xFFFFFFFF, expr.width)
    if isinstance(expr, VarbitEqual):
        return _resolve_comparison(expr, heights, sizes)
    if not isinstance(expr, FieldRef | IsValid) or expr.header.select == "path":
        return expr
    at = expr.header
    if at.select != "index":
        found = element(at, heights, sizes)
        return replace(expr, header=found) if found else Failure(OUT_OF_BOUNDS, expr.width, expr.signed)
    assert at.index is not None
    result: Expr = Const(0, expr.width, expr.signed)
    for i in reversed(range(sizes[at.path])):
        chosen = replace(expr, header=HeaderAt(f"{at.path}[{i}]"))
        if isinstance(at.index, Const):
            result = chosen if at.index.value == i else result
        elif i < 1 << (at.index.width - at.index.signed):
            result = Mux(equals(at.index, i), chosen, result, expr.width, expr.signed)
    return result


def _resolve_comparison(expr: VarbitEqual, heights: Mapping[str, int], sizes: Mapping[str, int]) -> Expr:
    at, other = expr.left, expr.right
    if at.select == "path" and other is not None:
        at, other = other, at  # which side is which does not matter
    if at.select == "path":
        return expr
    if at.index is None:
        found = element(at, heights, sizes)
        return resolve_expr(VarbitEqual(found, other), heights, sizes) if found else Failure(OUT_OF_BOUNDS, 1)
    result: Expr = Const(1, 1)  # out of bounds: nothing is there
    if other is not None:
        result = resolve_expr(VarbitEqual(other), heights, sizes)
    for i in reversed(range(min(sizes[at.path], 1 << (at.index.width - at.index.signed)))):
        chosen = resolve_expr(VarbitEqual(HeaderAt(f"{at.path}[{i}]"), other), heights, sizes)
        result = Mux(equals(at.index, i), chosen, result, 1)
    return result


def element(at: HeaderAt, heights: Mapping[str, int], sizes: Mapping[str, int]) -> HeaderAt | None:
    """Return the header that ``next`` or ``last`` is, None where there is none; a path is itself."""
    if at.select == "path":
        return at
    index = heights[at.path] - (at.select == "last")
    return HeaderAt(f"{at.path}[{index}]") if 0 <= index < sizes[at.path] else None


def equals(value: Expr, constant: int) -> Expr:
    """Return the comparison of an expression with a constant."""
    return Binary("==", value, Const(constant, value.width, value.signed), 1)


def out_of_bounds(location: Location | None) -> Statement:
    """Return the statement that rejects because a stack has no such element."""
    return Verify(Const(0, 1), Const(OUT_OF_BOUNDS, 32), location)


def moves(statement: PushPop, size: int) -> list[Statement]:
    """Return the copies that ``push_front`` or ``pop_front`` is."""
    headers = [HeaderAt(f"{statement.stack}[{i}]") for i in range(size)]
    result: list[Statement] = []
    for i in range(size - 1, -1, -1) if statement.count > 0 else range(size):
        source = i - statement.count
        if 0 <= source < size:
            result.append(CopyHeader(headers[i], headers[source], statement.location))
        else:
            result.append(SetValid(headers[i], False, statement.location))
    return result


# ---------------------------------------------------------------------------------------------------- what is accessed
def accesses(statement: Statement) -> list[HeaderAt]:
    """Return the headers that a statement itself (not its expressions) works on."""
    if isinstance(statement, Extract | SetValid):
        return [statement.header]
    if isinstance(statement, CopyHeader):
        return [statement.target, statement.source]
    place = _field(statement)
    return [place.header] if place else []


def with_header(statement: Statement, old: HeaderAt, new: HeaderAt) -> Statement:
    """Return the statement with one accessed header replaced."""
    if isinstance(statement, Extract | SetValid):
        return replace(statement, header=new)
    if isinstance(statement, CopyHeader):
        target = new if statement.target == old else statement.target
        return replace(statement, target=target, source=new if statement.source == old else statement.source)
    assert isinstance(statement, Assign)
    return replace(statement, target=_with_field_header(statement.target, new))


def _field(statement: Statement) -> FieldRef | None:
    place: Expr | None = statement.target if isinstance(statement, Assign) else None
    while isinstance(place, Slice):
        place = place.operand
    return place if isinstance(place, FieldRef) else None


def _with_field_header(place: Expr, header: HeaderAt) -> FieldRef | Slice:
    if isinstance(place, Slice):
        return replace(place, operand=_with_field_header(place.operand, header))
    assert isinstance(place, FieldRef)
    return replace(place, header=header)
