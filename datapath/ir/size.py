"""How large a piece of IR is, and how large a program may get.

Writing out loops, inlining calls and choosing among elements multiply what a program says; two of them, one in the
other, make of ten lines more than any compiler can take.  Whoever multiplies counts what it makes: lowering
(``p4/lower_base.py``), ``passes/unroll_stacks.py``, and the lines of C in ``codegen/statements_c.py``.
"""

from __future__ import annotations

from datapath.ir.model import Expr, Select, Statement, Transition
from datapath.ir.walk import children, statement_expressions

MAX_NODES = 20_000  # statements and expressions; the largest parsers that we know of have 1,000
MAX_STATES = 1024  # a C compiler takes some 15 ms for each, the kernel takes some 250


def n_nodes(statement: Statement) -> int:
    """Count a statement and its expressions, but not the statements in the branches of an ``If``."""
    seen: dict[int, int] = {}
    return 1 + sum(_n_below(expr, seen) for expr in statement_expressions(statement))


def n_in_expression(expr: Expr) -> int:
    """Count an expression and all below it."""
    return _n_below(expr, {})


def n_in_transition(transition: Transition) -> int:
    """Count the keys and the arms of a transition."""
    if not isinstance(transition, Select):
        return 1
    seen: dict[int, int] = {}
    n_keys = len(transition.keys)
    return n_keys * len(transition.cases) + sum(_n_below(key, seen) for key in transition.keys)


def _n_below(expr: Expr, seen: dict[int, int]) -> int:
    """Count an expression; what is in it several times is counted as often, but walked once."""
    key = id(expr)
    if key not in seen:
        seen[key] = 1 + sum(_n_below(child, seen) for child in children(expr))
    return seen[key]
