"""Which variables' values still matter where a state begins.

Read by ``codegen/plan.py``.  A variable matters if some way on reads it before writing all of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from datapath.ir.graph import targets
from datapath.ir.model import Assign, If, Program, Select, State, Statement, VarRef
from datapath.ir.walk import expressions, statement_expressions


def live_variables(program: Program) -> dict[str, set[str]]:
    """Return the names of the variables that matter, by state."""
    states = {state.name: state for state in program.states}
    facts = {name: _reads_and_writes(state) for name, state in states.items()}
    before: dict[str, list[str]] = {name: [] for name in states}
    for name, state in states.items():
        for target in targets(state):
            if target in before:
                before[target].append(name)
    live = {name: set(reads) for name, (reads, _) in facts.items()}
    todo = list(reversed(states))
    while todo:
        name = todo.pop(0)
        for earlier in before[name]:
            more = live[name] - facts[earlier][1] - live[earlier]
            if more:
                live[earlier] |= more
                todo.append(earlier)
    return live


def _reads_and_writes(state: State) -> tuple[set[str], set[str]]:
    """Return the variables that a state reads first, and those that it surely writes."""
    reads, writes = set[str](), set[str]()
    _walk(state.statements, reads, writes)
    if isinstance(state.transition, Select):
        for key in state.transition.keys:
            reads |= {e.name for e in expressions(key) if isinstance(e, VarRef)} - writes
    return reads, writes


def _walk(statements: Iterable[Statement], reads: set[str], writes: set[str]) -> None:
    for statement in statements:
        if isinstance(statement, If):
            reads |= {e.name for e in expressions(statement.condition) if isinstance(e, VarRef)} - writes
            sides = set(writes), set(writes)
            _walk(statement.then, reads, sides[0])
            _walk(statement.otherwise, reads, sides[1])
            writes |= sides[0] & sides[1]
            continue
        read = [statement.value] if isinstance(statement, Assign) else statement_expressions(statement)
        for expr in read:
            reads |= {e.name for e in expressions(expr) if isinstance(e, VarRef)} - writes
        if isinstance(statement, Assign) and isinstance(statement.target, VarRef):
            writes.add(statement.target.name)
