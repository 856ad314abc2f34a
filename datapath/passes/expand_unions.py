"""Make the rule of header unions explicit: when one member becomes valid, the others become invalid (P4_16 8.20).

Effect: ``setInvalid`` of the other members follows each extract, ``setValid`` and copy into a member.
Precondition: ``unroll_stacks`` (every header is named).
"""

from __future__ import annotations

from dataclasses import replace

from datapath.ir.model import CopyHeader, Extract, HeaderAt, If, IsValid, Program, SetValid, Statement


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
            if isinstance(statement, Extract) or (isinstance(statement, SetValid) and statement.valid):
                result.extend(others.get(statement.header.path, []))
            elif isinstance(statement, CopyHeader) and others.get(statement.target.path):
                clear = tuple(others[statement.target.path])
                result.append(If(IsValid(statement.target), clear, (), statement.location))
        return tuple(result)

    return replace(program, states=tuple(replace(s, statements=expanded(s.statements)) for s in program.states))
