"""Walks over expressions and statements, so that passes say what they change and not how to get there.

Used by ``passes/``, ``ir/verify.py`` and ``codegen/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from datapath.ir.model import (
    Concat,
    Expr,
    Failure,
    Goto,
    HeaderAt,
    If,
    Lookahead,
    Program,
    Select,
    State,
    Statement,
    Transition,
)

Node = TypeVar("Node")


def children(expr: Expr) -> Iterator[Expr]:
    """Yield the direct operands of an expression, a run-time stack index included."""
    for item in fields(expr):
        value = getattr(expr, item.name)
        if isinstance(expr, Concat) and item.name == "parts":
            yield from value
        elif isinstance(value, HeaderAt):
            if value.index is not None:
                yield value.index
        elif is_dataclass(value):
            yield value  # type: ignore[misc]


def expressions(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything below it."""
    yield expr
    for child in children(expr):
        yield from expressions(child)


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return the expression with ``change`` applied to each node, operands first."""
    changes: dict[str, object] = {}
    for item in fields(expr):
        value = getattr(expr, item.name)
        if isinstance(expr, Concat) and item.name == "parts":
            changes["parts"] = tuple(rebuild(part, change) for part in value)
        elif isinstance(value, HeaderAt):
            if value.index is not None:
                changes[item.name] = replace(value, index=rebuild(value.index, change))
        elif is_dataclass(value):
            changes[item.name] = rebuild(value, change)  # type: ignore[arg-type]
    return change(replace(expr, **changes) if changes else expr)  # type: ignore[arg-type]


def statement_expressions(statement: Statement) -> Iterator[Expr]:
    """Yield the expressions that stand directly in a statement, an ``If``'s condition but not its branches."""
    for item in fields(statement):
        value = getattr(statement, item.name)
        if isinstance(value, HeaderAt):
            if value.index is not None:
                yield value.index
        elif is_dataclass(value) and item.name != "location":
            yield value  # type: ignore[misc]


def rebuild_statement(statement: Statement, change: Callable[[Expr], Expr]) -> Statement:
    """Return the statement with ``change`` applied to each expression node in it, also in the branches of an ``If``."""
    changes: dict[str, object] = {}
    for item in fields(statement):
        value = getattr(statement, item.name)
        if isinstance(value, HeaderAt):
            if value.index is not None:
                changes[item.name] = replace(value, index=rebuild(value.index, change))
        elif isinstance(statement, If) and item.name in ("then", "otherwise"):
            changes[item.name] = tuple(rebuild_statement(inner, change) for inner in value)
        elif is_dataclass(value) and item.name != "location":
            changes[item.name] = rebuild(value, change)  # type: ignore[arg-type]
    return replace(statement, **changes) if changes else statement  # type: ignore[arg-type]


def rebuild_transition(transition: Transition, change: Callable[[Expr], Expr]) -> Transition:
    """Return the transition with ``change`` applied to each expression node in its keys."""
    if isinstance(transition, Goto):
        return transition
    return replace(transition, keys=tuple(rebuild(key, change) for key in transition.keys))


def rebuild_program(program: Program, change: Callable[[Expr], Expr]) -> Program:
    """Return the program with ``change`` applied to each expression node."""

    def rebuilt(state: State) -> State:
        statements = tuple(rebuild_statement(s, change) for s in state.statements)
        return replace(state, statements=statements, transition=rebuild_transition(state.transition, change))

    return replace(program, states=tuple(rebuilt(s) for s in program.states))


def flat_statements(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield the statements, and those in the branches of each ``If`` after it."""
    for statement in statements:
        yield statement
        if isinstance(statement, If):
            yield from flat_statements(statement.then)
            yield from flat_statements(statement.otherwise)


def state_expressions(state: State) -> Iterator[Expr]:
    """Yield every expression node of a state, targets of assignments included."""
    for statement in flat_statements(state.statements):
        for expr in statement_expressions(statement):
            yield from expressions(expr)
    if isinstance(state.transition, Select):
        for key in state.transition.keys:
            yield from expressions(key)


def can_fail(expr: Expr) -> bool:
    """Tell whether evaluating the expression may reject the packet."""
    return any(isinstance(e, Lookahead | Failure) or _run_time_header(e) for e in expressions(expr))


def _run_time_header(expr: Expr) -> bool:
    header = getattr(expr, "header", None)
    return isinstance(header, HeaderAt) and header.select in ("next", "last")
