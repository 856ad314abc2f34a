"""What of a program does nothing: states, select arms, headers, variables; and loops that lead nowhere.

An analysis of the program as lowered, not a rewrite; ``compiler.py`` collects what it tells.  A sub-parser may have
been inlined more than once: something of its source is told only if it holds for every copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from datapath.errors import Diagnostic, Location
from datapath.ir.graph import loops, reachable, targets
from datapath.ir.keysets import shadowed
from datapath.ir.model import (
    ACCEPT,
    HEADER_ORDER,
    REJECT,
    Assign,
    CopyHeader,
    Extract,
    Program,
    Select,
    SetValid,
    State,
    Statement,
    VarRef,
)
from datapath.ir.walk import expressions, flat_statements, state_expressions, statement_expressions
from datapath.passes.drop_unreachable import always_matches
from datapath.passes.prune_variables import target_name


def unused_warnings(program: Program) -> list[Diagnostic]:
    """Return the warnings of a program as lowered, in source order."""
    alive = replace(program, states=tuple(_without_shadowed(state) for state in program.states))
    live = reachable(alive)
    live_states = [state for state in alive.states if state.name in live]
    found = [
        *_shadowed_arms(program.states),
        *_unreachable(program.states, live_states),
        *_endless(live_states),
        *_unextracted(program, live_states),
        *_variables(program, live_states),
    ]
    return sorted(found, key=lambda d: d.location)


def _without_shadowed(state: State) -> State:
    if not isinstance(state.transition, Select):
        return state
    dead = shadowed(state.transition)
    cases = tuple(case for i, case in enumerate(state.transition.cases) if i not in dead)
    return replace(state, transition=replace(state.transition, cases=cases))


# ---------------------------------------------------------------------------------------------------- states
def _shadowed_arms(states: Iterable[State]) -> Iterator[Diagnostic]:
    hidden: dict[Location, Location | None] = {}
    taken: set[Location] = set()
    for state in states:
        if isinstance(state.transition, Select):
            dead = shadowed(state.transition)
            for i, case in enumerate(state.transition.cases):
                if case.location is None:
                    continue
                if i in dead:
                    hidden[case.location] = state.transition.cases[dead[i]].location
                else:
                    taken.add(case.location)
    for location, earlier in hidden.items():
        if location not in taken:
            notes = ((earlier, "this one takes all that it matches", ""),) if earlier else ()
            yield _warning("shadowed-arm", location, "this case is never reached", notes=notes)


def _unreachable(states: Iterable[State], live: Iterable[State]) -> Iterator[Diagnostic]:
    places = {state.location for state in live}
    told: set[Location] = set()
    for state in states:
        if state.location is not None and state.location not in places | told:
            told.add(state.location)
            name = state.name.rpartition(".")[2]
            yield _warning("unreachable-state", state.location, f"state '{name}' is never reached")


def _endless(live: list[State]) -> Iterator[Diagnostic]:
    """Tell loops that no path leaves; a select without a match leaves one."""
    states = {state.name: state for state in live}
    before: dict[str, set[str]] = {}
    leaving = [ACCEPT, REJECT]
    for state in live:
        for target in targets(state):
            before.setdefault(target, set()).add(state.name)
        if isinstance(state.transition, Select) and not any(map(always_matches, state.transition.cases)):
            leaving.append(state.name)
    ending = set(leaving)
    while leaving:
        for name in before.get(leaving.pop(), set()) - ending:
            ending.add(name)
            leaving.append(name)
    for part in loops(states, lambda name: targets(states[name])):
        first = min((states[name] for name in part), key=lambda s: s.location or Location("", 0, 0))
        if first.name not in ending and first.location is not None:
            message = "this loop never ends by itself: no path leads from it to accept or reject"
            yield _warning("endless-loop", first.location, message)


# ---------------------------------------------------------------------------------------------------- instances
def _unextracted(program: Program, live: Iterable[State]) -> Iterator[Diagnostic]:
    filled = {name for state in live for s in flat_statements(state.statements) for name in _filled(s)}
    told: set[Location] = {h.location for h in program.headers if h.location and {h.path, h.stack} & filled}
    for header in program.headers:
        if header.location is not None and header.location not in told:
            told.add(header.location)
            what = f"header stack '{header.stack}'" if header.stack else f"header '{header.path}'"
            yield _warning("unextracted-header", header.location, f"{what} is never extracted: no flow can match on it")


def _filled(statement: Statement) -> Iterator[str]:
    """Yield the header, and the stack if it is one's, that a statement may make valid."""
    at = None
    if isinstance(statement, Extract) or (isinstance(statement, SetValid) and statement.valid):
        at = statement.header
    elif isinstance(statement, CopyHeader):
        at = statement.target
    if at is not None:
        yield at.path
        yield at.path.partition("[")[0]


def _variables(program: Program, live: list[State]) -> Iterator[Diagnostic]:
    read = {name for state in live for name in _read(state)}
    written = {name for state in live for name in _written(state)}
    told: set[Location] = set()
    used = {v.location for v in program.variables if v.name in (written if v.in_key else read)}
    for variable in program.variables:
        place = variable.location
        if place is None or place in used | told:
            continue
        told.add(place)
        if not variable.in_key:
            doing = "set but never read" if variable.name in written else "never used"
            yield _warning("unused-variable", place, f"this local variable is {doing}")
        elif all(part.used == (HEADER_ORDER,) for part in program.skipped):  # nothing but the parser could set it
            yield _warning("unset-metadata", place, f"'{variable.name}' is never set: it is not in the flow key")


def _read(state: State) -> Iterator[str]:
    for statement in flat_statements(state.statements):
        parts = [statement.value] if isinstance(statement, Assign) else statement_expressions(statement)
        if isinstance(statement, Assign) and not target_name(statement.target):
            parts = [statement.value, statement.target]
        for part in parts:
            yield from (e.name for e in expressions(part) if isinstance(e, VarRef))
    keys = replace(state, statements=())
    yield from (e.name for e in state_expressions(keys) if isinstance(e, VarRef))


def _written(state: State) -> Iterator[str]:
    for statement in flat_statements(state.statements):
        if isinstance(statement, Assign):
            yield target_name(statement.target)


def _warning(
    name: str, location: Location, message: str, notes: tuple[tuple[Location, str, str], ...] = ()
) -> Diagnostic:
    return Diagnostic(location, "warning", message, notes=notes, name=name)
