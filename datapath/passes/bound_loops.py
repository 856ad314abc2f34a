"""Count visits in loops that no header stack bounds, so that each packet leaves them.

Effect: each counted state (``ir/graph.counted_states``) begins with ``$visits = $visits + 1`` and a ``verify`` that
raises ParserTimeout beyond ``MAX_STATE_VISITS``.  Loops stay loops: their code is shared by all rounds.
Precondition: runs first, before any pass that could change which loops are bounded.
"""

from __future__ import annotations

from dataclasses import replace

from datapath.ir.graph import counted_states
from datapath.ir.model import (
    CORE_ERRORS,
    MAX_STATE_VISITS,
    VISITS,
    Assign,
    Binary,
    Const,
    Program,
    State,
    Variable,
    VarRef,
    Verify,
)

_WIDTH = 8
_TIMEOUT = CORE_ERRORS.index("ParserTimeout")


def bound_loops(program: Program) -> Program:
    """Run the pass."""
    counted = counted_states(program)
    if not counted:
        return program
    count = VarRef(VISITS, _WIDTH)
    limit = Binary("<=", count, Const(MAX_STATE_VISITS, _WIDTH), 1)

    def bounded(state: State) -> State:
        if state.name not in counted:
            return state
        more = Assign(count, Binary("+", count, Const(1, _WIDTH), _WIDTH), state.location)
        return replace(state, statements=(more, Verify(limit, Const(_TIMEOUT, 32), state.location), *state.statements))

    states = tuple(bounded(state) for state in program.states)
    return replace(program, states=states, variables=(*program.variables, Variable(VISITS, _WIDTH)))
