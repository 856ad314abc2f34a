"""Walks over expressions and statements, so that passes say what they change and not how to get there.

Used by ``passes/``, ``ir/verify.py`` and ``codegen/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

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

EXPRESSIONS = get_args(Expr)


def children(expr: Expr) -> Iterator[Expr]:
    """Yield the direct operands of an expression, a run-time stack index included."""
    for name in expr.__dataclass_fields__:
        value = getattr(expr, name)
        if isinstance(value, EXPRESSIONS):
            yield value
        elif isinstance(value, HeaderAt):
            if value.index is not None:
                yield value.index
        elif isinstance(expr, Concat) and name == "parts":
            yield from value


def expressions(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything below it."""
    yield expr
    for child in children(expr):
        yield from expressions(child)


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return the expression with ``change`` applied to each node, operands first."""
    changes = _rebuilt_members(expr, change)
    return change(replace(expr, **changes) if changes else expr)  # type: ignore[arg-type]


def _rebuilt_members(node: Expr | Statement, change: Callable[[Expr], Expr]) -> dict[str, object]:
    """Return the members of a node that ``rebuild`` makes others of, by their names."""
    changes: dict[str, object] = {}
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        new: object = value
        if isinstance(value, EXPRESSIONS):
            new = rebuild(value, change)
        elif isinstance(value, HeaderAt):
            if value.index is not None:
                new = replace(value, index=rebuild(value.index, change))
        elif isinstance(node, Concat) and name == "parts":
            new = tuple(rebuild(part, change) for part in node.parts)
        elif isinstance(node, If) and name in ("then", "otherwise"):
            new = tuple(rebuild_statement(inner, change) for inner in value)
        if new is not value:
            changes[name] = new
    return changes


def statement_expressions(statement: Statement) -> Iterator[Expr]:
    """Yield the expressions that stand directly in a statement, an ``If``'s condition but not its branches."""
    for name in statement.__dataclass_fields__:
        value = getattr(statement, name)
        if isinstance(value, EXPRESSIONS):
            yield value
        elif isinstance(value, HeaderAt) and value.index is not None:
            yield value.index


def rebuild_statement(statement: Statement, change: Callable[[Expr], Expr]) -> Statement:
    """Return the statement with ``change`` applied to each expression node in it, also in the branches of an ``If``."""
    changes = _rebuilt_members(statement, change)
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
