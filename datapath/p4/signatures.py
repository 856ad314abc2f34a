"""Rules of parameter lists: which directions, defaults and types may stand where.

Used by ``check_base.py`` (parameters of all kinds) and ``typecheck.py`` (methods of externs).

Source: P4_16 specification 1.2.5, sections 6.8 (calling convention), 7.2.14 (parser and control types), 14.1 (actions).
"""

from __future__ import annotations

from collections.abc import Sequence

from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.source import Report

# Whose parameters these are.
CONSTRUCTOR = "constructor"  # packages, too
CALLABLE = "callable"  # functions, methods, parsers, controls, and their types
DATA = "action"


def check_param(report: Report, param: t.Param, of: str) -> None:
    """Report what is wrong with a parameter by itself."""
    node, type_ = param.node, param.type
    if param.direction:
        if isinstance(type_, t.Extern | t.Block) or type_ in (t.STRING, t.INT):
            message = f"parameter '{node.name}' is of type '{type_}', so it cannot be '{param.direction}'"
            report.error(node.loc, message, hint="leave the direction out")
        elif of == CONSTRUCTOR:
            hint = "it is known at compile time: leave the direction out"
            report.error(node.loc, f"a constructor's parameter '{node.name}' has no direction", hint=hint)
    if node.default is not None and param.direction in ("out", "inout"):
        report.error(node.default.loc, f"'{param.direction}' parameter '{node.name}' cannot have a default value")
    if isinstance(type_, t.Block) and of != CONSTRUCTOR and not param.direction:
        report.error(node.loc, f"only constructors can be given a {type_.kind}")
    elif of == DATA and (isinstance(type_, t.Extern) or (type_ == t.INT and not param.direction)):
        hint = "give it a width, as in bit<32>" if type_ == t.INT else ""
        report.error(node.loc, f"an action's parameter cannot be of type '{type_}'", hint=hint)
    elif isinstance(type_, t.Block) and isinstance(type_.node, ast.ParserDecl | ast.ControlDecl):
        hint = f"declare a type: {type_.kind} T(...);"
        report.error(node.loc, f"'{type_.name}' is a {type_.kind}, not the type of one", hint=hint)


def check_order(report: Report, params: Sequence[t.Param]) -> None:
    """Report parameters of an action with a direction that stand behind one without."""
    data: t.Param | None = None
    for param in params:
        if not param.direction:
            data = data or param
        elif data is not None:
            notes = [(data.node.loc, f"'{data.name}' has none")]
            hint = "those that the control plane sets come last"
            message = f"parameter '{param.name}' with a direction stands behind one without"
            report.error(param.node.loc, message, hint, notes)


def check_overloads(report: Report, functions: Sequence[t.Function]) -> None:
    """Report methods of one extern that no call could tell apart: same name, same names and types of parameters."""
    seen: dict[tuple[object, ...], t.Function] = {}
    for function in functions:
        key = (function.name, *((p.name, p.type) for p in function.params))
        if key in seen:
            notes = [(seen[key].node.loc, "declared here before")]
            report.error(function.node.loc, f"method '{function.name}' is declared twice", notes=notes)
        seen.setdefault(key, function)
