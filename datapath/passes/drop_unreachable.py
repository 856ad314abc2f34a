"""Drop states that no path from the start state reaches, and select arms behind one that always matches."""

from __future__ import annotations

from dataclasses import replace

from datapath.ir.graph import reachable
from datapath.ir.model import Any, Case, Masked, Program, Select, State


def drop_unreachable(program: Program) -> Program:
    """Run the pass."""
    program = replace(program, states=tuple(_without_dead_arms(s) for s in program.states))
    alive = reachable(program)
    return replace(program, states=tuple(s for s in program.states if s.name in alive))


def _without_dead_arms(state: State) -> State:
    if not isinstance(state.transition, Select):
        return state
    cases = state.transition.cases
    for i, case in enumerate(cases):
        if always_matches(case):
            return replace(state, transition=replace(state.transition, cases=cases[: i + 1]))
    return state


def always_matches(case: Case) -> bool:
    """Tell whether an arm takes every packet."""
    return all(isinstance(k, Any) or (isinstance(k, Masked) and k.mask == 0) for k in case.keysets)
