"""Types of expressions, implicit casts, and the values of those known at compile time.

Stands on ``check_operators.py``; calls are in ``check_calls.py``.

Source: P4_16 specification 1.2.5, chapter 8 (expressions).
"""

from __future__ import annotations

from datapath.errors import Location
from datapath.p4 import ast, constants
from datapath.p4 import types as t
from datapath.p4.check_base import Symbol
from datapath.p4.check_operators import OperatorChecker
from datapath.p4.source import did_you_mean

VALUE_KINDS = ("var", "const", "param", "instance", "function", "action", "table", "value_set")
APPLY_MEMBERS = ("hit", "miss", "action_run")
STACK_MEMBERS = ("next", "last", "lastIndex", "size")


class ExpressionChecker(OperatorChecker):
    """Expressions but for calls."""

    def check(self, node: ast.Expr, want: t.Type | None = None) -> t.Type:
        """Return the type of an expression, after an implicit cast to ``want`` if that is given."""
        type_ = self.info.types.get(node)
        if type_ is None:
            type_ = self._infer(node, want)
            self.info.types[node] = type_
        return type_ if want is None else self.coerce(node, type_, want)

    def _infer(self, node: ast.Expr, want: t.Type | None) -> t.Type:
        if isinstance(node, ast.IntLiteral):
            return self._literal(node)
        if isinstance(node, ast.BoolLiteral | ast.StringLiteral):
            self.info.values[node] = node.value
            return t.BOOL if isinstance(node, ast.BoolLiteral) else t.STRING
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Member):
            return self._member(node)
        if isinstance(node, ast.BinaryExpr):
            return self.binary_type(node)
        if isinstance(node, ast.CallExpr):
            return self.call(node)
        if isinstance(node, ast.UnaryExpr):
            return self.unary_type(node)
        if isinstance(node, ast.CastExpr):
            return self.cast_type(node)
        if isinstance(node, ast.IndexExpr):
            return self.index_type(node)
        if isinstance(node, ast.SliceExpr | ast.PlusSliceExpr):
            return self.slice_type(node)
        if isinstance(node, ast.TernaryExpr):
            return self.ternary_type(node, want)
        if isinstance(node, ast.ListExpr):
            types = tuple(self.check(i) for i in node.items)
            self._tuple_value(node, node.items)
            return t.Tuple(types)
        if isinstance(node, ast.StructExpr):
            return self._struct(node)
        if isinstance(node, ast.TypeExpr):
            return t.Meta(self.resolve(node.type))
        if isinstance(node, ast.MaskExpr | ast.RangeExpr | ast.TupleKeyset):
            self.report.error(node.loc, "a mask or range can only stand in a select case")
            return t.UNKNOWN
        if isinstance(node, ast.This):
            if self.this == t.UNKNOWN:
                self.report.error(node.loc, "'this' stands only in the methods of an instance")
            return self.this
        return t.ANY  # InvalidExpr, Dots, DontCare: all depends on what is wanted

    def call(self, node: ast.CallExpr) -> t.Type:
        raise NotImplementedError

    def _tuple_value(self, node: ast.Expr, items: tuple[ast.Expr, ...]) -> None:
        values = self.info.values
        if all(i in values for i in items):
            values[node] = tuple(values[i] for i in items)

    # ------------------------------------------------------------------------------------------------ implicit casts
    def coerce(self, node: ast.Expr, have: t.Type, want: t.Type, what: str = "") -> t.Type:
        """Cast an expression implicitly, or report that it cannot be."""
        if have == want or t.UNKNOWN in (have, want) or want == t.ANY or _fits_any(have, want):
            return want
        if self._convert(node, have, want):
            self.info.types[node] = want
            return want
        hint = ""
        if isinstance(t.underlying(have), t.Bits) and isinstance(t.underlying(want), t.Bits):
            hint = f"cast it: ({want})"
        elif want == t.BOOL and have in (t.INT, t.Bits(1)):
            hint = "compare it: '== 1'" if have == t.INT else "compare it with 1w1, or cast it: (bool)"
        elif want == t.BOOL and isinstance(t.underlying(have), t.Bits):
            hint = "compare it: '!= 0'"
        self.report.error(node.loc, f"{what or 'this'} is of type '{have}', '{want}' is needed", hint=hint)
        return want

    def _convert(self, node: ast.Expr, have: t.Type, want: t.Type) -> bool:
        if isinstance(node, ast.TernaryExpr) and (have in (t.INT, t.ANY) or isinstance(have, t.Tuple | t.Record)):
            self.check(node.then, want)
            self.check(node.otherwise, want)
            self.choose_value(node)
            return True
        if want == t.INT and isinstance(have, t.Bits):
            return node in self.info.values or self.body.kind != "parser"
        if have == t.INT and isinstance(want, t.Bits | t.Newtype):
            bits = t.underlying(want)
            return isinstance(bits, t.Bits) and self._fit(node, bits)
        if isinstance(have, t.Enum) and have.base is not None and isinstance(want, t.Bits):
            return have.base == want
        if isinstance(node, ast.InvalidExpr):
            return t.is_header(want) or t.is_union(want)
        if isinstance(node, ast.Dots | ast.DontCare):
            return True
        if isinstance(node, ast.ListExpr):
            return self._convert_list(node, want)
        if isinstance(node, ast.StructExpr):
            return self._convert_record(node, want)
        if isinstance(have, t.Tuple) and isinstance(want, t.Tuple | t.Struct):
            return isinstance(want, t.Tuple) and have.items == want.items
        return isinstance(want, t.SetOf) and self._convert(node, have, want.element)

    def _fit(self, node: ast.Expr, want: t.Bits) -> bool:
        value = self.info.values.get(node)
        if not isinstance(value, int):
            if isinstance(node, ast.BinaryExpr) and node.op == "<<":
                self.report.error(node.loc, "the left side needs a width, since the shift is not known at compile time")
            return True
        if not constants.fits(value, want):
            wrapped = constants.wrap(value, want)
            self.report.warning("overflow", node.loc, f"{value} does not fit '{want}'; it becomes {wrapped}")
        self.info.values[node] = constants.wrap(value, want)
        return True

    def _convert_list(self, node: ast.ListExpr, want: t.Type) -> bool:
        if isinstance(want, t.List):
            targets: tuple[t.Type, ...] = (want.element,) * len(node.items)
        elif isinstance(want, t.Array):
            targets = (want.element,) * want.size
        elif isinstance(want, t.Tuple):
            targets = want.items
        elif isinstance(want, t.Struct) and want.kind != "header_union":
            targets = tuple(f.type for f in want.fields)
        else:
            return False
        items = node.items
        if items and isinstance(items[-1], ast.Dots):
            items, targets = items[:-1], targets[: len(items) - 1]
        if len(items) != len(targets):
            message = f"'{want}' takes {len(targets)} values, {len(items)} given"
            self.report.error(node.loc, message)
            return True
        for item, target in zip(items, targets, strict=True):
            self.check(item, target)
        self._tuple_value(node, node.items)
        return True

    def _convert_record(self, node: ast.StructExpr, want: t.Type) -> bool:
        if not isinstance(want, t.Struct):
            return False
        given = {f.name: f for f in node.fields}
        for item in node.fields:
            target = want.field(item.name)
            if target is None:
                hint = did_you_mean(item.name, [f.name for f in want.fields])
                self.report.error(item.loc, f"'{want}' has no field '{item.name}'", hint=hint)
            else:
                self.check(item.value, target.type)
        missing = [f.name for f in want.fields if f.name not in given]
        if missing and not node.dots:
            self.report.error(node.loc, f"no value for {', '.join(missing)}", hint="add '...' to leave them at zero")
        values = self.info.values
        if not missing and all(given[f.name].value in values for f in want.fields):
            values[node] = tuple(values[given[f.name].value] for f in want.fields)
        return True

    def _struct(self, node: ast.StructExpr) -> t.Type:
        seen: dict[str, Location] = {}
        for item in node.fields:
            if item.name in seen:
                self.report.error(
                    item.loc, f"field '{item.name}' is set twice", notes=[(seen[item.name], "first here")]
                )
            seen[item.name] = item.loc
        return t.Record(tuple((f.name, self.check(f.value)) for f in node.fields))

    # ------------------------------------------------------------------------------------------------ leaves
    def _literal(self, node: ast.IntLiteral) -> t.Type:
        if node.width > 65535:
            self.report.error(node.loc, "no number is wider than 65535 bits")
            return t.UNKNOWN
        type_ = t.Bits(node.width, node.signed) if node.width else t.INT
        self.info.values[node] = constants.wrap(node.value, type_)
        if not constants.fits(node.value, type_):
            self.report.warning("overflow", node.loc, f"{node.value} does not fit '{type_}'")
        return type_

    def _name(self, node: ast.Name) -> t.Type:
        symbol = self.find(node.name, node.absolute)
        if symbol is None:
            self.unknown_name(node.loc, node.name, "name", VALUE_KINDS)
            return t.UNKNOWN
        self.info.symbols[node] = symbol
        if symbol.value is not None:
            self.info.values[node] = symbol.value
        if symbol.kind == "type":
            return t.Meta(symbol.type)
        return symbol.type

    def _member(self, node: ast.Member) -> t.Type:
        base = self.check(node.base)
        if isinstance(base, t.Meta):
            return self._type_member(node, base.type)
        if isinstance(base, t.Struct):
            return self._field(node, base)
        if isinstance(base, t.Stack):
            return self._stack_member(node, base)
        if isinstance(base, t.Applied):
            return self._apply_result(node, base)
        if isinstance(base, t.Record):
            found = dict(base.fields).get(node.member)
            if found is not None:
                return found
        if base != t.UNKNOWN:
            self.report.error(node.loc, f"'{base}' has no member '{node.member}'")
        return t.UNKNOWN

    def _apply_result(self, node: ast.Member, base: t.Applied) -> t.Type:
        if node.member == "action_run":
            return t.ActionRun(base.table)
        if node.member not in ("hit", "miss"):
            hint = did_you_mean(node.member, APPLY_MEMBERS)
            self.report.error(node.loc, f"the result of apply() has no member '{node.member}'", hint=hint)
        return t.BOOL

    def _type_member(self, node: ast.Member, type_: t.Type) -> t.Type:
        members: list[str] = []
        if type_ == t.ERROR:
            members = self.info.errors
        elif isinstance(type_, t.Enum):
            members = list(type_.members)
        elif type_ == t.UNKNOWN:
            return t.UNKNOWN
        if node.member not in members:
            hint = did_you_mean(node.member, members)
            if type_ == t.ERROR and not hint:
                hint = f"declare it: error {{ {node.member} }}"
            self.report.error(node.loc, f"'{type_}' has no member '{node.member}'", hint=hint)
            return type_
        if isinstance(type_, t.Enum) and type_.base is not None:
            if node.member in type_.values:
                self.info.values[node] = type_.values[node.member]
        else:
            self.info.values[node] = t.EnumValue(type_, node.member)
        return type_

    def _field(self, node: ast.Member, base: t.Struct) -> t.Type:
        found = base.field(node.member)
        if found is None:
            hint = did_you_mean(node.member, [f.name for f in base.fields])
            if node.member in ("isValid", "setValid", "setInvalid"):
                hint = f"it is a method: {node.member}()"
            notes = [(base.node.loc, f"'{base.name}' is declared here")]
            self.report.error(node.loc, f"{base.kind} '{base}' has no field '{node.member}'", hint=hint, notes=notes)
            return t.UNKNOWN
        value = self.info.values.get(node.base)
        if isinstance(value, tuple) and len(value) == len(base.fields):
            self.info.values[node] = value[base.fields.index(found)]
        return found.type

    def _stack_member(self, node: ast.Member, base: t.Stack) -> t.Type:
        if self.body.is_skipped and node.member in ("next", "last", "lastIndex"):
            self.report.error(
                node.loc, f"'{node.member}' of a stack is known only in a parser", hint="write [0], [1], ..."
            )
        if node.member in ("next", "last"):
            return base.element
        if node.member in ("size", "lastIndex"):
            if node.member == "size":
                self.info.values[node] = base.size
            return t.Bits(32)
        hint = did_you_mean(node.member, STACK_MEMBERS)
        if isinstance(base.element, t.Struct) and base.element.field(node.member):
            hint = f"that is a field of each element: write [i].{node.member} or last.{node.member}"
        self.report.error(node.loc, f"a header stack has no member '{node.member}'", hint=hint)
        return t.UNKNOWN

    # ------------------------------------------------------------------------------------------------ lvalues
    def check_lvalue(self, node: ast.Expr, what: str) -> bool:
        """Report unless the expression can be written to."""
        place = node
        while isinstance(place, ast.Member | ast.IndexExpr | ast.SliceExpr | ast.PlusSliceExpr):
            if isinstance(place, ast.Member) and isinstance(self.info.types.get(place.base), t.Meta):
                break
            if isinstance(place, ast.Member) and place.member == "last" and self._is_stack(place.base):
                self.report.error(node.loc, f"{what} cannot be written: 'last' of a stack is only read")
                return False
            place = place.base
        symbol = self.info.symbols.get(place) if isinstance(place, ast.Name) else None
        if symbol is None:
            if self.info.types.get(node) != t.UNKNOWN:
                self.report.error(node.loc, f"{what} must be a variable or a field")
            return False
        if symbol.kind == "var" or (symbol.kind == "param" and symbol.direction in ("out", "inout")):
            self.info.written.append(symbol.node)
            return True
        why = {"param": f"parameter '{symbol.name}' is only read ('{symbol.direction or 'no direction'}')"}.get(
            symbol.kind, f"'{symbol.name}' is a {symbol.kind}"
        )
        self.report.error(node.loc, f"{what} cannot be written: {why}", notes=[(symbol.location, "declared here")])
        return False

    def _is_stack(self, node: ast.Expr) -> bool:
        return isinstance(self.info.types.get(node), t.Stack)

    def local_symbol(self, kind: str, name: str, type_: t.Type, node: ast.Node) -> None:
        self.declare(Symbol(name, kind, type_, node, node.loc))


def _fits_any(have: t.Type, want: t.Type) -> bool:
    """Do two specializations agree but for a ``_`` in what is wanted?"""
    if isinstance(want, t.Extern) and isinstance(have, t.Extern) and have.node is want.node:
        return all(w in (h, t.ANY, t.UNKNOWN) or h == t.UNKNOWN for h, w in zip(have.args, want.args, strict=True))
    return False
