"""Parser coverage: which states, transitions and select arms of a program the packets of a test run took.

The reference model says which; ``annotate.py`` and ``coverage_html.py`` show it in the source.  Fed by the pytest
plugin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datapath.errors import Location
from datapath.graph.nodes import arm_label
from datapath.ir.graph import base_name, is_continuation
from datapath.ir.interpret import Interpreter
from datapath.ir.model import Goto, Program, Select, State
from datapath.source_files import SourceFiles

KINDS = ("state", "transition", "arm")
Arm = tuple[str, int]  # a state, and the index of its select's case; 0 where there is no select


@dataclass(frozen=True)
class CoverageItem:
    """Something that packets can reach."""

    kind: str  # of KINDS
    state: str  # that it is, or that it leaves
    label: str  # of a transition: where it leads; of an arm: "TYPE_IPV4 -> parse_ipv4"
    location: Location | None
    hits: int  # how often packets came there

    @property
    def name(self) -> str:
        """Return what it is called: "parse_ipv4", "start -> parse_ipv4", "start: TYPE_IPV4 -> parse_ipv4"."""
        separator = {"state": "", "transition": " -> ", "arm": ": "}[self.kind]
        return f"{self.state}{separator}{self.label}"


@dataclass(frozen=True)
class Share:
    """How many of some items were reached."""

    hit: int
    all: int

    @property
    def percent(self) -> float:
        return 100 * self.hit / self.all if self.all else 100.0

    def __str__(self) -> str:
        return f"{self.hit}/{self.all} {int(self.percent)}%"


def share(items: Iterable[CoverageItem]) -> Share:
    """Return how many of these were reached."""
    reached = [item.hits > 0 for item in items]
    return Share(sum(reached), len(reached))


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
            CoverageItem("state", s.name, "", s.location, self.states[base_name(s.name)])
            for s in self.program.states
            if not is_continuation(s.name) and base_name(s.name) == s.name
        ]
        return states + self._transitions() + self._arms()

    def of_kind(self, kind: str) -> list[CoverageItem]:
        """Return the items of one kind."""
        return [item for item in self.items() if item.kind == kind]

    def missed(self) -> dict[str, list[CoverageItem]]:
        """Return by state what was not reached: the state, else its arms, or the transition of one without a select."""
        found: dict[str, list[CoverageItem]] = {}
        for item in self.items():
            of_state = found.get(item.state, [])
            if not item.hits and (not of_state or of_state[0].kind != "state"):
                found[item.state] = [*of_state, item]
        return {state: [i for i in items if i.kind == "arm"] or items for state, items in found.items()}

    def _transitions(self) -> list[CoverageItem]:
        """Return one item for each pair of states, whatever number of arms leads from one to the other."""
        hits: Counter[tuple[str, str]] = Counter()
        where: dict[tuple[str, str], Location | None] = {}
        for state in self.program.states:
            for index, (target, location) in enumerate(_ways_on(state)):
                if is_continuation(target):
                    continue  # the same state goes on
                ends = base_name(state.name), base_name(target)
                where.setdefault(ends, location or state.location)
                hits[ends] += self.arms[state.name, index]
        return [CoverageItem("transition", *ends, location, hits[ends]) for ends, location in where.items()]

    def _arms(self) -> list[CoverageItem]:
        line_at = SourceFiles().line
        found = []
        for state in self.program.states:
            if isinstance(state.transition, Select):
                for index, case in enumerate(state.transition.cases):
                    label = f"{arm_label(case, state.transition.keys, line_at)} -> {base_name(case.target)}"
                    hits = self.arms[state.name, index]
                    found.append(CoverageItem("arm", base_name(state.name), label, case.location, hits))
        return found


def _ways_on(state: State) -> list[tuple[str, Location | None]]:
    if isinstance(state.transition, Goto):
        return [(state.transition.target, state.transition.location)]
    return [(case.target, case.location) for case in state.transition.cases]
