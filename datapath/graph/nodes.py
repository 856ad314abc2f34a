"""What a picture of a parser shows: its states with what they do, and its transitions, one for each pair of states.

Fed by lowering (the program as written: no loop is unrolled); read by ``dot.py``.  Arms of a select that lead to one
state are one edge.  Where the source can be read, an arm says what is written there (``TYPE_IPV4``), else its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from datapath.errors import Location
from datapath.ir.graph import is_continuation, targets
from datapath.ir.model import ACCEPT, REJECT, Any, Case, Expr, Goto, If, Keyset, Masked, Program, State, Statement
from datapath.ir.text import keyset_text, statement_text, text
from datapath.source_files import SourceFiles

NO_MATCH = "no match"
SourceLine = Callable[[Location], str]
_SIZED = re.compile(r"\b\d+[ws](0x[0-9a-f]+|\d+)\b")  # 16w0x800: in a picture the width only costs room
_WIDTH = re.compile(r"\b\d+[ws](?=\d)")  # the same, with the number left as it is written
_CAST = re.compile(r"\((?:bit|int)<\d+>\)")


@dataclass(frozen=True)
class Node:
    """A state; ``accept`` and ``reject`` have neither steps nor keys."""

    name: str
    group: str  # the sub-parser's instance, "" outside of sub-parsers
    steps: tuple[str, ...] = ()
    keys: str = ""  # what it selects on, "" without a select
    continued: bool = False  # the rest of a state behind a sub-parser or a branch


@dataclass(frozen=True)
class Edge:
    """A transition; ``labels`` are the arms in order, none where it is unconditional."""

    source: str
    target: str
    labels: tuple[str, ...]
    loops_back: bool


@dataclass(frozen=True)
class ParseGraph:
    name: str
    nodes: tuple[Node, ...]  # the start state first, accept and reject last if anything leads there
    edges: tuple[Edge, ...]


def parse_graph(program: Program, source_line: SourceLine | None = None) -> ParseGraph:
    """Return the graph of a program as lowered.

    Args:
        program: The program.
        source_line: Gives the source's text at a place; read from the files by default.
    """
    line_at = source_line or SourceFiles().line
    back = _back_edges(program)
    nodes = [_node(program, state) for state in program.states]
    edges: list[Edge] = []
    for state in program.states:
        for target, labels in _arms(state, line_at).items():
            edges.append(Edge(state.name, target, tuple(labels), (state.name, target) in back))
    reached = {edge.target for edge in edges}
    nodes += [Node(name, "") for name in (ACCEPT, REJECT) if name in reached]
    return ParseGraph(program.name, tuple(nodes), tuple(edges))


def _node(program: Program, state: State) -> Node:
    steps: list[str] = []
    for depth, statement in _flat(state.statements):
        steps.append("  " * depth + _plain(statement_text(program, statement)))
    keys = (
        ", ".join(_plain(text(key)) for key in state.transition.keys) if not isinstance(state.transition, Goto) else ""
    )
    group, _, _ = state.name.rpartition(".")
    return Node(state.name, group, tuple(steps), keys, is_continuation(state.name))


def _flat(statements: tuple[Statement, ...], depth: int = 0) -> Iterator[tuple[int, Statement]]:
    for statement in statements:
        yield depth, statement
        if isinstance(statement, If):
            yield from _flat(statement.then, depth + 1)
            yield from _flat(statement.otherwise, depth + 1)


def _plain(expression: str) -> str:
    """Return an expression without widths and casts, and without the brackets around all of it."""
    short = _CAST.sub("", _SIZED.sub(_number, expression))
    return short[1:-1] if short.startswith("(") and _closes_at_end(short) else short


def _number(match: re.Match[str]) -> str:
    value = int(match[1], 0)
    return str(value) if value < 1000 else match[1]


def _closes_at_end(expression: str) -> bool:
    depth = 0
    for i, character in enumerate(expression):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return i == len(expression) - 1
    return False


# ---------------------------------------------------------------------------------------------------- edges
def _arms(state: State, line_at: SourceLine) -> dict[str, list[str]]:
    """Return the labels for each state that may follow, in order."""
    if isinstance(state.transition, Goto):
        return {state.transition.target: []}
    found: dict[str, list[str]] = {}
    for case in state.transition.cases:
        label = arm_label(case, state.transition.keys, line_at)
        labels = found.setdefault(case.target, [])
        if label not in labels:
            labels.append(label)
    if not any(_catches_all(case) for case in state.transition.cases):
        found.setdefault(REJECT, []).append(NO_MATCH)
    return found


def _catches_all(case: Case) -> bool:
    return all(isinstance(k, Any) or (isinstance(k, Masked) and not k.mask) for k in case.keysets)


def arm_label(case: Case, keys: Sequence[Expr], line_at: SourceLine) -> str:
    """Return what an arm of a select asks for, as it is written; its values where the source cannot be read."""
    if _catches_all(case):
        return "default"
    written = _written(line_at(case.location), case.location.column - 1) if case.location else ""
    return written or _tuple(case.keysets, keys)


def _written(line: str, column: int) -> str:
    """Return the keyset that stands at a column, "" unless it ends on the line.

    The place of ``PREFIX[31:24]`` is its bracket: what precedes it since the arm before belongs to it.
    """
    start = max(line.rfind(mark, 0, column) for mark in ";{") + 1
    depth = 0
    for i, character in enumerate(line[start:], start):
        depth += {"(": 1, ")": -1, "{": 1, "}": -1, "[": 1, "]": -1}.get(character, 0)
        if character == ":" and depth == 0 and i >= column:
            return _WIDTH.sub("", " ".join(line[start:i].split()))
    return ""


def _tuple(keysets: tuple[Keyset, ...], keys: Sequence[Expr]) -> str:
    parts = [_keyset(keyset, key.width) for keyset, key in zip(keysets, keys, strict=True)]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _keyset(keyset: Keyset, width: int) -> str:
    if isinstance(keyset, Masked) and keyset.mask == (1 << width) - 1:
        return hex(keyset.value)
    return keyset_text(keyset)


def _back_edges(program: Program) -> set[tuple[str, str]]:
    """Return the transitions that lead back to a state on the way from the start (depth first, in source order)."""
    states = {state.name: state for state in program.states}
    found: set[tuple[str, str]] = set()
    seen: set[str] = set()
    path: dict[str, Iterator[str]] = {}  # the way from the start to where we are, with what is still to be followed
    for root in states:
        if root not in seen:
            seen.add(root)
            path[root] = iter(targets(states[root]))
        while path:
            name, rest = next(reversed(path.items()))
            target = next(rest, None)
            if target is None:
                del path[name]
            elif target in path:
                found.add((name, target))
            elif target in states and target not in seen:
                seen.add(target)
                path[target] = iter(targets(states[target]))
    return found
