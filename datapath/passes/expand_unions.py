"""Make the rule of header unions explicit: whatever is done to a member, the others are invalid then (P4_16 8.19).

Effect: ``setInvalid`` of the other members follows each extract, ``setValid``, ``setInvalid`` and copy into a member;
headers belong to no union any more.
Precondition: ``unroll_stacks`` (every header is named).
"""

from __future__ import annotations

from dataclasses import replace

from datapath.ir.model import CopyHeader, Extract, HeaderAt, If, Program, SetValid, Statement


def expand_unions(program: Program) -> Program:
    """Run the pass."""
    union_of = {h.path: h.union for h in program.headers if h.union}
    if not union_of:
        return program
    others = {
        path: [SetValid(HeaderAt(p), False) for p, u in union_of.items() if u == union and p != path]
        for path, union in union_of.items()
    }

    def expanded(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        result: list[Statement] = []
        for statement in statements:
            if isinstance(statement, If):
                statement = replace(statement, then=expanded(statement.then), otherwise=expanded(statement.otherwise))
            result.append(statement)
            if isinstance(statement, Extract | SetValid):
                result.extend(others.get(statement.header.path, []))
            elif isinstance(statement, CopyHeader):
                result.extend(others.get(statement.target.path, []))
        return tuple(result)

    headers = tuple(replace(h, union="") for h in program.headers)
    states = tuple(replace(s, statements=expanded(s.statements)) for s in program.states)
    return replace(program, headers=headers, states=states)
