"""What code generation decides once a program, before it writes a line: names, header places, how the cursor counts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from datapath.codegen.cursor import counts_bytes, entry_positions
from datapath.codegen.names import c_names
from datapath.ir.graph import base_name, loops, targets
from datapath.ir.layout import KeyHeader, KeyLayout
from datapath.ir.liveness import live_variables
from datapath.ir.model import (
    ACCEPT,
    MAX_STATE_VISITS,
    REJECT,
    VISITS,
    Assign,
    Header,
    Program,
    State,
    VarbitEqual,
    Variable,
    VarRef,
)
from datapath.ir.validity import Validity, entry_validity
from datapath.ir.walk import state_expressions

MAX_FORGOTTEN = 32  # words at the head of a loop that need not be: they take half of the BPF stack (512 bytes)
KEY_MEMBERS = ("in_port", "parser_error", "zero", "bridge", "valid", "pad")  # of struct flow_key, in every program
RESERVED = ("accept", "reject", "offset", "cursor", "error", "valid", "p", "pkt", "key", "result", "rounds")


@dataclass
class Plan:
    """Everything that is known before the first state is written."""

    program: Program
    layout: KeyLayout
    in_bytes: bool  # the cursor always stands on a byte
    header_names: dict[str, str]
    state_names: dict[str, str]
    local_names: dict[str, tuple[str, ...]]  # variables outside the key: one C variable a limb
    value_set_names: dict[str, str]
    key_names: dict[str, str]  # variables in the key, and varbit lengths by header: members of struct flow_key
    validity: dict[str, Validity]
    positions: dict[str, int | None]
    order: list[State]
    joins: set[str]  # states that several states go to
    loops_back: set[str]  # states that a later one goes to
    entries: dict[str, str]  # heads of loops that count rounds: the label by which one comes in from outside
    loops: dict[str, int]  # of the states in loops: which one
    most_rounds: dict[str, int]  # by such a head: in more the visits have ended the loop
    labels: set[str] = field(default_factory=set)  # that some goto names
    compares_varbits: bool = False  # then a local variable holds where in the packet each varbit is
    calls_wide: bool = False  # some function of wide.h is called
    n_lines: int = 0  # of C, in the states that are written
    tests_validity: bool = False  # some header's validity is tested at run time

    @property
    def cursor(self) -> str:
        return "offset" if self.in_bytes else "cursor"

    def header(self, path: str) -> Header:
        return self.program.header(path)

    def key_header(self, path: str) -> KeyHeader:
        return self.layout.header(path)

    def varbit_at(self, path: str) -> str:
        """Name the variable with the bit at which a header's varbit begins."""
        return f"at_{self.header_names[path]}"

    def trace_number(self, state: str) -> int:
        return self.layout.states.index(base_name(state))

    def goto(self, label: str) -> str:
        self.labels.add(label)
        return f"goto {label};"

    def goto_state(self, source: str, target: str) -> str:
        """Return the goto from a state to another, ``accept`` or ``reject``."""
        if target in self.entries and not self.is_round(source, target):
            return self.goto(self.entries[target])
        return self.goto(self.state_names.get(target, target))

    def is_round(self, source: str, target: str) -> bool:
        """Tell whether a transition stays in its loop."""
        return source in self.loops and self.loops[source] == self.loops.get(target)

    def live_locals(self, state: str) -> list[str]:
        """Return the local variables (not the loop counter) whose value on entry matters, in order.

        At the head of a loop it is all that is read from there on, unless that is too much: what a way round has left
        in one that does not matter would tell the ways apart all the same, and with them the rounds of loops behind.
        """
        live = [name for name in self.local_names if name in self._live[state]]
        if state not in self.entries:
            return live
        read = self._read_from(state)
        wide = [name for name in self.local_names if name in read]
        return wide if sum(len(self.local_names[name]) for name in wide) <= MAX_FORGOTTEN else live

    def _read_from(self, state: str) -> set[str]:
        """Return the variables that a state or one behind it reads."""
        seen, todo = {state}, [state]
        while todo:
            for target in self._follow[todo.pop()]:
                if target in self._follow and target not in seen:
                    seen.add(target)
                    todo.append(target)
        return set[str]().union(*(self._reads[name] for name in seen))

    @cached_property
    def _follow(self) -> dict[str, tuple[str, ...]]:
        return {state.name: tuple(targets(state)) for state in self.program.states}

    @cached_property
    def _reads(self) -> dict[str, set[str]]:
        return {
            state.name: {e.name for e in state_expressions(state) if isinstance(e, VarRef)}
            for state in self.program.states
        }

    @cached_property
    def _live(self) -> dict[str, set[str]]:
        return live_variables(self.program)


