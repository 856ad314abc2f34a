"""Statements and assignments to IR.  Stands on ``lower_expressions.py``.

Source: P4_16 specification 1.2.5, chapter 12 (statements).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.ir.size import n_in_expression
from datapath.ir.walk import expressions
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.jumps import Leave
from datapath.p4.lower_base import LoweringFailure, constant_of
from datapath.p4.lower_expressions import LowerExpressions
from datapath.p4.places import (
    ChoicePlace,
    Compound,
    HeaderPlace,
    Place,
    ReadOnly,
    RValue,
    ScalarPlace,
    StackPlace,
    StructPlace,
    VarbitPlace,
    has_no_bits,
    n_choices,
    part_types,
    roots,
)


class LowerStatements(LowerExpressions):
    """Statements."""

    unused_call: ast.CallExpr | None = None  # a call that is a statement: nothing reads its result

    def statements(self, nodes: Sequence[ast.Statement]) -> bool:
        """Lower statements in order; return whether a ``return`` was surely reached.

        What follows an ``if`` with a ``return`` in it is lowered into both of its branches: a branch that returns ends
        there, so nothing is copied unless a branch returns only sometimes.
        """
        for i, node in enumerate(nodes):
            self.step(node.loc)
            rest = nodes[i + 1 :]
            if isinstance(node, ast.ReturnStmt):
                self._return(node)
                return True
            if isinstance(node, ast.JumpStmt):
                self.jump(node)
                return False
            if isinstance(node, ast.BlockStmt):
                if has_return(node):
                    return self.statements([*node.statements, *rest])
                self.statements(node.statements)
            elif isinstance(node, ast.IfStmt) and has_return(node) and self.frame.leave is None:
                return self._if(node, rest)
            elif isinstance(node, ast.SwitchStmt):
                return self.statements([*_switch_as_ifs(node), *rest])
            else:
                self.statement(node)
        return False

    def statement(self, node: ast.Statement) -> None:
        """Lower one statement; a fault in it is reported and the next one is lowered."""
        outer = self.out
        try:
            self._statement(node)
        except LoweringFailure:
            if self.report.n_errors == 0:
                raise
            self.out = outer

    def _statement(self, node: ast.Statement) -> None:
        if isinstance(node, ast.AssignStmt):
            self._assign(node)
        elif isinstance(node, ast.CallStmt):
            self.unused_call = node.call
            value = self.call(node.call)
            if isinstance(value, ir.Expr) and not isinstance(value, ir.Const | ir.VarRef):
                self.emit(ir.Evaluate(value, node.loc))
        elif isinstance(node, ast.IfStmt):
            self._if(node, ())
        elif isinstance(node, ast.VarDecl):
            self.declare_variable(node)
        elif isinstance(node, ast.ConstDecl):
            self.frame.env[node] = self.constant_place(node)
        elif isinstance(node, ast.Instantiation):
            self.frame.env[node] = self.instantiate(node)
        elif isinstance(node, ast.ForInStmt):
            self.for_in_loop(node)
        elif isinstance(node, ast.ForStmt):
            self.for_loop(node)
        else:
            assert isinstance(node, ast.EmptyStmt), node

    def instantiate(self, node: ast.Instantiation) -> Place:
        raise NotImplementedError

    def for_loop(self, node: ast.ForStmt) -> None:
        raise NotImplementedError

    def for_in_loop(self, node: ast.ForInStmt) -> None:
        raise NotImplementedError

    def jump(self, node: ast.JumpStmt) -> None:
        raise NotImplementedError

    def constant_place(self, node: ast.ConstDecl) -> Place:
        value = self.rvalue(node.value)
        return ReadOnly(value) if isinstance(value, ir.Expr | Compound) else value

    def declare_variable(self, node: ast.VarDecl) -> None:
        type_ = self.type_of(node.type)
        place = self.frame.env.get(node)
        if place is None:  # also if its first value cannot be lowered: one message is enough
            place = self.local_place(type_, self.frame.prefix + node.name, node.loc, declared=node.loc)
            self.frame.env[node] = place
        value = self.rvalue(node.value) if node.value is not None else None
        if value is not None:
            self.store(place, value, node.loc)
        elif isinstance(place, StructPlace | StackPlace):
            self.invalidate(place, node.loc)

    def _return(self, node: ast.ReturnStmt) -> None:
        if node.value is not None and self.frame.result is not None:
            self.store(self.frame.result, self.rvalue(node.value), node.loc)
        if self.frame.leave is not None:
            self.emit_step(Leave(self.frame.leave))

    def _if(self, node: ast.IfStmt, rest: Sequence[ast.Statement]) -> bool:
        condition = self.scalar(node.condition)
        known = constant_of(condition)
        if known is not None:
            chosen = node.then if known else node.otherwise
            return self.statements([*([chosen] if chosen is not None else []), *rest])
        outer = self.out
        then: list[ir.Statement] = []
        self.out = then
        then_returns = self.statements([node.then, *rest])
        otherwise: list[ir.Statement] = []
        self.out = otherwise
        otherwise_returns = self.statements([*([node.otherwise] if node.otherwise is not None else []), *rest])
        self.out = outer
        if then or otherwise:
            self.emit(ir.If(condition, tuple(then), tuple(otherwise), node.loc))
        else:
            self.emit(ir.Evaluate(condition, node.loc))
        return then_returns and otherwise_returns

    # ------------------------------------------------------------------------------------------------ assignment
    def _assign(self, node: ast.AssignStmt) -> None:
        place = self.place(node.target)
        n_before = len(self.out)
        value = self.rvalue(node.value)
        if len(self.out) > n_before:
            place = self.with_indexes_kept(place, n_before, node.loc)
        if node.op != "=":
            if t.is_empty(self.type_of(node.target)):
                return
            old = self.read(place, node.loc)
            if not isinstance(old, ir.Expr) or not isinstance(value, ir.Expr):
                self.unsupported(node.loc, f"'{node.op}=' on this")
            value = ir.Binary(node.op, old, value, old.width, old.signed)
        self.store(place, value, node.loc)

    def with_indexes_kept(self, place: Place, n_before: int, location: Location) -> Place:
        """Keep the indexes in a place, which come first (P4_16 8.1), from what was emitted since ``n_before``."""
        if isinstance(place, ChoicePlace):
            choices = tuple(self.with_indexes_kept(choice, n_before, location) for choice in place.choices)
            return replace(place, index=self.kept(place.index, n_before, location), choices=choices)
        if isinstance(place, HeaderPlace) and place.at.index is not None:
            index = self.kept(place.at.index, n_before, location)
            return replace(place, at=replace(place.at, index=index))
        if isinstance(place, ScalarPlace):
            ref = self._with_index_kept(place.ref, n_before, location)
            assert isinstance(ref, ir.VarRef | ir.FieldRef | ir.Slice)
            return ScalarPlace(ref)
        return place

    def _with_index_kept(self, ref: ir.Expr, n_before: int, location: Location) -> ir.Expr:
        if isinstance(ref, ir.Slice):
            return replace(ref, operand=self._with_index_kept(ref.operand, n_before, location))
        if isinstance(ref, ir.FieldRef) and ref.header.index is not None:
            index = self.kept(ref.header.index, n_before, location)
            return replace(ref, header=replace(ref.header, index=index))
        return ref

    def store(self, place: Place, value: RValue, location: Location) -> None:
        """Assign a value to a place, part by part where it has parts."""
        if isinstance(place, ScalarPlace):
            assert isinstance(value, ir.Expr), value
            if value != place.ref:
                self.emit(ir.Assign(place.ref, self.resize(value, place.ref.width, place.ref.signed), location))
        elif isinstance(place, HeaderPlace | StructPlace | StackPlace):
            if isinstance(value, Compound):
                value = self._unaliased(place, value, location)
            self._store_parts(place, value, location)
        elif isinstance(place, ChoicePlace):
            self.check_choice(place, location)
            self.choose(place, location, lambda choice: self.store(choice, value, location))
        elif isinstance(place, VarbitPlace) and place.header is None and has_no_bits(value):
            pass
        elif isinstance(place, VarbitPlace):
            self.unsupported(location, "assigning a varbit field", "assign the whole header")
        else:
            self.unsupported(location, "writing to what the architecture provides")

    def choose(self, place: ChoicePlace, location: Location, act: Callable[[Place], None]) -> None:
        """Emit what ``act`` does with the choice that the index names."""
        n_named = n_choices(place.index, len(place.choices))
        self.step(location, n_named * n_in_expression(place.index))
        outer = self.out
        rest: tuple[ir.Statement, ...] = ()
        for i in reversed(range(n_named)):
            inner: list[ir.Statement] = []
            self.out = inner
            act(place.choices[i])
            here = ir.Binary("==", place.index, ir.Const(i, place.index.width, place.index.signed), 1)
            rest = (ir.If(here, tuple(inner), rest, location),)
        self.out = outer
        self.out.extend(rest)

    def _unaliased(self, place: Place, value: Compound, location: Location) -> Compound:
        """Read everything first if the value is made of what is about to be written."""
        written = roots(place)
        parts: dict[str, RValue] = {}
        for name, part in value.parts.items():
            if isinstance(part, ir.Expr) and not isinstance(part, ir.Const) and _reads(part) & written:
                parts[name] = self.temporary(part, location)
            elif isinstance(part, Compound):
                parts[name] = self._unaliased(place, part, location)
            elif not isinstance(part, ir.Expr) and roots(part) & written:
                copy = self.local_place(_type_of(part), "tmp", location)
                self.store(copy, part, location)
                parts[name] = copy
            else:
                parts[name] = part
        return Compound(value.type, parts, value.valid)

    def _store_parts(self, place: HeaderPlace | StructPlace | StackPlace, value: RValue, location: Location) -> None:
        assert not isinstance(value, ir.Expr)
        if isinstance(place, HeaderPlace) and isinstance(value, HeaderPlace) and not place.prefix:
            if place.at != value.at:
                self.emit(ir.CopyHeader(place.at, value.at, location))
            return
        type_ = place.type
        if t.is_union(type_):
            self._store_union(place, value, location)
            return
        if not t.is_header(type_) or (isinstance(place, HeaderPlace) and place.prefix):
            for name, _ in part_types(type_):
                self.store(self.part_place(place, name, location), self.part(value, name, location), location)
            if isinstance(place, StackPlace) and isinstance(value, StackPlace) and place != value:
                self.set_next(place, self.next_index(value), location)
            return
        valid = self.validity(value)
        known = constant_of(valid)
        outer = self.out
        inner: list[ir.Statement] = []
        self.out = inner
        if t.n_varbits(type_):
            self.set_valid(place, False, location)  # for what was in the varbit
        self.set_valid(place, True, location)
        for name, part_type in part_types(type_):
            part = self.part(value, name, location)
            if not (isinstance(part_type, t.Varbit) and has_no_bits(part)):
                self.store(self.part_place(place, name, location), part, location)
        clear: list[ir.Statement] = []
        self.out = clear
        self.set_valid(place, False, location)
        self.out = outer
        if known is None:
            self.emit(ir.If(valid, tuple(inner), tuple(clear), location))
        else:
            self.out.extend(inner if known else clear)

    def _store_union(self, place: Place, value: RValue, location: Location) -> None:
        """Assign a union: none of its members is valid, or the one that is in the value (P4_16 8.19)."""
        if place == value:
            return
        assert not isinstance(value, ir.Expr)
        self.invalidate(place, location)
        for name, _ in part_types(_type_of(place)):
            part = self.part(value, name, location)
            outer, inner = self.out, list[ir.Statement]()
            self.out = inner
            self.store(self.part_place(place, name, location), part, location)
            self.out = outer
            assert not isinstance(part, ir.Expr)
            self.emit(ir.If(self.validity(part), tuple(inner), (), location))

    def next_index(self, place: StackPlace) -> ir.Expr:
        """Return a stack's nextIndex."""
        return place.next if place.next is not None else ir.StackLastIndex(place.path, next=True)

    def set_next(self, place: StackPlace, value: ir.Expr, location: Location) -> None:
        if place.next is not None:
            self.emit(ir.Assign(place.next, value, location))
        else:
            self.emit(ir.SetNext(place.path, value, location))

    # ------------------------------------------------------------------------------------------------ validity
    def set_valid(self, place: Place, valid: bool, location: Location) -> None:
        if isinstance(place, HeaderPlace):
            self.emit(ir.SetValid(place.at, valid, location))
        elif isinstance(place, ChoicePlace):
            self.choose(place, location, lambda choice: self.set_valid(choice, valid, location))
        elif isinstance(place, StructPlace) and place.valid is not None:
            self.emit(ir.Assign(place.valid.ref, ir.Const(int(valid), 1), location))
            for other in place.others:
                self.emit(ir.Assign(other.ref, ir.Const(0, 1), location))
        else:
            self.unsupported(location, "this as a header")

    def invalidate(self, place: Place, location: Location) -> None:
        """Make all headers in a place invalid, as an ``out`` parameter or a new variable starts."""
        if isinstance(place, HeaderPlace) or (isinstance(place, StructPlace) and place.valid is not None):
            self.set_valid(place, False, location)
        elif isinstance(place, StackPlace):
            for element in place.elements:
                self.invalidate(element, location)
            self.set_next(place, ir.Const(0, 32), location)
        elif isinstance(place, StructPlace):
            for part in place.parts.values():
                self.invalidate(part, location)


