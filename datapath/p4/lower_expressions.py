"""Expressions to IR.  Stands on ``lower_base.py``; calls are in ``lower_calls.py``.

Source: P4_16 specification 1.2.5, chapter 8 (expressions).
"""

from __future__ import annotations

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.ir.size import n_in_expression
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Symbol
from datapath.p4.lower_base import LowerBase, constant_of
from datapath.p4.places import (
    ChoicePlace,
    Compound,
    HeaderPlace,
    InstancePlace,
    PacketPlace,
    Place,
    ReadOnly,
    RValue,
    ScalarPlace,
    StackPlace,
    StructPlace,
    VarbitPlace,
    is_signed,
    n_choices,
    part_name,
    part_types,
    scalar_width,
)

MAX_CHOICES = 256  # elements of an array at a run-time index
COMPARES = ("==", "!=", "<", "<=", ">", ">=")


class LowerExpressions(LowerBase):
    """Expressions but for calls."""

    # ------------------------------------------------------------------------------------------------ scalars
    def scalar(self, node: ast.Expr) -> ir.Expr:
        """Lower an expression that has a number, bool, enum or error for its value."""
        value = self.rvalue(node)
        if isinstance(value, Compound | VarbitPlace):
            self.unsupported(node.loc, f"a value of type '{self.type_of(node)}' here")
        if not isinstance(value, ir.Expr):
            self.unsupported(node.loc, f"a value of type '{self.type_of(node)}' here")
        return value

    def number(self, node: ast.Expr) -> ir.Expr:
        """Lower an index or the amount of a shift, which may be of no bits."""
        return ir.Const(0, 1) if t.is_empty(self.type_of(node)) else self.scalar(node)

    def rvalue(self, node: ast.Expr) -> RValue:
        """Lower an expression of any type."""
        self.step(node.loc)
        type_ = self.type_of(node)
        if node in self.info.values and not isinstance(type_, t.Struct | t.Tuple | t.List | t.Array):
            return self.constant(self.info.values[node], type_, node.loc)
        if isinstance(node, ast.Name | ast.Member | ast.IndexExpr):
            return self.read(self.place(node), node.loc)
        if isinstance(node, ast.BinaryExpr):
            return self._binary(node)
        if isinstance(node, ast.CallExpr):
            return self.call(node)
        if isinstance(node, ast.UnaryExpr):
            operand = self.rvalue(node.operand)
            if node.op == "+" or not isinstance(operand, ir.Expr):
                return operand
            return ir.Unary(node.op, operand, operand.width, operand.signed)
        if isinstance(node, ast.CastExpr):
            return self._cast(node, type_)
        if isinstance(node, ast.SliceExpr | ast.PlusSliceExpr):
            high, low = self.slice_bounds(node)
            return ir.Slice(self.scalar(node.base), high, low)
        if isinstance(node, ast.TernaryExpr):
            return self._ternary(node)
        if isinstance(node, ast.ListExpr | ast.StructExpr):
            return self._aggregate(node, type_)
        if isinstance(node, ast.InvalidExpr | ast.Dots | ast.DontCare):
            return self.zero(type_, node.loc)
        self.unsupported(node.loc, "this expression in a parser")

    def call(self, node: ast.CallExpr) -> RValue:
        raise NotImplementedError

    def read(self, place: Place, location: Location) -> RValue:
        if isinstance(place, ChoicePlace):
            return self._read_choice(place, location)
        if isinstance(place, ScalarPlace):
            return place.ref
        if isinstance(place, ReadOnly):
            return place.value
        if isinstance(place, PacketPlace | InstancePlace):
            self.unsupported(location, "this can only be called")
        return place

    def slice_bounds(self, node: ast.SliceExpr | ast.PlusSliceExpr) -> tuple[int, int]:
        low = self.info.values.get(node.low)
        top = self.info.values.get(node.high if isinstance(node, ast.SliceExpr) else node.width)
        assert isinstance(low, int)
        assert isinstance(top, int)
        return (top if isinstance(node, ast.SliceExpr) else low + top - 1), low

    # ------------------------------------------------------------------------------------------------ places
    def place(self, node: ast.Expr) -> Place:
        """Return the place that a name, member, index or slice stands for."""
        if isinstance(node, ast.Name):
            return self._named(node)
        if isinstance(node, ast.Member):
            return self.member(self._base(node.base), node.member, node.loc)
        if isinstance(node, ast.IndexExpr):
            return self._element(node)
        if isinstance(node, ast.SliceExpr | ast.PlusSliceExpr):
            inner = self.place(node.base)
            if isinstance(inner, ScalarPlace):
                return ScalarPlace(self.slice_of(inner.ref, *self.slice_bounds(node)))
        self.unsupported(node.loc, "this expression as a place")

    def shared_instance(self, symbol: Symbol) -> Place:
        raise NotImplementedError

    def slice_of(self, ref: ir.VarRef | ir.FieldRef | ir.Slice, high: int, low: int) -> ir.Slice:
        """Return a slice of a reference; a slice of a slice becomes one."""
        if isinstance(ref, ir.Slice):
            return ir.Slice(ref.operand, ref.low + high, ref.low + low)
        return ir.Slice(ref, high, low)

    def _base(self, node: ast.Expr) -> Place:
        """A base is a place, or a value that is read at once (``packet.lookahead<T>().field``)."""
        if isinstance(node, ast.Name | ast.Member | ast.IndexExpr):
            return self.place(node)
        value = self.rvalue(node)
        return value if not isinstance(value, ir.Expr | Compound) else ReadOnly(value)

    def _named(self, node: ast.Name) -> Place:
        symbol = self.info.symbols.get(node)
        if symbol is None:
            self.unsupported(node.loc, f"'{node.name}' here")
        found = self.frame.env.get(symbol.node)
        if found is not None:
            return found
        if symbol.value is not None:
            return ReadOnly(self.constant(symbol.value, symbol.type, node.loc))
        if isinstance(symbol.node, ast.ConstDecl):
            return ReadOnly(self.rvalue(symbol.node.value))
        if isinstance(symbol.node, ast.Instantiation):
            return self.shared_instance(symbol)
        if symbol.kind == "const" and isinstance(symbol.node, ast.Param):
            hint = "give the parser to a package: Switch(MyParser(true)) main;"
            message = f"constructor parameter '{node.name}' has no value, since nothing instantiates the parser"
            self.unsupported(node.loc, message, hint, [(symbol.location, "declared here")])
        self.unsupported(node.loc, f"'{node.name}' in a parser")

    def member(self, base: Place, name: str, location: Location) -> Place:
        if isinstance(base, HeaderPlace):
            return self._header_member(base, name)
        if isinstance(base, StructPlace):
            return base.parts[name]
        if isinstance(base, ChoicePlace):
            self.step(location, len(base.choices))
            choices = tuple(self.member(choice, name, location) for choice in base.choices)
            return ChoicePlace(base.index, choices, base.is_checked, base.advance)
        if isinstance(base, StackPlace):
            return self._stack_member(base, name, location)
        if isinstance(base, ReadOnly) and isinstance(base.value, Compound):
            value = base.value.parts[name]
            return ReadOnly(value) if isinstance(value, ir.Expr | Compound) else value
        self.unsupported(location, f"member '{name}' here")

    def _header_member(self, base: HeaderPlace, name: str) -> Place:
        type_ = dict(part_types(base.type))[name]
        full = part_name(base.type, base.prefix, name)
        if isinstance(type_, t.Array):
            return HeaderPlace(base.at, type_, full)
        if isinstance(type_, t.Struct):
            return HeaderPlace(base.at, type_, full + ".")
        width = scalar_width(type_)
        if t.is_empty(type_):
            return StructPlace(type_, {})
        if width is None:
            return VarbitPlace(None if t.n_varbits(base.type) > 1 else base.at, full)
        return ScalarPlace(ir.FieldRef(base.at, full, width, is_signed(type_)))

    def _stack_member(self, base: StackPlace, name: str, location: Location) -> Place:
        if name == "size":
            return ReadOnly(ir.Const(base.type.size, 32))
        if base.next is not None:
            return self._counted_member(base, base.next, name, location)
        if name == "lastIndex":
            return ReadOnly(ir.StackLastIndex(base.path))
        assert isinstance(base.type.element, t.Struct)
        return HeaderPlace(ir.HeaderAt(base.path, name), base.type.element)

    def _counted_member(self, base: StackPlace, counter: ir.VarRef, name: str, location: Location) -> Place:
        """``next``, ``last`` or ``lastIndex`` of a stack whose elements are counted by a variable."""
        last = ir.Binary("-", counter, ir.Const(1, 32), 32)
        if name == "lastIndex":
            return ReadOnly(last)
        self._check_number(len(base.elements), location)
        if name == "last":
            return ChoicePlace(last, base.elements, is_checked=True)
        return ChoicePlace(counter, base.elements, is_checked=True, advance=counter)

    def _check_number(self, n_choices: int, location: Location) -> None:
        """Refuse to ask for each of too many elements whether it is the one that is meant."""
        if n_choices > MAX_CHOICES:
            self.unsupported(location, f"an element that is known at run time only, of more than {MAX_CHOICES}")

    def check_choice(self, place: ChoicePlace, location: Location) -> None:
        """Reject the packet where a stack has no such element."""
        if place.is_checked:
            bound = ir.Binary("<", place.index, ir.Const(len(place.choices), 32), 1)
            error = ir.CORE_ERRORS.index("StackOutOfBounds")
            self.emit(ir.Verify(bound, ir.Const(error, 32), location))

    def _chosen(self, place: ChoicePlace, values: list[ir.Expr], location: Location) -> ir.Expr:
        """Return that of ``values`` which the index names; zero if it is out of bounds."""
        first, width = values[0], place.index.width
        self.step(location, len(values) * n_in_expression(place.index))
        is_never_outside = place.is_checked or (len(values) >= 1 << width and not place.index.signed)
        n_named = n_choices(place.index, len(values))
        result = values[n_named - 1] if is_never_outside else ir.Const(0, first.width, first.signed)
        for i in reversed(range(n_named - is_never_outside)):
            here = ir.Binary("==", place.index, ir.Const(i, width, place.index.signed), 1)
            result = ir.Mux(here, values[i], result, first.width, first.signed)
        return result

    def _read_choice(self, place: ChoicePlace, location: Location) -> RValue:
        values = [self.read(choice, location) for choice in place.choices]
        if not all(isinstance(value, ir.Expr) for value in values):
            return place
        self.check_choice(place, location)
        return self._chosen(place, [value for value in values if isinstance(value, ir.Expr)], location)

    def _element(self, node: ast.IndexExpr) -> Place:
        base = self._base(node.base)
        index = self.number(node.index)
        value = constant_of(index)
        type_ = self.type_of(node.base)
        size = type_.size if isinstance(type_, t.Array) else len(part_types(type_))
        if value is not None:
            if value >= size:
                self.report.error(node.index.loc, f"index {value} is outside '{type_}'")
                value = 0
            return self.part_place(base, str(value), node.loc)
        if isinstance(base, StackPlace) and base.path:
            assert isinstance(base.type.element, t.Struct)
            return HeaderPlace(ir.HeaderAt(base.path, "index", index), base.type.element)
        self._check_number(size, node.loc)
        self.step(node.loc, size)
        return ChoicePlace(index, tuple(self.part_place(base, str(i), node.loc) for i in range(size)))

    def part_place(self, place: Place, name: str, location: Location) -> Place:
        """Return a part by its name in ``part_types``."""
        if isinstance(place, StackPlace):
            return place.elements[int(name)]
        if isinstance(place, ChoicePlace):
            self.step(location, len(place.choices))
            choices = tuple(self.part_place(choice, name, location) for choice in place.choices)
            return ChoicePlace(place.index, choices, place.is_checked, place.advance)
        return self.member(place, name, location)

    # ------------------------------------------------------------------------------------------------ operators
    def _binary(self, node: ast.BinaryExpr) -> RValue:
        if node.op in ("&&", "||"):
            return self._logic(node)
        left = self.rvalue(node.left)
        n_before = len(self.out)
        right = self.number(node.right) if node.op in ("<<", ">>") else self.rvalue(node.right)
        if len(self.out) > n_before and isinstance(left, ir.Expr):
            left = self.kept(left, n_before, node.left.loc)
        if not isinstance(left, ir.Expr) or not isinstance(right, ir.Expr):
            return self._binary_of_parts(node, left, right)
        if node.op == "++":
            parts = (left.parts if isinstance(left, ir.Concat) else (left,)) + (right,)
            return ir.Concat(parts, left.signed)
        width = 1 if node.op in COMPARES else left.width
        return ir.Binary(node.op, left, right, width, False if node.op in COMPARES else left.signed)

    def _binary_of_parts(self, node: ast.BinaryExpr, left: RValue, right: RValue) -> RValue:
        """Compare values of several parts, or operate on one of no bits, which changes nothing and equals itself."""
        if node.op in ("==", "<=", ">="):
            return self.equal(left, right, node.loc)
        if node.op in ("!=", "<", ">"):
            return ir.Unary("!", self.equal(left, right, node.loc), 1)
        if node.op == "++" and isinstance(right, ir.Expr):
            return self.resize(right, right.width, is_signed(self.type_of(node)))
        return left

    def kept(self, value: ir.Expr, n_before: int, location: Location) -> ir.Expr:
        """Keep ``value`` in a variable, assigned before the statements that were emitted since ``n_before``."""
        if isinstance(value, ir.Const):
            return value
        later = self.out[n_before:]
        del self.out[n_before:]
        ref = self.temporary(value, location)
        self.out.extend(later)
        return ref

    def _logic(self, node: ast.BinaryExpr) -> ir.Expr:
        left = self.scalar(node.left)
        outer, self.out = self.out, []
        right = self.scalar(node.right)
        inner, self.out = self.out, outer
        if not inner:
            return ir.Binary(node.op, left, right, 1)
        result = self.temporary(left, node.loc)
        inner.append(ir.Assign(result, right, node.loc))
        taken, skipped = (tuple(inner), ()) if node.op == "&&" else ((), tuple(inner))
        self.emit(ir.If(result, taken, skipped, node.loc))
        return result

    def _ternary(self, node: ast.TernaryExpr) -> RValue:
        condition = self.scalar(node.condition)
        known = constant_of(condition)
        if known is not None:
            return self.rvalue(node.then if known else node.otherwise)
        outer = self.out
        then_out: list[ir.Statement] = []
        self.out = then_out
        then = self.rvalue(node.then)
        otherwise_out: list[ir.Statement] = []
        self.out = otherwise_out
        otherwise = self.rvalue(node.otherwise)
        self.out = outer
        if isinstance(then, ir.Expr) and isinstance(otherwise, ir.Expr) and not then_out and not otherwise_out:
            return ir.Mux(condition, then, otherwise, then.width, then.signed)
        result = self.local_place(self.type_of(node), "tmp", node.loc)
        self.out = then_out
        self.store(result, then, node.loc)
        self.out = otherwise_out
        self.store(result, otherwise, node.loc)
        self.out = outer
        self.emit(ir.If(condition, tuple(then_out), tuple(otherwise_out), node.loc))
        return self.read(result, node.loc)

    def store(self, place: Place, value: RValue, location: Location) -> None:
        raise NotImplementedError

    def _cast(self, node: ast.CastExpr, type_: t.Type) -> RValue:
        value = self.rvalue(node.operand)
        width = scalar_width(type_)
        if not isinstance(value, ir.Expr):
            if width is not None:  # of no bits
                return ir.Const(0, width, is_signed(type_))
            return Compound(type_, value.parts, value.valid) if isinstance(value, Compound) else value
        if t.is_empty(type_):
            if not isinstance(value, ir.Const | ir.VarRef):
                self.emit(ir.Evaluate(value, node.loc))
            return Compound(type_, {})
        if width is None:
            return value
        return self.resize(value, width, is_signed(type_))

    def resize(self, value: ir.Expr, width: int, signed: bool) -> ir.Expr:
        if (value.width, value.signed) == (width, signed):
            return value
        if isinstance(value, ir.Const):
            known = constant_of(ir.Resize(value, width))
            assert known is not None
            return ir.Const(known, width, signed)
        return ir.Resize(value, width, signed)

    def _aggregate(self, node: ast.ListExpr | ast.StructExpr, type_: t.Type) -> RValue:
        """A list or struct expression; its type was settled by what it is assigned to."""
        items: dict[str, ast.Expr]
        if isinstance(node, ast.StructExpr):
            items = {f.name: f.value for f in node.fields}
        else:
            names = [n for n, _ in part_types(type_)] or [str(i) for i in range(len(node.items))]
            items = dict(zip(names, node.items, strict=False))
        parts: dict[str, RValue] = {}
        for name, part in part_types(type_) or [(n, self.type_of(v)) for n, v in items.items()]:
            item = items.get(name)
            parts[name] = self.zero(part, node.loc) if item is None or isinstance(item, ast.Dots) else self.rvalue(item)
        return Compound(type_, parts, ir.Const(1, 1) if t.is_header(type_) else None)

    # ------------------------------------------------------------------------------------------------ compounds
    def part(self, value: RValue, name: str, location: Location) -> RValue:
        if isinstance(value, Compound):
            return value.parts[name]
        assert not isinstance(value, ir.Expr)
        return self.read(self.part_place(value, name, location), location)

    def validity(self, value: RValue) -> ir.Expr:
        """Return whether a header value is valid."""
        if isinstance(value, ChoicePlace):
            return self._chosen(value, [self.validity(choice) for choice in value.choices], self.frame.node.loc)
        if isinstance(value, HeaderPlace):
            return ir.IsValid(value.at)
        if isinstance(value, StructPlace):
            if value.valid is not None:
                return value.valid.ref
            members = [self.validity(p) for p in value.parts.values()]  # of a union: any of them
            result: ir.Expr = ir.Const(0, 1)
            for i, member in enumerate(members):
                result = ir.Binary("||", result, member, 1) if i else member
            return result
        assert isinstance(value, Compound)
        return value.valid or ir.Const(1, 1)

    def equal(self, left: RValue, right: RValue, location: Location) -> ir.Expr:
        """Compare two values of one type, part by part."""
        if isinstance(left, ir.Expr) and isinstance(right, ir.Expr):
            return ir.Binary("==", left, right, 1)
        if isinstance(left, VarbitPlace) or isinstance(right, VarbitPlace):
            return _varbits_equal(left, right)
        type_ = _type_of_value(left) or _type_of_value(right)
        assert type_ is not None
        result: ir.Expr = ir.Const(1, 1)
        for i, (name, _) in enumerate(part_types(type_)):
            one = self.equal(self.part(left, name, location), self.part(right, name, location), location)
            result = ir.Binary("&&", result, one, 1) if i else one
        if not t.is_header(type_):
            return result
        both = ir.Binary("&&", self.validity(left), result, 1)
        same = ir.Binary("==", self.validity(left), self.validity(right), 1)
        neither = ir.Unary("!", self.validity(left), 1)
        return ir.Binary("&&", same, ir.Binary("||", neither, both, 1), 1)

    def flatten(self, value: RValue, location: Location) -> list[ir.Expr]:
        """Return the scalars of a value, in order."""
        if isinstance(value, ir.Expr):
            return [value]
        type_ = _type_of_value(value)
        if type_ is None or (
            isinstance(value, HeaderPlace) and any(isinstance(p, t.Varbit) for _, p in part_types(type_))
        ):
            self.unsupported(location, "a varbit field here")
        return [e for name, _ in part_types(type_) for e in self.flatten(self.part(value, name, location), location)]


def _varbits_equal(left: RValue, right: RValue) -> ir.Expr:
    at, other = (value.header if isinstance(value, VarbitPlace) else None for value in (left, right))
    if at is None:
        return ir.VarbitEqual(other) if other is not None else ir.Const(1, 1)
    return ir.VarbitEqual(at, other)


def _type_of_value(value: RValue) -> t.Type | None:
    if isinstance(value, ChoicePlace):
        return _type_of_value(value.choices[0])
    return value.type if isinstance(value, Compound | HeaderPlace | StructPlace | StackPlace) else None
