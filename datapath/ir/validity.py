"""Which headers may be, and which must be, valid when a state is entered.

An analysis, not a rewrite: read by ``passes/compute_layout`` (headers that are never valid together share a slot of the
key) and by ``codegen/`` (a field of a header that must be valid is read without a test).
Precondition: ``unroll_stacks`` (every header is named).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from datapath.ir.graph import targets
from datapath.ir.model import CopyHeader, Extract, If, Program, SetValid, Statement

Headers = frozenset[str]
NONE: Headers = frozenset()


@dataclass(frozen=True)
class Validity:
    """Headers by their paths."""

    may: Headers
    must: Headers

    def join(self, other: Validity) -> Validity:
        """Return what holds if either holds."""
        return Validity(self.may | other.may, self.must & other.must)


def entry_validity(program: Program) -> dict[str, Validity]:
    """Return what holds at the entry of each reachable state (a forward data-flow analysis)."""
    states = {s.name: s for s in program.states}
    start = program.states[0].name
    entry = {start: Validity(NONE, NONE)}
    todo = [start]
    while todo:
        name = todo.pop()
        after = after_statements(states[name].statements, entry[name])
        for target in targets(states[name]):
            if target not in states:
                continue
            joined = entry[target].join(after) if target in entry else after
            if entry.get(target) != joined:
                entry[target] = joined
                todo.append(target)
    return entry


def after_statements(
    statements: Iterable[Statement],
    validity: Validity,
    becomes_valid: Callable[[str, Headers], None] = lambda path, together: None,
) -> Validity:
    """Return what holds behind the statements.

    Args:
        statements: What is executed.
        validity: What holds before.
        becomes_valid: Told each header that becomes valid, and which others may be valid at that moment.
    """
    for statement in statements:
        if isinstance(statement, If):
            then = after_statements(statement.then, validity, becomes_valid)
            validity = then.join(after_statements(statement.otherwise, validity, becomes_valid))
        elif isinstance(statement, Extract | SetValid | CopyHeader):
            path = (statement.target if isinstance(statement, CopyHeader) else statement.header).path
            may, must = True, True
            if isinstance(statement, SetValid):
                may = must = statement.valid
            elif isinstance(statement, CopyHeader):
                may, must = statement.source.path in validity.may, statement.source.path in validity.must
            if may:
                becomes_valid(path, validity.may)
            one = frozenset({path})
            validity = Validity(
                validity.may | one if may else validity.may - one, validity.must | one if must else validity.must - one
            )
    return validity


def conflicts(program: Program) -> dict[str, set[str]]:
    """Return for each header those that some packet may have at the same time."""
    together: dict[str, set[str]] = {h.path: set() for h in program.headers}

    def note(path: str, others: Headers) -> None:
        for other in others - {path}:
            together[path].add(other)
            together[other].add(path)

    for name, validity in entry_validity(program).items():
        after_statements(program.state(name).statements, validity, note)
    return together
