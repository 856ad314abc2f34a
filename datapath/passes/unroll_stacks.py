"""Turn ``next``, ``last``, ``lastIndex`` and run-time indexes of header stacks into plain headers.

Effect: a state is cloned for each value that the ``nextIndex`` of the stacks may have when it is entered, if that
matters from there on; loops bounded by a stack become chains.  Clones are called ``name#2``; a state whose branches
leave a stack at different heights is split, its parts are called ``name$1``.  A run-time index becomes a choice.
Afterwards every ``HeaderAt`` selects a "path", and there is no StackLastIndex, PushPop and SetNext.
Precondition: ``bound_loops`` has run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from datapath.errors import Diagnostic, Location, P4UnsupportedError
from datapath.ir.graph import targets
from datapath.ir.model import (
    ACCEPT,
    REJECT,
    Any,
    Assign,
    Case,
    Const,
    CopyHeader,
    Evaluate,
    Expr,
    Extract,
    FieldRef,
    Goto,
    HeaderAt,
    If,
    IsValid,
    Masked,
    Program,
    PushPop,
    Select,
    SetNext,
    SetValid,
    StackLastIndex,
    State,
    Statement,
    Transition,
    VarbitEqual,
)
from datapath.ir.size import MAX_NODES, MAX_STATES, n_in_expression, n_in_transition, n_nodes
from datapath.ir.walk import flat_statements, rebuild, rebuild_statement, state_expressions
from datapath.passes.stack_access import accesses, element, equals, moves, out_of_bounds, resolve_expr, with_header

MAX_UNROLLED = 2 * MAX_NODES  # nodes: room also for the counts that bound_loops put in

Heights = tuple[tuple[str, int], ...]  # nextIndex of each stack that matters, sorted


def unroll_stacks(program: Program) -> Program:
    """Run the pass.

    Raises:
        P4UnsupportedError: More than ``MAX_STATES`` clones would be needed, or ``MAX_UNROLLED`` nodes in them.
    """
    if not program.stacks:
        return program
    return _Unroll(program).run()


class _Unroll:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.sizes = {s.path: s.size for s in program.stacks}
        self.states = {s.name: s for s in program.states}
        self.relevant = _relevant_stacks(program)
        self.names: dict[tuple[str, Heights], str] = {}
        self.n_clones: dict[str, int] = {}
        self.n_parts: dict[str, int] = {}
        self.todo: deque[tuple[str, Heights]] = deque()
        self.done: list[State] = []
        self.n_nodes = 0
        self.location: Location | None = None  # of the state being cloned

    def run(self) -> Program:
        self.enter(self.program.states[0].name, {path: 0 for path in self.sizes})
        while self.todo:
            name, heights = self.todo.popleft()
            state = self.states[name]
            self.location = state.location
            known = {path: 0 for path in self.sizes} | dict(heights)
            self.emit(self.names[name, heights], state.statements, state.transition, known, state.location)
        return replace(self.program, states=tuple(self.done))

    def add(self, state: State) -> None:
        """Add a finished state."""
        self.done.append(state)
        self.count(n_in_transition(state.transition), state.location)

    def count(self, n_nodes: int, location: Location | None) -> None:
        """Give up when it is too much: what doubles with each step cannot be waited for."""
        self.n_nodes += n_nodes
        n_states = len(self.done) + len(self.todo)
        what = f"{MAX_STATES} states" if n_states > MAX_STATES else f"{MAX_UNROLLED} statements and expressions"
        if n_states > MAX_STATES or self.n_nodes > MAX_UNROLLED:
            where = location or self.location or Location(self.program.source, 1, 1)
            hint = "make the header stacks of this loop smaller, or use fewer indexes that only the packet tells"
            raise P4UnsupportedError(
                Diagnostic(where, "unsupported", f"header stacks unroll to more than {what}", hint=hint)
            )

    def enter(self, name: str, heights: dict[str, int]) -> str:
        """Return the name of the clone of a state for these heights, to be made if it is new."""
        if name in (ACCEPT, REJECT):
            return name
        key = (name, tuple(sorted((p, n) for p, n in heights.items() if p in self.relevant[name])))
        if key not in self.names:
            n = self.n_clones[name] = self.n_clones.get(name, 0) + 1
            self.names[key] = name if n == 1 else f"{name}#{n}"
            self.todo.append(key)
        return self.names[key]

    def emit(
        self,
        name: str,
        statements: Sequence[Statement],
        transition: Transition,
        heights: dict[str, int],
        location: Location | None,
    ) -> None:
        """Add the state ``name``, entered at these heights."""
        result: list[Statement] = []
        for i, statement in enumerate(statements):
            split = self.step(statement, heights, result)
            if split is None:
                continue
            rest = tuple(statements[i + 1 :])
            parts = [self.part(name) for _ in range(2)]
            cases = (Case((Masked(1, 1),), parts[0]), Case((Any(),), parts[1]))
            self.add(State(name, tuple(result), Select((split.condition,), cases), location))
            for part, branch in zip(parts, (split.then, split.otherwise), strict=True):
                self.emit(part, (*branch, *rest), transition, dict(heights), location)
            return
        self.add(State(name, tuple(result), self.transition(transition, heights), location))

    def part(self, name: str) -> str:
        base = name.split("$")[0]
        n = self.n_parts[base] = self.n_parts.get(base, 0) + 1
        return f"{base}${n}"

    def transition(self, transition: Transition, heights: dict[str, int]) -> Transition:
        if isinstance(transition, Goto):
            return replace(transition, target=self.enter(transition.target, heights))
        keys = tuple(self.resolve(key, heights) for key in transition.keys)
        cases = tuple(replace(case, target=self.enter(case.target, heights)) for case in transition.cases)
        return replace(transition, keys=keys, cases=cases)

    def resolve(self, expr: Expr, heights: dict[str, int]) -> Expr:
        return rebuild(expr, lambda node: resolve_expr(node, heights, self.sizes))

    # ------------------------------------------------------------------------------------------ statements
    def step(self, statement: Statement, heights: dict[str, int], result: list[Statement]) -> If | None:
        """Append what the statement becomes, and move the heights; or return an ``If`` that the state splits at."""
        if isinstance(statement, If):
            return self.branch(statement, heights, result)
        if isinstance(statement, PushPop):
            result.extend(moves(statement, self.sizes[statement.stack]))
            self.count(2 * self.sizes[statement.stack], statement.location)
            height = heights[statement.stack] + statement.count
            heights[statement.stack] = min(max(height, 0), self.sizes[statement.stack])
            return None
        if isinstance(statement, SetNext):
            return self.set_next(statement, heights)
        for at in accesses(statement):
            if at.select == "index":
                self.choose(statement, at, heights, result)
                return None
            found = element(at, heights, self.sizes)
            if found is None:
                result.append(out_of_bounds(statement.location))
                return None
            statement = with_header(statement, at, found)
            if isinstance(statement, Extract) and at.select == "next":
                heights[at.path] += 1
        self.append(statement, heights, result)
        return None

    def append(self, statement: Statement, heights: dict[str, int], result: list[Statement]) -> None:
        """Append a statement without stack access in its expressions."""
        resolved = rebuild_statement(statement, lambda node: resolve_expr(node, heights, self.sizes))
        self.count(n_nodes(resolved), statement.location)
        result.append(resolved)

    def set_next(self, statement: SetNext, heights: dict[str, int]) -> If | None:
        """Move a height; to one known only at run time by splitting at each that may be."""
        value = self.resolve(statement.value, heights)
        size = self.sizes[statement.stack]
        if isinstance(value, Const):
            heights[statement.stack] = min(value.value, size)
            return None
        chain: Statement = replace(statement, value=Const(size, value.width))
        for i in reversed(range(size)):
            known = replace(statement, value=Const(i, value.width))
            chain = If(equals(value, i), (known,), (chain,), statement.location)
        assert isinstance(chain, If)
        return chain

    def branch(self, statement: If, heights: dict[str, int], result: list[Statement]) -> If | None:
        """Unroll an ``If`` in place where both branches leave the stacks alike."""
        condition = self.resolve(statement.condition, heights)
        self.count(n_in_expression(condition), statement.location)
        branches, ends, splits = [], [], []
        for branch in (statement.then, statement.otherwise):
            inner, after = list[Statement](), dict(heights)
            splits += [s for s in branch if self.step(s, after, inner)]
            branches.append(tuple(inner))
            ends.append(after)
        if splits or ends[0] != ends[1]:
            return replace(statement, condition=condition)
        heights.update(ends[0])
        result.append(replace(statement, condition=condition, then=branches[0], otherwise=branches[1]))
        return None

    def choose(self, statement: Statement, at: HeaderAt, heights: dict[str, int], result: list[Statement]) -> None:
        """Append a choice over a run-time index; out of range nothing happens, but extract rejects."""
        assert at.index is not None
        index = self.resolve(at.index, heights)
        self.count(self.sizes[at.path] * n_in_expression(index), statement.location)
        chain: tuple[Statement, ...] = ()
        if isinstance(statement, Extract):
            chain = (out_of_bounds(statement.location),)
        elif isinstance(statement, Assign):
            chain = (Evaluate(self.resolve(statement.value, heights), statement.location),)
        elif isinstance(statement, CopyHeader) and statement.source == at:
            chain = (SetValid(statement.target, False, statement.location),)
        for i in reversed(range(self.sizes[at.path])):
            inner: list[Statement] = []
            self.step(with_header(statement, at, HeaderAt(f"{at.path}[{i}]")), heights, inner)
            if isinstance(index, Const):
                chain = tuple(inner) if index.value == i else chain
            elif i < 1 << (index.width - index.signed):
                chain = (If(equals(index, i), tuple(inner), chain, statement.location),)
        result.extend(chain)


def _relevant_stacks(program: Program) -> dict[str, frozenset[str]]:
    """Return for each state the stacks whose ``nextIndex`` it or a state behind it uses."""
    used = {state.name: frozenset(_used_stacks(state)) for state in program.states}
    changed = True
    while changed:
        changed = False
        for state in program.states:
            behind = frozenset[str]().union(*(used.get(t, frozenset()) for t in targets(state)))
            if not behind <= used[state.name]:
                used[state.name] |= behind
                changed = True
    return used


def _used_stacks(state: State) -> Iterator[str]:
    for statement in flat_statements(state.statements):
        if isinstance(statement, PushPop | SetNext):
            yield statement.stack
        for at in accesses(statement):
            if at.select in ("next", "last"):
                yield at.path
    for expr in state_expressions(state):
        if isinstance(expr, StackLastIndex):
            yield expr.stack
        elif isinstance(expr, FieldRef | IsValid) and expr.header.select in ("next", "last"):
            yield expr.header.path
        elif isinstance(expr, VarbitEqual):
            yield from (at.path for at in (expr.left, expr.right) if at and at.select in ("next", "last"))
