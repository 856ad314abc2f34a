"""Parser coverage: which states, transitions and select arms of a program the packets of a test run took.

The reference model says which; ``annotate.py`` shows it in the source.  Fed by the pytest plugin.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from datapath.errors import Location
from datapath.ir.graph import base_name, is_continuation
from datapath.ir.interpret import Interpreter
from datapath.ir.model import Case, Goto, Program, Select, State

KINDS = ("state", "transition", "arm")
Arm = tuple[str, int]  # a state, and the index of its select's case; 0 where there is no select


@dataclass(frozen=True)
class CoverageItem:
    """Something that packets can reach."""

    kind: str  # of KINDS
    name: str  # "parse_ipv4", "start -> parse_ipv4", "start: TYPE_IPV4: parse_ipv4;"
    location: Location | None
    hits: int  # how often packets came there


class ParserCoverage:
    """Counts what packets reach in one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.n_packets = 0
        self.states: Counter[str] = Counter()
        self.arms: Counter[Arm] = Counter()
        self._interpreter = Interpreter(program)

    def add(self, packet: bytes, in_port: int = 0, count: int = 1) -> None:
        """Count a packet that came in by a port, ``count`` times."""
        outcome = self._interpreter.parse(packet, in_port)
        self.n_packets += count
        for state in outcome.states:
            self.states[state] += count
        for arm in outcome.arms:
            self.arms[arm] += count

    # ------------------------------------------------------------------------------------------ between processes
    def to_json(self) -> dict[str, object]:
        """Return the counts so that ``merge`` of another process understands them."""
        arms = [[state, index, n] for (state, index), n in self.arms.items()]
        return {"packets": self.n_packets, "states": dict(self.states), "arms": arms}

    def merge(self, data: Mapping[str, object]) -> None:
        """Add what another process has counted for the same program."""
        packets, states, arms = data["packets"], data["states"], data["arms"]
        assert isinstance(packets, int)
        assert isinstance(states, dict)
        assert isinstance(arms, list)
        self.n_packets += packets
        self.states.update(states)
        self.arms.update({(state, index): n for state, index, n in arms})

    # ------------------------------------------------------------------------------------------ what there is
    def items(self) -> list[CoverageItem]:
        """Return everything that can be reached, kind by kind, in order of the program."""
        states = [
            CoverageItem("state", s.name, s.location, self.states[base_name(s.name)])
            for s in self.program.states
            if not is_continuation(s.name) and base_name(s.name) == s.name
        ]
        return states + self._transitions() + self._arms()

    def of_kind(self, kind: str) -> list[CoverageItem]:
        """Return the items of one kind."""
        return [item for item in self.items() if item.kind == kind]

    def _transitions(self) -> list[CoverageItem]:
        """Return one item for each pair of states, whatever number of arms leads from one to the other."""
        hits: Counter[str] = Counter()
        where: dict[str, Location | None] = {}
        for state in self.program.states:
            for index, (target, location) in enumerate(_ways_on(state)):
                if is_continuation(target):
                    continue  # the same state goes on
                name = f"{base_name(state.name)} -> {base_name(target)}"
                where.setdefault(name, location or state.location)
                hits[name] += self.arms[state.name, index]
        return [CoverageItem("transition", name, location, hits[name]) for name, location in where.items()]

    def _arms(self) -> list[CoverageItem]:
        return [
            CoverageItem("arm", _arm_name(state, index, case), case.location, self.arms[state.name, index])
            for state in self.program.states
            if isinstance(state.transition, Select)
            for index, case in enumerate(state.transition.cases)
        ]


def _ways_on(state: State) -> list[tuple[str, Location | None]]:
    if isinstance(state.transition, Goto):
        return [(state.transition.target, state.transition.location)]
    return [(case.target, case.location) for case in state.transition.cases]


def _arm_name(state: State, index: int, case: Case) -> str:
    """Return the arm as it is written, or what is known of it where the source is not there."""
    text = linecache.getline(case.location.file, case.location.line).strip() if case.location else ""
    return f"{base_name(state.name)}: {text or f'arm {index + 1} -> {base_name(case.target)}'}"