def make_plan(program: Program, layout: KeyLayout) -> Plan:
    """Decide."""
    header_names = c_names((h.path for h in program.headers), KEY_MEMBERS)
    in_key = [v for v in program.variables if v.in_key]
    varbits = [h for h in program.headers if h.varbit]
    taken = (*header_names.values(), *KEY_MEMBERS)
    key_names = c_names([*(v.name for v in in_key), *(f"{h.path}.$length" for h in varbits)], taken)
    order = forward_order(program)
    place = {state.name: i for i, state in enumerate(order)}
    sources: dict[str, set[str]] = {s.name: set() for s in order}
    for state in order:
        for target in targets(state):
            if target in sources:
                sources[target].add(state.name)
    loops_back = {n for n, names in sources.items() if any(place[o] >= place[n] for o in names)}
    state_names = c_names((s.name for s in order), RESERVED)
    heads = {s.name: None for s in order if s.name in loops_back and counts_visits(s)}  # in order
    parts = loops(place, sources.__getitem__)
    entries = c_names((f"enter_{name}" for name in heads), (*RESERVED, *state_names.values()))
    return Plan(
        program=program,
        layout=layout,
        in_bytes=counts_bytes(program),
        header_names=header_names,
        state_names=state_names,
        local_names=_local_names(program),
        value_set_names=_value_set_names(program),
        compares_varbits=any(isinstance(e, VarbitEqual) for s in order for e in state_expressions(s)),
        key_names=key_names,
        validity=entry_validity(program),
        positions=entry_positions(program),
        order=order,
        joins={name for name, names in sources.items() if len(names) > 1},
        loops_back=loops_back,
        entries={name: entries[f"enter_{name}"] for name in heads},
        loops={name: i for i, part in enumerate(parts) for name in part},
        most_rounds={name: _most_rounds(name, part, heads, order) for part in parts for name in part if name in heads},
    )


def _most_rounds(head: str, part: Collection[str], heads: Collection[str], order: list[State]) -> int:
    """Return how often the head of a loop is come to at most: each round makes as many visits as the shortest has."""
    if len([name for name in part if name in heads]) > 1:
        return MAX_STATE_VISITS  # they share the count
    states = {state.name: state for state in order if state.name in part}
    ends, n_visits = {head}, 0
    while n_visits < MAX_STATE_VISITS:  # all states that one more visit leads to, and those behind that count none
        n_visits += 1
        todo, ends_before, ends = list(ends), ends, set[str]()
        seen = set(ends_before)
        while todo:
            for target in targets(states[todo.pop()]):
                if target == head:
                    return (MAX_STATE_VISITS - 1) // n_visits + 1
                if target in states and target not in seen:
                    seen.add(target)
                    if counts_visits(states[target]):
                        ends.add(target)
                    else:
                        todo.append(target)
    return MAX_STATE_VISITS


def counts_visits(state: State) -> bool:
    """Tell whether ``passes/bound_loops`` made the state count its visits."""
    return any(isinstance(s, Assign) and s.target == VarRef(VISITS, s.target.width) for s in state.statements)


def _value_set_names(program: Program) -> dict[str, str]:
    names = c_names((f"set_{v.name}" for v in program.value_sets), RESERVED)
    return {name.removeprefix("set_"): c_name for name, c_name in names.items()}


def _local_names(program: Program) -> dict[str, tuple[str, ...]]:
    local: list[Variable] = [v for v in program.variables if not v.in_key]
    names = c_names((f"v_{v.name}" for v in local), RESERVED)
    result = {}
    for variable in local:
        name = names[f"v_{variable.name}"]
        n_limbs = (variable.width_bits + 63) // 64
        result[variable.name] = (name,) if n_limbs == 1 else tuple(f"{name}_{i}" for i in range(n_limbs))
    return result


def forward_order(program: Program) -> list[State]:
    """Return the states so that every transition but those that close a loop goes forward (reverse postorder)."""
    states = {s.name: s for s in program.states}
    start = program.states[0].name
    seen = {start}
    finished: list[str] = []
    work = [(start, iter(reversed(targets(states[start]))))]
    while work:
        name, rest = work[-1]
        for target in rest:
            if target not in seen and target not in (ACCEPT, REJECT):
                seen.add(target)
                work.append((target, iter(reversed(targets(states[target])))))
                break
        else:
            work.pop()
            finished.append(name)
    return [states[name] for name in reversed(finished)]
