"""The parse graph: who follows whom, what is reachable, which loops nothing bounds.

Used by ``passes/``, ``codegen/`` and the reference model (which states count against the visit limit is part of the
language's meaning here, so both sides of a comparison take it from this one place).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from datapath.ir.model import Extract, Goto, Program, PushPop, SetNext, State
from datapath.ir.walk import flat_statements


def targets(state: State) -> tuple[str, ...]:
    """Return the names that the state may go to, in order, each once; ``accept`` and ``reject`` among them."""
    if isinstance(state.transition, Goto):
        return (state.transition.target,)
    return tuple(dict.fromkeys(case.target for case in state.transition.cases))


def arms_of(program: Program) -> list[tuple[str, int]]:
    """Return every transition of a program: (state, index of the select's case; 0 where there is no select)."""
    return [
        (state.name, i)
        for state in program.states
        for i in range(1 if isinstance(state.transition, Goto) else len(state.transition.cases))
    ]


def base_name(name: str) -> str:
    """Return the source's name of a state that a pass has cloned: clones are ``name#2``, parts of one ``name$1``."""
    return name.split("#")[0].split("$")[0]


def is_continuation(name: str) -> bool:
    """Tell whether a pass has split this off another state; entering it is no visit."""
    return "$" in name


def is_loop_head(name: str) -> bool:
    """Tell whether each round of a loop statement begins with this state."""
    return "$loop" in name


def reachable(program: Program) -> set[str]:
    """Return the names of the states that can be reached from the start state."""
    states = {state.name: state for state in program.states}
    seen: set[str] = set()
    todo = [program.states[0].name]
    while todo:
        name = todo.pop()
        if name not in seen and name in states:
            seen.add(name)
            todo.extend(targets(states[name]))
    return seen


def loops(names: Iterable[str], follow: Callable[[str], Iterable[str]]) -> list[tuple[str, ...]]:
    """Return the strongly connected parts that have a cycle (Tarjan 1972), without recursion.

    Args:
        names: The nodes.
        follow: The successors of a node; names that are no nodes are ignored.
    """
    nodes = dict.fromkeys(names)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: dict[str, None] = {}  # in order
    found: list[tuple[str, ...]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter([t for t in follow(root) if t in nodes]))]
        index[root] = low[root] = len(index)
        stack[root] = None
        while work:
            name, rest = work[-1]
            for successor in rest:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack[successor] = None
                    work.append((successor, iter([t for t in follow(successor) if t in nodes])))
                    break
                if successor in stack:
                    low[name] = min(low[name], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    part = _taken_from(stack, name)
                    if len(part) > 1 or name in follow(name):
                        found.append(part)
    return found


def _taken_from(stack: dict[str, None], name: str) -> tuple[str, ...]:
    """Take a name and what is above it off a stack."""
    taken = [stack.popitem()[0]]
    while taken[-1] != name:
        taken.append(stack.popitem()[0])
    return tuple(reversed(taken))


def counted_states(program: Program) -> frozenset[str]:
    """Return the states whose visits count against ``MAX_STATE_VISITS``: those in loops that no header stack bounds.

    A state that extracts ``stack.next`` on every visit bounds its loops, if nothing in the program pops that stack or
    sets its nextIndex.
    Continuations are no visits of their own, but each round of a loop statement is one.
    """
    statements = [s for state in program.states for s in flat_statements(state.statements)]
    popped = {s.stack for s in statements if isinstance(s, SetNext) or (isinstance(s, PushPop) and s.count < 0)}

    def bounds(state: State) -> bool:
        return any(
            isinstance(s, Extract) and s.header.select == "next" and s.header.path not in popped
            for s in state.statements
        )

    free = {state.name: state for state in program.states if not bounds(state)}
    found = loops(free, lambda name: targets(free[name]))
    names = [name for part in found for name in part]
    return frozenset(name for name in names if is_loop_head(name) or not is_continuation(name))
