"""A readable dump of the IR, the same in every run: pass tests compare it, people read it.

Tests write IR with constructors (``tests/datapath/ir_builder.py``) or take it from P4; there is no reader.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.ir.model import (
    Advance,
    Any,
    Assign,
    Binary,
    Checksum,
    Concat,
    Const,
    CopyHeader,
    Evaluate,
    Expr,
    Extract,
    Failure,
    FieldRef,
    Goto,
    Header,
    HeaderAt,
    If,
    InPort,
    InValueSet,
    IsValid,
    Keyset,
    Lookahead,
    Masked,
    Mux,
    PacketLength,
    ParserError,
    Program,
    PushPop,
    Range,
    Resize,
    SetNext,
    SetValid,
    Slice,
    StackLastIndex,
    State,
    Statement,
    Unary,
    VarbitEqual,
    Variable,
    VarRef,
    Verify,
)


def dump(program: Program) -> str:
    """Return a program as text."""
    return "\n".join(_program(program)) + "\n"


def dump_states(program: Program) -> str:
    """Return only the states of a program as text: what most passes change."""
    return "\n".join(line for state in program.states for line in _state(program, state)) + "\n"


def _program(program: Program) -> Iterator[str]:
    yield f"program {program.name} ({program.source})"
    for header in program.headers:
        yield _header(header)
    for stack in program.stacks:
        yield f"stack {stack.path}: {stack.size} x {stack.type_name}"
    for variable in program.variables:
        yield _variable(variable)
    for value_set in program.value_sets:
        keys = []
        for i, width in enumerate(value_set.key_widths):
            kind = value_set.match_kind(i)
            keys.append(f"{'int' if value_set.is_signed(i) else 'bit'}<{width}>" + (f" {kind}" if kind else ""))
        yield f"value_set {value_set.name}: {value_set.size} x ({', '.join(keys)})"
    for name in program.errors[7:]:
        yield f"error {name}"
    if program.emit_order != tuple(h.path for h in program.headers):
        yield "emit " + ", ".join(program.emit_order)
    for checksum in program.checksums:
        yield _checksum(checksum)
    for part in program.skipped:
        used = f", used: {', '.join(part.used)}" if part.used else ""
        yield f"skipped {part.kind} {part.name}{used}"
    for state in program.states:
        yield from _state(program, state)


def _header(header: Header) -> str:
    items = [
        f"{f.name}:varbit<{f.varbit_max_bits}>" if f.varbit_max_bits else f"{f.name}:{_type(f.width_bits, f.signed)}"
        for f in header.fields
    ]
    union = f" in union {header.union}" if header.union else ""
    return f"header {header.path} {header.type_name} {{{', '.join(items)}}}{union}"


def _type(width: int, signed: bool) -> str:
    return f"{'int' if signed else 'bit'}<{width}>"


def _variable(variable: Variable) -> str:
    start = f" = {variable.initial}" if variable.initial else ""
    return (
        f"{'key' if variable.in_key else 'local'} {variable.name}:{_type(variable.width_bits, variable.signed)}{start}"
    )


def _checksum(checksum: Checksum) -> str:
    parts = [f"{c.header}.{c.field}@{c.offset_bits}" if c.field else f"const@{c.offset_bits}" for c in checksum.covered]
    flags = ["payload"] * checksum.with_payload + ["zero_is_none"] * checksum.zero_is_none
    return f"checksum {checksum.header}.{checksum.field} over {', '.join([*parts, *flags])}"


# ---------------------------------------------------------------------------------------------------- states
def _state(program: Program, state: State) -> Iterator[str]:
    yield f"state {state.name}"
    for statement in state.statements:
        yield from _statement(program, statement, "    ")
    transition = state.transition
    if isinstance(transition, Goto):
        yield f"    goto {transition.target}"
        return
    yield f"    select {', '.join(text(k) for k in transition.keys)}"
    for case in transition.cases:
        keysets = ", ".join(keyset_text(k) for k in case.keysets)
        yield f"        {keysets}: {case.target}"


def keyset_text(keyset: Keyset) -> str:
    """Return what a select arm matches as text."""
    if isinstance(keyset, Any):
        return "_"
    if isinstance(keyset, Masked):
        return f"{keyset.value:#x}&{keyset.mask:#x}"
    if isinstance(keyset, Range):
        return f"{keyset.low:#x}..{keyset.high:#x}"
    assert isinstance(keyset, InValueSet)
    return f"in {keyset.name}"


def _statement(program: Program, statement: Statement, indent: str) -> Iterator[str]:
    if isinstance(statement, If):
        yield indent + statement_text(program, statement)
        for inner in statement.then:
            yield from _statement(program, inner, indent + "    ")
        if statement.otherwise:
            yield f"{indent}else"
            for inner in statement.otherwise:
                yield from _statement(program, inner, indent + "    ")
        return
    yield indent + statement_text(program, statement)


def statement_text(program: Program, statement: Statement) -> str:
    """Return a statement as text, an ``If`` without its branches."""
    if isinstance(statement, If):
        return f"if {text(statement.condition)}"
    if isinstance(statement, Extract):
        size = f", {text(statement.varbit_bits)}" if statement.varbit_bits is not None else ""
        return f"extract {_at(statement.header)}{size}"
    if isinstance(statement, Advance):
        return f"advance {text(statement.bits)}"
    if isinstance(statement, Assign):
        return f"{text(statement.target)} = {text(statement.value)}"
    if isinstance(statement, SetValid):
        return f"{'set_valid' if statement.valid else 'set_invalid'} {_at(statement.header)}"
    if isinstance(statement, CopyHeader):
        return f"{_at(statement.target)} = {_at(statement.source)}"
    if isinstance(statement, PushPop):
        return f"{'push' if statement.count > 0 else 'pop'} {statement.stack} {abs(statement.count)}"
    if isinstance(statement, SetNext):
        return f"{statement.stack}.nextIndex = {text(statement.value)}"
    if isinstance(statement, Verify):
        error = statement.error
        name = program.errors[error.value] if isinstance(error, Const) else text(error)
        return f"verify {text(statement.condition)} else {name}"
    assert isinstance(statement, Evaluate)
    return f"evaluate {text(statement.value)}"


# ---------------------------------------------------------------------------------------------------- expressions
def _at(at: HeaderAt) -> str:
    if at.select == "path":
        return at.path
    if at.index is not None:
        return f"{at.path}[{text(at.index)}]"
    return f"{at.path}.{at.select}"


def text(expr: Expr) -> str:
    """Return an expression as text; constants carry their width, as in P4."""
    if isinstance(expr, Const):
        return f"{expr.width}{'s' if expr.signed else 'w'}{expr.value:#x}" if expr.value > 9 else _small(expr)
    if isinstance(expr, FieldRef):
        return f"{_at(expr.header)}.{expr.field}"
    if isinstance(expr, VarRef):
        return expr.name
    if isinstance(expr, IsValid):
        return f"valid({_at(expr.header)})"
    if isinstance(expr, VarbitEqual):
        return f"varbit({_at(expr.left)}) == {f'varbit({_at(expr.right)})' if expr.right else 'nothing'}"
    if isinstance(expr, StackLastIndex):
        return f"{expr.stack}.{'nextIndex' if expr.next else 'lastIndex'}"
    if isinstance(expr, Lookahead):
        return f"lookahead({expr.width}{f' at {expr.offset}' if expr.offset else ''})"
    if isinstance(expr, Failure):
        return f"fail({expr.error})"
    if isinstance(expr, PacketLength | ParserError | InPort):
        return {PacketLength: "packet_length", ParserError: "parser_error", InPort: "in_port"}[type(expr)]
    return _operator(expr)


def _small(expr: Const) -> str:
    return f"{expr.width}{'s' if expr.signed else 'w'}{expr.value}"


def _operator(expr: Expr) -> str:
    if isinstance(expr, Slice):
        return f"{text(expr.operand)}[{expr.high}:{expr.low}]"
    if isinstance(expr, Concat):
        return "(" + " ++ ".join(text(p) for p in expr.parts) + ")"
    if isinstance(expr, Resize):
        return f"({_type(expr.width, expr.signed)}){text(expr.operand)}"
    if isinstance(expr, Unary):
        return f"{expr.op}{text(expr.operand)}"
    if isinstance(expr, Mux):
        return f"({text(expr.condition)} ? {text(expr.then)} : {text(expr.otherwise)})"
    assert isinstance(expr, Binary)
    return f"({text(expr.left)} {expr.op} {text(expr.right)})"
