"""The invariants of the IR; a breach is our own bug, so it is an assertion that says where and what.

Run after lowering and, in tests, after every pass.
"""

from __future__ import annotations

from collections import Counter

from datapath.ir.model import (
    ACCEPT,
    CORE_ERRORS,
    REJECT,
    Any,
    Assign,
    Binary,
    Case,
    Const,
    CopyHeader,
    Expr,
    Extract,
    Failure,
    FieldRef,
    Goto,
    Header,
    HeaderAt,
    If,
    InValueSet,
    IsValid,
    Masked,
    Mux,
    Program,
    PushPop,
    Range,
    Resize,
    Select,
    SetNext,
    SetValid,
    Slice,
    StackLastIndex,
    State,
    Unary,
    VarbitEqual,
    VarRef,
    Verify,
)
from datapath.ir.walk import expressions, flat_statements, statement_expressions

COMPARES = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("&&", "||")
ARITHMETIC = ("+", "-", "*", "/", "%", "&", "|", "^", "|+|", "|-|")
SHIFTS = ("<<", ">>")


def verify(program: Program, after: str = "lowering") -> Program:
    """Check a program; return it, so that calls can be chained.

    Args:
        program: What to check.
        after: Which pass made it, for the message.

    Raises:
        AssertionError: An invariant does not hold.
    """
    _Check(program, after).run()
    return program