def _type_of(place: Place) -> t.Type:
    if isinstance(place, ChoicePlace):
        return _type_of(place.choices[0])
    assert isinstance(place, HeaderPlace | StructPlace | StackPlace)
    return place.type


def _reads(expr: ir.Expr) -> set[str]:
    found: set[str] = set()
    for node in expressions(expr):
        if isinstance(node, ir.VarRef):
            found.add("variable " + node.name)
        elif isinstance(node, ir.FieldRef | ir.IsValid):
            found.add("header " + node.header.path.split("[")[0])
        elif isinstance(node, ir.VarbitEqual):
            found.update("header " + at.path.split("[")[0] for at in (node.left, node.right) if at is not None)
    return found


def has_return(node: ast.Statement) -> bool:
    return any(isinstance(s, ast.ReturnStmt) for s in ast.walk_statements(node))


def _switch_as_ifs(node: ast.SwitchStmt) -> tuple[ast.Statement, ...]:
    """Rewrite a switch as a chain of ifs, the default last; labels without a block share the next one's."""
    arms: list[tuple[list[ast.Expr], ast.BlockStmt]] = []
    labels: list[ast.Expr] = []
    for case in node.cases:
        labels.append(case.label)
        if case.body is not None:
            arms.append((labels, case.body))
            labels = []
    chain: ast.Statement | None = None
    for labels, body in reversed(arms):
        if any(isinstance(label, ast.DontCare) for label in labels):
            chain = body
    for labels, body in reversed(arms):
        if any(isinstance(label, ast.DontCare) for label in labels):
            continue
        condition: ast.Expr | None = None
        for label in labels:
            one = ast.BinaryExpr(label.loc, "==", node.value, label)
            condition = one if condition is None else ast.BinaryExpr(label.loc, "||", condition, one)
        assert condition is not None
        chain = ast.IfStmt(node.loc, condition, body, chain)
    return (chain,) if chain is not None else ()
