"""Types of operators: unary, binary, ``?:``, index, slice, cast; and folding of constants.

Stands on ``check_base.py``; ``check_expressions.py`` stands on this.

Source: P4_16 specification 1.2.5, sections 8.5 to 8.11.
"""

from __future__ import annotations

from datapath.p4 import ast, constants
from datapath.p4 import types as t
from datapath.p4.check_base import CheckBase

LITERALS = (ast.ListExpr, ast.StructExpr, ast.InvalidExpr)  # whose type depends on what is wanted
ORDER = ("<", "<=", ">", ">=")
INCOMPARABLE = (t.Extern, t.Block, t.Table, t.Applied, t.ActionRun, t.Function, t.TypeVar)
MAX_FOLDED_BITS = 1 << 20  # an int constant larger than this is no program's business


class OperatorChecker(CheckBase):
    """Operators."""

    def coerce(self, node: ast.Expr, have: t.Type, want: t.Type, what: str = "") -> t.Type:
        raise NotImplementedError

    def unary_type(self, node: ast.UnaryExpr) -> t.Type:
        type_ = self.check(node.operand)
        if type_ == t.UNKNOWN:
            return type_
        plain = t.underlying(type_) if isinstance(type_, t.Enum) else type_
        allowed = (
            plain == t.BOOL if node.op == "!" else isinstance(plain, t.Bits) or (plain == t.INT and node.op != "~")
        )
        if not allowed:
            hint = "use '!' for bool" if plain == t.BOOL else "give the number a width" if node.op == "~" else ""
            self.report.error(node.loc, f"'{node.op}' is not defined for '{type_}'", hint=hint)
            return t.UNKNOWN
        if node.operand in self.info.values:
            self.info.values[node] = constants.unary(node.op, self.info.values[node.operand], plain)
        return plain

    def binary_type(self, node: ast.BinaryExpr) -> t.Type:
        left, right = self.check(node.left), self.check(node.right)
        if t.UNKNOWN in (left, right):
            compares = node.op in ("==", "!=", "&&", "||", *ORDER)
            return t.BOOL if compares else t.UNKNOWN
        if node.op in ("/", "%") and any(_is_negative(self.info.values.get(s)) for s in (node.left, node.right)):
            self.report.error(node.loc, f"'{node.op}' is not defined for negative numbers")
            return t.UNKNOWN
        if node.op in ("&&", "||"):
            self.coerce(node.left, left, t.BOOL, f"the left side of '{node.op}'")
            self.coerce(node.right, right, t.BOOL, f"the right side of '{node.op}'")
            result: t.Type = t.BOOL
        elif node.op in ("<<", ">>"):
            result = self._shift(node, left, right)
        elif node.op == "++":
            result = self._concatenation(node, left, right)
        else:
            result = self._same_types(node, left, right)
        if result != t.UNKNOWN:
            self._fold(node)
        return result

    def _fold(self, node: ast.BinaryExpr) -> None:
        values, types = self.info.values, self.info.types
        left, right = values.get(node.left), values.get(node.right)
        if left is None or right is None:
            if node.op in ("/", "%") and right is not None and right == 0:
                self.report.error(node.right.loc, "division by zero")
            return
        left_type, right_type = t.underlying(types[node.left]), t.underlying(types[node.right])
        if isinstance(left_type, t.Enum) and isinstance(left, int):
            left_type = left_type.base or left_type
        try:
            value = constants.binary(node.op, left, right, left_type, right_type)
        except constants.ConstantError as error:
            self.report.error(node.loc, str(error))
            return
        if isinstance(value, int) and value.bit_length() > MAX_FOLDED_BITS:
            self.report.error(node.loc, "this constant has more than a million bits")
            return
        values[node] = value

    def is_shift_amount(self, node: ast.Expr, type_: t.Type) -> bool:
        """Is this a bit<W>, or a number known at compile time (that it is not negative is seen when it is folded)?"""
        type_ = _as_bits(type_)
        return type_ == t.INT or (isinstance(type_, t.Bits) and (not type_.signed or node in self.info.values))

    def _shift(self, node: ast.BinaryExpr, left: t.Type, right: t.Type) -> t.Type:
        left, right = _as_bits(left), _as_bits(right)
        if not self.is_shift_amount(node.right, right):
            self.report.error(node.right.loc, f"a shift takes a bit<W> or a constant, not '{right}'")
            return t.UNKNOWN
        if not isinstance(left, t.Bits) and left != t.INT:
            self.report.error(node.loc, f"'{node.op}' is not defined for '{left}'")
            return t.UNKNOWN
        amount = self.info.values.get(node.right)
        if isinstance(amount, int) and amount < 0:
            self.report.error(node.right.loc, "a shift by a negative amount")
            return t.UNKNOWN
        if left == t.INT and node.right not in self.info.values:
            self.report.error(node.left.loc, "the left side needs a width, since the shift is not a constant")
            return t.UNKNOWN
        return left

    def _concatenation(self, node: ast.BinaryExpr, left: t.Type, right: t.Type) -> t.Type:
        if left == right == t.STRING:
            return t.STRING
        left, right = _as_bits(left), _as_bits(right)
        for side, type_ in ((node.left, left), (node.right, right)):
            if not isinstance(type_, t.Bits):
                hint = "give the number a width, as in 8w1" if type_ == t.INT else ""
                self.report.error(side.loc, f"'++' takes bits, not '{type_}'", hint=hint)
                return t.UNKNOWN
        assert isinstance(left, t.Bits)
        assert isinstance(right, t.Bits)
        return t.Bits(left.width + right.width, left.signed)

    def _same_types(self, node: ast.BinaryExpr, left: t.Type, right: t.Type) -> t.Type:
        compares = node.op in ("==", "!=")
        if not compares or left != right:
            left, right = self._meet(node, left, right)
        if left != right:
            hint = ""
            if isinstance(left, t.Bits) and isinstance(right, t.Bits):
                hint = f"cast one side, e.g. to ({left if left.width >= right.width else right})"
            self.report.error(
                node.loc, f"the sides of '{node.op}' are of types '{left}' and '{right}', they must agree", hint=hint
            )
            return t.BOOL if compares or node.op in ORDER else t.UNKNOWN
        if compares:
            if isinstance(left, INCOMPARABLE) or left == t.VOID:
                what = "a type variable" if isinstance(left, t.TypeVar) else f"type '{left}'"
                self.report.error(node.loc, f"values of {what} cannot be compared")
            return t.BOOL
        if not isinstance(left, t.Bits) and left != t.INT:
            self.report.error(node.loc, f"'{node.op}' is not defined for '{left}'")
            return t.BOOL if node.op in ORDER else t.UNKNOWN
        if isinstance(left, t.Bits) and left.signed and node.op in ("/", "%"):
            self.report.error(node.loc, f"'{node.op}' is not defined for signed numbers")
            return t.UNKNOWN
        if left == t.INT and node.op in ("|+|", "|-|"):
            self.report.error(node.loc, f"'{node.op}' needs numbers of a width")
            return t.UNKNOWN
        return t.BOOL if node.op in ORDER else left

    def _meet(self, node: ast.BinaryExpr, left: t.Type, right: t.Type) -> tuple[t.Type, t.Type]:
        """Cast one side implicitly to the other's type where that is allowed."""
        left_bits, right_bits = _as_bits(left), _as_bits(right)
        if left_bits == t.INT and isinstance(right_bits, t.Bits):
            return self.coerce(node.left, left, right_bits), right_bits
        if right_bits == t.INT and isinstance(left_bits, t.Bits):
            return left_bits, self.coerce(node.right, right, left_bits)
        if isinstance(left_bits, t.Bits) and isinstance(right_bits, t.Bits):
            return left_bits, right_bits
        if isinstance(node.right, LITERALS):
            return left, self.coerce(node.right, right, left)
        if isinstance(node.left, LITERALS):
            return self.coerce(node.left, left, right), right
        return left, right

    def ternary_type(self, node: ast.TernaryExpr, want: t.Type | None) -> t.Type:
        self.check(node.condition, t.BOOL)
        if want is not None and any(isinstance(b, LITERALS) for b in (node.then, node.otherwise)):
            self.check(node.then, want)
            self.check(node.otherwise, want)
            self.choose_value(node)
            return want
        then, otherwise = self.check(node.then), self.check(node.otherwise)
        if want is not None and then == otherwise == t.INT and isinstance(want, t.Bits):
            then, otherwise = self.check(node.then, want), self.check(node.otherwise, want)
        elif then == t.INT and isinstance(otherwise, t.Bits):
            then = self.coerce(node.then, then, otherwise)
        elif (otherwise == t.INT and isinstance(then, t.Bits)) or isinstance(node.otherwise, LITERALS):
            otherwise = self.coerce(node.otherwise, otherwise, then)
        if then != otherwise and t.UNKNOWN not in (then, otherwise):
            self.report.error(node.loc, f"the branches of '?:' are of types '{then}' and '{otherwise}'")
            return t.UNKNOWN
        self.choose_value(node)
        return then

    def choose_value(self, node: ast.TernaryExpr) -> None:
        """Fold ``?:`` if the condition and the branch that it takes are known."""
        values = self.info.values
        values.pop(node, None)
        condition = values.get(node.condition)
        chosen = node.then if condition else node.otherwise
        if condition is not None and chosen in values:
            values[node] = values[chosen]

    def index_type(self, node: ast.IndexExpr) -> t.Type:
        base = self.check(node.base)
        index_type = self.check(node.index)
        index = self.info.values.get(node.index)
        if base == t.UNKNOWN:
            return base
        if not isinstance(base, t.Array | t.Tuple):
            hint = "a bit is x[i:i]" if isinstance(base, t.Bits) else ""
            self.report.error(node.loc, f"'{base}' cannot be indexed", hint=hint)
            return t.UNKNOWN
        size = base.size if isinstance(base, t.Array) else len(base.items)
        if index_type not in (t.INT, t.UNKNOWN) and not isinstance(_as_bits(index_type), t.Bits):
            self.report.error(node.index.loc, f"an index is a number, not '{index_type}'")
        elif isinstance(index, int) and not 0 <= index < size and size:
            self.report.error(node.index.loc, f"index {index} is outside '{base}'", hint=f"0 to {size - 1}")
            return base.element if isinstance(base, t.Array) else t.UNKNOWN
        value = self.info.values.get(node.base)
        if isinstance(value, tuple) and isinstance(index, int):
            self.info.values[node] = value[index]
        if isinstance(base, t.Array):
            return base.element
        if not isinstance(index, int):
            self.report.error(node.index.loc, "the index of a tuple must be known at compile time")
            return t.UNKNOWN
        return base.items[index]

    def slice_type(self, node: ast.SliceExpr | ast.PlusSliceExpr) -> t.Type:
        base = _as_bits(self.check(node.base))
        if isinstance(node, ast.PlusSliceExpr) and self.body.is_skipped:
            return self._moving_slice(node, base)
        low = self.constant_int(node.low, "the lower end of a slice", 0)
        if isinstance(node, ast.SliceExpr):
            high = self.constant_int(node.high, "the upper end of a slice", 0)
        else:
            width = self.constant_int(node.width, "the width of a slice", 1)
            high = low + width - 1 if low is not None and width is not None else None
        if base == t.UNKNOWN or low is None or high is None:
            return t.UNKNOWN
        if not isinstance(base, t.Bits) and base != t.INT:
            self.report.error(node.loc, f"'{base}' has no bits to slice")
            return t.UNKNOWN
        if high < low:
            self.report.error(node.loc, f"the slice [{high}:{low}] is upside down", hint=f"write [{low}:{high}]")
            return t.UNKNOWN
        if isinstance(base, t.Bits) and high >= base.width:
            self.report.error(node.loc, f"the slice [{high}:{low}] is outside '{base}'")
            return t.UNKNOWN
        value = self.info.values.get(node.base)
        if isinstance(value, int):
            self.info.values[node] = (value >> low) & ((1 << (high - low + 1)) - 1)
        return t.Bits(high - low + 1)

    def _moving_slice(self, node: ast.PlusSliceExpr, base: t.Type) -> t.Type:
        """``x[low+:width]``, where ``low`` may be known only at run time."""
        low = _as_bits(self.check(node.low))
        width = self.constant_int(node.width, "the width of a slice", 1)
        value = self.info.values.get(node.low)
        if low not in (t.INT, t.UNKNOWN) and not isinstance(low, t.Bits):
            self.report.error(node.low.loc, f"the lower end of a slice is a number, not '{low}'")
        elif isinstance(value, int) and isinstance(base, t.Bits) and not 0 <= value <= base.width - (width or 0):
            self.report.error(node.loc, f"the slice [{value}+:{width}] is outside '{base}'")
            return t.UNKNOWN
        return t.UNKNOWN if width is None else t.Bits(width)

    def cast_type(self, node: ast.CastExpr) -> t.Type:
        target = self.resolve(node.type)
        have = self.check(node.operand)
        if t.UNKNOWN in (target, have) or isinstance(target, t.TypeVar) or isinstance(have, t.TypeVar):
            return target
        if isinstance(node.operand, ast.ListExpr | ast.StructExpr | ast.InvalidExpr | ast.Dots):
            self.coerce(node.operand, have, target)
        elif not _castable(have, target):
            hint = ""
            if isinstance(have, t.Bits) and isinstance(target, t.Bits):
                hint = f"change one thing at a time: ({target})({t.Bits(target.width, have.signed)})"
            self.report.error(node.loc, f"'{have}' cannot be cast to '{target}'", hint=hint)
            return target
        value = self.info.values.get(node.operand)
        if have == t.INT and t.underlying(target) == t.BOOL and value not in (None, 0, 1):
            self.report.error(node.loc, f"only 0 and 1 can be cast to 'bool', not {value}", hint="compare: '!= 0'")
        if value is not None:
            self.info.values[node] = constants.cast(value, target)
        elif target == t.INT and isinstance(have, t.Bits):
            hint = "an int is known at compile time; take a wide enough bit<W> or int<W>"
            self.report.error(node.loc, "a run-time value cannot be cast to 'int'", hint=hint)
        return target