class _Check:
    def __init__(self, program: Program, after: str) -> None:
        self.program = program
        self.where = f"after {after}"
        self.after = after
        self.headers = {h.path: h for h in program.headers}
        self.stacks = {s.path: s for s in program.stacks}
        self.variables = {v.name: v for v in program.variables}

    def need(self, holds: bool, message: str) -> None:
        assert holds, f"{self.where}: {message}"

    def run(self) -> None:
        program = self.program
        self.need(program.errors[: len(CORE_ERRORS)] == CORE_ERRORS, "errors do not start with core.p4's")
        self.need(len(program.errors) <= 256, "more than 256 errors")
        self.unique([h.path for h in program.headers], "header")
        of_headers = [f"{h.path}.{name}" for h in program.headers for name in ("$valid", *(f.name for f in h.fields))]
        self.unique([*(v.name for v in program.variables), *of_headers], "variable or field")
        self.unique([s.name for s in program.states], "state")
        self.need(bool(program.states), "no start state")
        self.need(sorted(program.emit_order) == sorted(self.headers), "emit order is no permutation of the headers")
        for header in program.headers:
            self.check_header(header)
        for stack in program.stacks:
            self.need(stack.size > 0, f"stack {stack.path} is empty")
            for i in range(stack.size):
                self.need(f"{stack.path}[{i}]" in self.headers, f"stack {stack.path} lacks element {i}")
        for variable in program.variables:
            self.need(variable.width_bits > 0, f"variable {variable.name} has no bits")
            self.need(0 <= variable.initial < 1 << variable.width_bits, f"variable {variable.name}: initial value")
        self.check_checksums()
        for state in program.states:
            self.where = f"after {self.after}, state {state.name}"
            self.check_state(state)

    def unique(self, names: list[str], kind: str) -> None:
        twice = sorted(name for name, n in Counter(names).items() if n > 1)
        self.need(not twice, f"{kind} declared twice: {', '.join(twice)}")

    def check_header(self, header: Header) -> None:
        offset = 0
        self.unique([f.name for f in header.fields], f"field of {header.path}")
        self.need(sum(f.varbit_max_bits > 0 for f in header.fields) <= 1, f"{header.path} has two varbits")
        for item in header.fields:
            self.need(item.offset_bits == offset, f"{header.path}.{item.name} is not at bit {offset}")
            self.need((item.width_bits > 0) != (item.varbit_max_bits > 0), f"{header.path}.{item.name}: width")
            offset += item.width_bits
        if header.stack:
            self.need(header.path == f"{header.stack}[{header.index}]", f"{header.path} is not in its stack")
            self.need(header.stack in self.stacks, f"{header.path}: no stack {header.stack}")

    def check_checksums(self) -> None:
        for checksum in self.program.checksums:
            self.check_field(checksum.header, checksum.field, 16)
            for part in checksum.covered:
                if part.field:
                    self.check_field(part.header, part.field, part.width_bits)

    def check_field(self, path: str, name: str, width: int) -> None:
        self.need(path in self.headers, f"no header {path}")
        found = [f for f in self.headers[path].fields if f.name == name]
        self.need(bool(found), f"no field {path}.{name}")
        self.need(found[0].varbit_max_bits > 0 or found[0].width_bits == width, f"{path}.{name} is not {width} bits")

    # ------------------------------------------------------------------------------------------ states
    def check_state(self, state: State) -> None:
        for statement in flat_statements(state.statements):
            for expr in statement_expressions(statement):
                self.check_tree(expr)
            if isinstance(statement, Extract):
                header = self.check_at(statement.header)
                self.need((header.varbit is not None) == (statement.varbit_bits is not None), "extract: varbit size")
            elif isinstance(statement, SetValid):
                self.check_at(statement.header)
            elif isinstance(statement, CopyHeader):
                self.need(
                    self.check_at(statement.target).type_name == self.check_at(statement.source).type_name,
                    "copy between headers of two types",
                )
            elif isinstance(statement, PushPop | SetNext):
                self.need(statement.stack in self.stacks, f"no stack {statement.stack}")
            elif isinstance(statement, Assign):
                self.need(statement.target.width == statement.value.width, f"assignment of two widths: {statement}")
            elif isinstance(statement, Verify | If):
                self.need(statement.condition.width == 1, "condition is not one bit")
        self.check_transition(state)

    def check_transition(self, state: State) -> None:
        names = {s.name for s in self.program.states} | {ACCEPT, REJECT}
        if isinstance(state.transition, Goto):
            self.need(state.transition.target in names, f"no state {state.transition.target}")
            return
        select: Select = state.transition
        for key in select.keys:
            self.check_tree(key)
        for case in select.cases:
            self.need(case.target in names, f"no state {case.target}")
            self.need(len(case.keysets) == len(select.keys), f"{len(case.keysets)} keysets, {len(select.keys)} keys")
            for i, (keyset, key) in enumerate(zip(case.keysets, select.keys, strict=True)):
                if isinstance(keyset, InValueSet):
                    self.check_value_set(keyset.name, case, select, i)
                bounds = (keyset.value, keyset.mask) if isinstance(keyset, Masked) else ()
                bounds = (keyset.low, keyset.high) if isinstance(keyset, Range) else bounds
                self.need(all(0 <= v < 1 << key.width for v in bounds), f"keyset {keyset} does not fit its key")

    def check_value_set(self, name: str, case: Case, select: Select, place: int) -> None:
        value_set = next((v for v in self.program.value_sets if v.name == name), None)
        self.need(value_set is not None, f"no value set {name}")
        assert value_set is not None
        end = place + len(value_set.key_widths)
        widths = tuple(key.width for key in select.keys[place:end])
        self.need(widths == value_set.key_widths, f"value set {name} on keys of {widths} bits")
        others = case.keysets[place + 1 : end]
        self.need(all(isinstance(k, Any) for k in others), f"value set {name} shares its keys with {others}")

    # ------------------------------------------------------------------------------------------ expressions
    def check_at(self, at: HeaderAt) -> Header:
        self.need(at.select in ("path", "next", "last", "index"), f"select {at.select!r}")
        self.need((at.index is not None) == (at.select == "index"), f"{at}: index")
        if at.select == "path":
            self.need(at.path in self.headers, f"no header {at.path}")
            return self.headers[at.path]
        self.need(at.path in self.stacks, f"no stack {at.path}")
        return self.headers[f"{at.path}[0]"]

    def check_tree(self, expr: Expr) -> None:
        for node in expressions(expr):
            self.check_node(node)

    def check_node(self, expr: Expr) -> None:
        self.need(expr.width > 0, f"no bits: {expr}")
        if isinstance(expr, Const):
            self.need(0 <= expr.value < 1 << expr.width, f"constant does not fit: {expr}")
        elif isinstance(expr, FieldRef):
            self.check_field(self.check_at(expr.header).path, expr.field, expr.width)
        elif isinstance(expr, IsValid):
            self.check_at(expr.header)
        elif isinstance(expr, VarbitEqual):
            for at in (expr.left, expr.right):
                self.need(at is None or self.check_at(at).varbit is not None, f"no varbit: {expr}")
        elif isinstance(expr, VarRef):
            self.need(expr.name in self.variables, f"no variable {expr.name}")
            self.need(self.variables[expr.name].width_bits == expr.width, f"{expr.name} is not {expr.width} bits")
        elif isinstance(expr, StackLastIndex):
            self.need(expr.stack in self.stacks, f"no stack {expr.stack}")
        elif isinstance(expr, Failure):
            self.need(0 < expr.error < len(self.program.errors), f"no error {expr.error}")
        else:
            self.check_operator(expr)

    def check_operator(self, expr: Expr) -> None:
        if isinstance(expr, Slice):
            self.need(0 <= expr.low <= expr.high < expr.operand.width, f"slice out of range: {expr}")
        elif isinstance(expr, Unary):
            self.need(expr.op in ("~", "-", "!") and expr.width == expr.operand.width, f"unary: {expr}")
            self.need(expr.op != "!" or expr.width == 1, f"! of {expr.width} bits")
        elif isinstance(expr, Resize):
            self.need(expr.width > 0, "resize to nothing")
        elif isinstance(expr, Mux):
            self.need(expr.condition.width == 1, "condition is not one bit")
            self.need(expr.then.width == expr.otherwise.width == expr.width, f"mux of two widths: {expr}")
        elif isinstance(expr, Binary):
            self.check_binary(expr)

    def check_binary(self, expr: Binary) -> None:
        self.need(expr.op in COMPARES + LOGIC + ARITHMETIC + SHIFTS, f"operator {expr.op!r}")
        if expr.op not in SHIFTS:
            self.need(expr.left.width == expr.right.width, f"operands of two widths: {expr}")
        if expr.op in LOGIC:
            self.need(expr.left.width == 1, f"logic on {expr.left.width} bits")
        width = 1 if expr.op in COMPARES + LOGIC else expr.left.width
        self.need(expr.width == width, f"result is not {width} bits: {expr}")
