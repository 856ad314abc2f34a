"""Drop variables that nobody reads, and what is computed only for them.

Effect: a local variable that no expression reads goes, and so do its assignments (a value that may fail is still
evaluated).  Variables of the flow key stay where the parser writes them; one that it never writes is constant
(``fold_constants``) and goes too.
"""

from __future__ import annotations

from dataclasses import replace

from datapath.ir.model import Assign, Evaluate, Expr, If, Program, Slice, Statement, VarRef
from datapath.ir.walk import can_fail, expressions, flat_statements, state_expressions, statement_expressions


def prune_variables(program: Program) -> Program:
    """Run the pass; repeated until nothing changes, since a dropped assignment may have been the last reader."""
    while True:
        kept = _used(program)
        pruned = replace(
            program,
            states=tuple(replace(s, statements=_pruned(s.statements, kept)) for s in program.states),
            variables=tuple(v for v in program.variables if v.name in kept),
        )
        if pruned == program:
            return program
        program = pruned


def target_name(target: Expr) -> str:
    """Return the variable that an assignment writes, "" if it writes a header."""
    while isinstance(target, Slice):
        target = target.operand
    return target.name if isinstance(target, VarRef) else ""


def _used(program: Program) -> set[str]:
    """Return the variables that are read, and those of the key that are written."""
    in_key = {v.name for v in program.variables if v.in_key}
    used: set[str] = set()
    for state in program.states:
        for statement in flat_statements(state.statements):
            if isinstance(statement, Assign):
                name = target_name(statement.target)
                used |= {name} & in_key
                read = [statement.value] if name else [statement.value, statement.target]
            else:
                read = list(statement_expressions(statement))
            used |= {e.name for expr in read for e in expressions(expr) if isinstance(e, VarRef)}
        keys = replace(state, statements=())
        used |= {e.name for e in state_expressions(keys) if isinstance(e, VarRef)}
    return used


def _pruned(statements: tuple[Statement, ...], kept: set[str]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, If):
            then, otherwise = _pruned(statement.then, kept), _pruned(statement.otherwise, kept)
            if then or otherwise:
                result.append(replace(statement, then=then, otherwise=otherwise))
            elif can_fail(statement.condition):
                result.append(Evaluate(statement.condition, statement.location))
        elif isinstance(statement, Assign) and target_name(statement.target) not in kept | {""}:
            if can_fail(statement.value):
                result.append(Evaluate(statement.value, statement.location))
        else:
            result.append(statement)
    return tuple(result)