def _is_negative(value: t.Value | None) -> bool:
    return isinstance(value, int) and value < 0


def _as_bits(type_: t.Type) -> t.Type:
    """A serializable enum stands for its bits wherever an operator needs a number."""
    return t.underlying(type_) if isinstance(type_, t.Enum) else type_


def _castable(have: t.Type, target: t.Type) -> bool:
    """Source: P4_16 specification 1.2.5, section 8.11.1 (explicit casts)."""
    if have == target:
        return True
    if isinstance(have, t.Newtype):
        return _castable(have.base, target)
    if isinstance(target, t.Newtype):
        return t.underlying(have) == t.underlying(target) or (have == t.INT and _castable(have, target.base))
    have, target = t.underlying(have), t.underlying(target)
    if isinstance(have, t.Bits) and isinstance(target, t.Bits):
        return have.signed == target.signed or have.width == target.width
    if target == t.BOOL:
        return have in (t.BOOL, t.Bits(1), t.INT)
    if have == t.BOOL:
        return target == t.Bits(1)
    if have == t.INT:
        return isinstance(target, t.Bits) or target == t.INT
    if target == t.INT:
        return isinstance(have, t.Bits)
    if isinstance(have, t.Tuple) and isinstance(target, t.Struct):
        return have.items == tuple(f.type for f in target.fields)
    return have == target
