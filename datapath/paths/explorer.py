"""Decides which path each run of the symbolic machine takes, and asks the solver which can be taken at all.

The choices that runs came to are a tree; what was not followed yet waits in a heap.  Arms that no run has taken come
first, then errors and truncations at places that had none, then what goes round loops least; so if there are more paths
than the limit allows, those left out are repetitions.  A run makes for the nearest arm that is still missing, and for
``accept`` when none is left on its way; every other one stays in loops as long as it can, until some have found where
they end.

The solver holds the constraints of the path at hand, a level for each choice; the next path keeps those they share.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from datapath.ir.evaluate import Rejected
from datapath.ir.graph import arms_of, loops, targets
from datapath.ir.interpret import Interpreter
from datapath.ir.model import ACCEPT, REJECT, PacketLength, Program
from datapath.ir.walk import state_expressions
from datapath.paths.machine import Option, SymbolicMachine
from datapath.paths.values import LENGTH_BITS, PacketBits, Symbols

SOLVER_EFFORT = 3_000_000  # steps of the solver for one question ("rlimit"): about a second; not time, to be repeatable

NO_LOOP = -1
MAX_LOOP_ENDS = 8  # runs that find the bound of one loop
MAX_ROUNDS = 4  # of a loop, by a run that hopes for an arm which is missing: perhaps no packet takes it


class TooHardError(Exception):
    """The solver gave up on a path."""


Place = tuple[str, int]  # a state, and which choice in it
Target = tuple[str, int, str]  # a place, and an option there
Urgency = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Choice:
    """An option taken at some place: a node of the tree."""

    place: Place
    option: Option
    order: int  # of the option among its sisters
    parent: Choice | None
    touched: frozenset[PacketBits]  # by the constraints of the sisters
    repeats: int  # how many choices above it were the same

    @property
    def target(self) -> Target:
        return (*self.place, self.option.label)

    def line(self) -> list[Choice]:
        """Return the choices from the root to this one."""
        found: list[Choice] = []
        node: Choice | None = self
        while node is not None:
            found.append(node)
            node = node.parent
        return found[::-1]


@dataclass(frozen=True)
class Finished:
    """What is known of a path at its end."""

    order: tuple[int, ...]  # its place in the tree
    verdict: str
    error: int
    states: tuple[str, ...]
    arms: tuple[tuple[str, int], ...]
    cursor: int
    size: int  # of the packet, in bytes
    truncated: bool
    in_port: int | None  # None: it does not matter
    content: dict[int, int]  # bytes that matter, by their offset
    fixed: frozenset[PacketBits]  # the bits of them that do


@dataclass
class Explorer:
    """All runs of one program."""

    interpreter: Interpreter
    max_size: int
    symbols: Symbols = field(default_factory=Symbols)
    covered: set[Target] = field(default_factory=set)
    n_undecided: int = 0  # options that the solver gave up on
    sampled: set[str] = field(default_factory=set)  # states with lengths of which only some were tried

    def __post_init__(self) -> None:
        assert self.max_size < 1 << LENGTH_BITS
        program = self.interpreter.program
        self.solver = z3.SimpleSolver(ctx=self.symbols.context)
        self.solver.set("rlimit", SOLVER_EFFORT)
        self.uses_length = any(isinstance(e, PacketLength) for s in program.states for e in state_expressions(s))
        if self.uses_length:
            self.solver.add(z3.ULE(self.symbols.length, self.max_size))
        self.loop_of = _loops(program)
        self.loop_ends: Counter[int] = Counter()  # how many runs found the bound of each loop
        self.sources = _sources(program)
        self.to_accept = _distances(self.sources, [ACCEPT])
        self.missing = set(arms_of(program))  # arms that no run has taken
        self.to_missing = _distances(self.sources, [state for state, _ in self.missing])
        self.levels: list[Choice] = []  # of the solver
        self.heap: list[tuple[Urgency, int, Choice]] = []
        self.n_waiting = 0
        self.start(None)

    # ------------------------------------------------------------------------------------------ runs
    def run_all(self, max_paths: int) -> Iterator[Finished]:
        """Yield paths, at most so many; ``n_left`` says whether there are more."""
        for number in range(max_paths):
            if number:
                choice = self.next_choice()
                if choice is None:
                    return
                self.start(choice)
            self.stays_in_loops = number % 2 == 0
            try:
                yield self.run()
            except TooHardError:
                self.n_undecided += 1
            self.note_arms()

    def note_arms(self) -> None:
        """Take the arms of the last run off those that are missing."""
        left = self.missing - set(self.arms)
        if len(left) < len(self.missing):
            self.missing = left
            self.to_missing = _distances(self.sources, {state for state, _ in left})

    def start(self, choice: Choice | None) -> None:
        """Prepare a run that begins with the choices down to this one."""
        self.prefix = choice.line() if choice is not None else []
        self.taken: list[Choice] = []
        self.seen: dict[Target, int] = {}
        self.symbols.touched.clear()

    def run(self) -> Finished:
        machine = SymbolicMachine(self.interpreter, self)
        self.arms = machine.arms
        try:
            verdict, error = machine.run(), 0
        except Rejected as reason:
            verdict, error = REJECT, reason.error
        if self.interpreter.program.errors[error] in ("StackOutOfBounds", "ParserTimeout"):
            self.loop_ends[self.loop_of.get(machine.state, NO_LOOP)] += 1
        content, in_port, size = self.solve(machine)
        return Finished(
            order=tuple(choice.order for choice in self.taken),
            verdict=verdict,
            error=error,
            states=tuple(machine.visited),
            arms=tuple(machine.arms),
            cursor=machine.cursor,
            size=size,
            truncated=machine.size is not None,
            in_port=in_port,
            content=content,
            fixed=frozenset(self.symbols.touched),
        )

    def solve(self, machine: SymbolicMachine) -> tuple[dict[int, int], int | None, int]:
        """Return bytes that take the path at hand, the port if it matters, and the packet's size."""
        self.drop_levels(len(self.taken))
        size = machine.least_size if machine.size is None else machine.size
        conditions = []
        if self.uses_length and machine.size is None:
            sizes = self.samples(self.symbols.length, size, self.max_size)
            if not sizes:
                raise TooHardError
            size = sizes[0]
            conditions.append(self.symbols.length == size)
        answer = self.solver.check(*conditions)
        if answer == z3.unknown:
            raise TooHardError
        assert answer == z3.sat, "a path that could be taken cannot"
        found = self.solver.model()
        values = {str(name): found[name].as_long() for name in found.decls()}
        content = {int(name[1:]): value for name, value in values.items() if name[0] == "b"}
        return content, values.get("in_port"), size

    # ------------------------------------------------------------------------------------------ choices
    def choose(self, place: Place, options: Iterator[Option]) -> Option:
        """Return the option that the run takes at a place; those that it could take too wait for other runs."""
        index = len(self.taken)
        if index < len(self.prefix):
            choice = self.prefix[index]
            assert choice.place == place
            self.symbols.touched |= choice.touched
        else:
            choice = self.choose_among(self.possible(place, options))
        if index >= len(self.levels) or self.levels[index] is not choice:
            self.drop_levels(index)
            self.solver.push()
            if choice.option.constraint is not True:
                self.solver.add(choice.option.constraint)
            self.levels.append(choice)
        self.taken.append(choice)
        self.covered.add(choice.target)
        self.seen[choice.target] = self.seen.get(choice.target, 0) + 1
        return choice.option

    def possible(self, place: Place, options: Iterator[Option]) -> list[Choice]:
        """Return the options that some packet takes."""
        self.drop_levels(len(self.taken))
        before = set(self.symbols.touched)
        found = [option for option in options if option.constraint is True or self.is_possible(option.constraint)]
        if not found:
            assert self.n_undecided, f"no way on from {place}"
            raise TooHardError
        touched = frozenset(self.symbols.touched - before)
        parent = self.taken[-1] if self.taken else None
        repeats = parent.repeats if parent is not None else 0
        return [
            Choice(place, option, order, parent, touched, repeats + self.seen.get((*place, option.label), 0))
            for order, option in enumerate(found)
        ]

    def choose_among(self, choices: list[Choice]) -> Choice:
        """Return the one to follow now, put the others aside."""
        go_on = [c for c in choices if not c.option.ends] or choices
        fresh = [c for c in go_on if c.target not in self.covered]
        chosen = min(fresh or go_on, key=self.rank)
        for choice in choices:
            if choice is not chosen:
                self.put(choice)
        return chosen

    def rank(self, choice: Choice) -> tuple[int, int]:
        """Return how well an option suits the run: the least is best."""
        target = choice.option.leads_to
        if not target:
            return (0, choice.order)
        loop = self.loop_of.get(target, NO_LOOP)
        stays = loop != NO_LOOP and loop == self.loop_of.get(choice.place[0])
        if self.stays_in_loops and stays and self.loop_ends[loop] < MAX_LOOP_ENDS:
            return (-1, choice.order)
        far = len(self.to_accept)
        near = self.to_missing.get(target) if self.seen.get(choice.target, 0) < MAX_ROUNDS else None
        return (far + self.to_accept.get(target, far) if near is None else near, choice.order)

    def put(self, choice: Choice) -> None:
        """Put a choice aside.

        Of arms that are missing the one put aside first comes first: there is more to find behind it.  Of others alike
        the last comes first, which is close to the path at hand.
        """
        self.n_waiting += 1
        urgency = self.urgency(choice)
        heapq.heappush(self.heap, (urgency, -self.n_waiting if urgency[0] else self.n_waiting, choice))

    def urgency(self, choice: Choice) -> Urgency:
        """Return when a choice is to be followed: the least comes first; it grows as more is covered, never falls."""
        option = choice.option
        if choice.target not in self.covered:
            return (0 if option.leads_to else 1, choice.repeats, 0)
        way = self.to_missing.get(option.leads_to or choice.place[0], len(self.to_accept))
        return (2, choice.repeats, len(self.to_accept) if option.ends else way)

    def next_choice(self) -> Choice | None:
        """Return the choice to go on with, None if all were followed."""
        while self.heap:
            before, _, choice = heapq.heappop(self.heap)
            if before == self.urgency(choice):
                return choice
            self.put(choice)
        return None

    @property
    def n_left(self) -> int:
        """How many branches were not followed."""
        return len(self.heap)

    # ------------------------------------------------------------------------------------------ the solver
    def drop_levels(self, n: int) -> None:
        """Forget the constraints behind the first ``n`` choices."""
        if len(self.levels) > n:
            self.solver.pop(len(self.levels) - n)
            del self.levels[n:]

    def is_possible(self, constraint: Any) -> bool:
        """Tell whether a packet on the path at hand can satisfy a constraint."""
        answer = self.solver.check() if constraint is True else self.solver.check(constraint)
        self.n_undecided += answer == z3.unknown
        return bool(answer == z3.sat)

    def samples(self, vector: Any, low: int, high: int, place: Place | None = None) -> list[int]:
        """Return values that a vector may have between two: the two least and the greatest, fewer if it has fewer.

        Where the path at hand was at this place before (in a loop), the least is enough.
        """
        self.drop_levels(len(self.taken))
        again = place is not None and any(choice.place == place for choice in self.taken)
        found: list[int] = []
        self.solver.push()
        self.solver.add(z3.UGE(vector, low), z3.ULE(vector, high))
        while len(found) < 3 and self.is_possible(True):
            if again and found:
                break
            value = self.some_value(vector)
            least = len(found) < 2
            found.append(self.least(vector, low, value) if least else self.greatest(vector, value, high))
            low = found[0] + 1
            self.solver.add(vector != found[-1])
        if place is not None and (again or len(found) == 3) and self.solver.check() != z3.unsat:
            self.sampled.add(place[0])
        self.solver.pop()
        return found

    def least(self, vector: Any, low: int, high: int) -> int:
        """Return the least value from ``low`` on of a vector, which may have the value ``high``."""
        while low < high:
            middle = (low + high) // 2
            if self.solver.check(z3.ULE(vector, middle)) == z3.sat:
                high = self.some_value(vector)
            else:
                low = middle + 1
        return high

    def greatest(self, vector: Any, low: int, high: int) -> int:
        """Return the greatest value up to ``high`` of a vector, which may have the value ``low``."""
        while low < high:
            middle = (low + high + 1) // 2
            if self.solver.check(z3.UGE(vector, middle)) == z3.sat:
                low = self.some_value(vector)
            else:
                high = middle - 1
        return low

    def some_value(self, vector: Any) -> int:
        """Return a value that a vector may have; the solver has just said that there is one."""
        return int(self.solver.model().eval(vector, model_completion=True).as_long())


def _loops(program: Program) -> dict[str, int]:
    """Return for each state in a loop of the parse graph which it is in."""
    states = {state.name: state for state in program.states}
    parts = loops(states, lambda name: targets(states[name]))
    return {name: number for number, part in enumerate(parts) for name in part}


def _sources(program: Program) -> dict[str, list[str]]:
    """Return for each state, ``accept`` and ``reject`` which states lead to it."""
    found: dict[str, list[str]] = {}
    for state in program.states:
        for target in targets(state):
            found.setdefault(target, []).append(state.name)
    return found


def _distances(sources: Mapping[str, Iterable[str]], goals: Iterable[str]) -> dict[str, int]:
    """Return how many transitions each state is from the nearest of the goals; without those from which none is."""
    distance = dict.fromkeys(goals, 0)
    queue = deque(distance)
    while queue:
        target = queue.popleft()
        for state in sources.get(target, ()):
            if state not in distance:
                distance[state] = distance[target] + 1
                queue.append(state)
    return distance
