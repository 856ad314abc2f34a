"""Symbolic values: what an expression is when the packet is not known yet.

A value is an ``int`` where it is known, ``PacketBits`` where it is some bits of the packet as they are, and a bit
vector of the solver where it was computed.  Most fields of most headers are never asked about, so they never become
the solver's.  Used by ``machine.py``; the meaning of the operators is that of ``ir/evaluate.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import z3

from datapath.ir import evaluate

Value = Any  # int, PacketBits or z3.BitVecRef
Truth = Any  # bool or z3.BoolRef
LENGTH_BITS = 16  # of the variable that is the packet's length in bytes


@dataclass(frozen=True)
class PacketBits:
    """Some bits of the packet, counted from its first; ``width`` > 0."""

    offset: int
    width: int


class Symbols:
    """The solver's variables: each byte of the packet, its length, the port it came in by."""

    def __init__(self) -> None:
        self.context = z3.Context()  # of its own: what was asked before would change the values that are found
        self.length = z3.BitVec("length", LENGTH_BITS, self.context)
        self.in_port = z3.BitVec("in_port", 32, self.context)
        self.touched: set[PacketBits] = set()  # asked for since someone last emptied it
        self._bytes: dict[int, Any] = {}
        self._known: dict[PacketBits, Any] = {}

    def byte(self, index: int) -> Any:
        """Return the variable that is a byte of the packet."""
        if index not in self._bytes:
            self._bytes[index] = z3.BitVec(f"b{index}", 8, self.context)
        return self._bytes[index]

    def vector(self, value: Value, width: int) -> Any:
        """Return a value as the solver's, ``width`` bits wide: cut, or extended by zeros."""
        if isinstance(value, int):
            return z3.BitVecVal(value, width, self.context)
        if isinstance(value, PacketBits):
            self.touched.add(value)
            if value not in self._known:
                self._known[value] = self._cut_out(value)
            value = self._known[value]
        if value.size() > width:
            return z3.Extract(width - 1, 0, value)
        return z3.ZeroExt(width - value.size(), value) if value.size() < width else value

    def _cut_out(self, bits: PacketBits) -> Any:
        first, last = bits.offset // 8, (bits.offset + bits.width - 1) // 8
        parts = [self.byte(i) for i in range(first, last + 1)]
        whole = z3.Concat(*parts) if len(parts) > 1 else parts[0]
        low = (last + 1) * 8 - bits.offset - bits.width
        return z3.simplify(z3.Extract(low + bits.width - 1, low, whole))

    # ------------------------------------------------------------------------------------------ operators
    def concat(self, parts: Sequence[tuple[Value, int]]) -> Value:
        """Put values of the given widths side by side, the first one highest."""
        parts = [(value, width) for value, width in parts if width]
        if all(isinstance(value, int) for value, _ in parts):
            whole = 0
            for value, width in parts:
                whole = whole << width | value
            return whole
        if all(isinstance(value, PacketBits) for value, _ in parts):
            values = [value for value, _ in parts]
            if all(a.offset + a.width == b.offset for a, b in pairwise(values)):
                return PacketBits(values[0].offset, sum(v.width for v in values))
        vectors = [self.vector(value, width) for value, width in parts]
        return tidy(z3.Concat(*vectors) if len(vectors) > 1 else vectors[0])

    def cut(self, value: Value, high: int, low: int, width: int) -> Value:
        """Return bits ``high`` to ``low`` of a value of ``width`` bits, numbered from the lowest."""
        if isinstance(value, int):
            return value >> low & ((1 << (high - low + 1)) - 1)
        if isinstance(value, PacketBits) and value.width > high:
            return PacketBits(value.offset + value.width - 1 - high, high - low + 1)
        return tidy(z3.Extract(high, low, self.vector(value, width)))

    def resize(self, value: Value, old: int, new: int, signed: bool) -> Value:
        """Cut a value to its low bits, or extend it by zeros or its sign."""
        if new <= old:
            return self.cut(value, new - 1, 0, old)
        if isinstance(value, int):
            return evaluate.number(value, old, signed) & ((1 << new) - 1)
        vector = self.vector(value, old)
        return tidy(z3.SignExt(new - old, vector) if signed else z3.ZeroExt(new - old, vector))

    def unary(self, op: str, value: Value, width: int) -> Value:
        """Apply "~", "-" or "!"."""
        if isinstance(value, int):
            return evaluate.unary(op, value, width)
        vector = self.vector(value, width)
        return tidy(-vector if op == "-" else ~vector)

    def binary(self, op: str, left: tuple[Value, int], right: tuple[Value, int], signed: bool) -> Value:
        """Apply an operator of ``ir.model.Binary`` to two (value, width)."""
        (a, width), (b, right_width) = left, right
        if isinstance(a, int) and isinstance(b, int):
            return evaluate.binary(op, a, b, width, signed)
        if op in ("<<", ">>"):
            return self._shift(op, left, right, signed)
        x, y = self.vector(a, width), self.vector(b, right_width)
        if op in _COMPARES:
            return tidy(as_bit(_compare(op, x, y, signed)))
        if op in ("&&", "||"):
            return tidy(x & y if op == "&&" else x | y)
        if op in ("|+|", "|-|"):
            return tidy(_saturate(op, x, y, signed))
        if op in ("/", "%"):
            return tidy(z3.If(y == 0, y, z3.UDiv(x, y) if op == "/" else z3.URem(x, y)))
        return tidy({"+": x + y, "-": x - y, "*": x * y, "&": x & y, "|": x | y, "^": x ^ y}[op])

    def _shift(self, op: str, left: tuple[Value, int], right: tuple[Value, int], signed: bool) -> Value:
        """Shift in vectors as wide as the wider operand, since the solver wants one width for both."""
        (a, width), (b, right_width) = left, right
        if isinstance(b, int) and op == "<<" and b < width:
            return self.concat([(self.cut(a, width - 1 - b, 0, width), width - b), (0, b)])
        wide = max(width, right_width)
        x = self.vector(self.resize(a, width, wide, signed and op == ">>"), wide)
        y = self.vector(b, wide)
        result = x << y if op == "<<" else x >> y if signed else z3.LShR(x, y)
        return tidy(z3.Extract(width - 1, 0, result))

    def choose(self, condition: Value, then: Value, otherwise: Value, width: int) -> Value:
        """Return ``then`` where the condition holds, else ``otherwise``; both ``width`` bits."""
        return tidy(z3.If(self.truth(condition), self.vector(then, width), self.vector(otherwise, width)))

    def truth(self, value: Value) -> Truth:
        """Return a value of one bit as a condition."""
        return bool(value) if isinstance(value, int) else self.vector(value, 1) == 1

    def within(self, value: Value, low: int, high: int, width: int, signed: bool) -> Truth:
        """Return whether a value lies between two, both included."""
        vector = self.vector(value, width)
        least, greatest = self.vector(low, width), self.vector(high, width)
        return self.all_of(_compare("<=", least, vector, signed), _compare("<=", vector, greatest, signed))

    def all_of(self, *conditions: Truth) -> Truth:
        """Return the condition that all of them hold."""
        return z3.And(z3.BoolVal(True, self.context), *conditions)


_COMPARES = ("==", "!=", "<", "<=", ">", ">=")


def _compare(op: str, x: Any, y: Any, signed: bool) -> Any:
    if op in ("==", "!="):
        return x == y if op == "==" else x != y
    if op in (">", ">="):
        return _compare("<" if op == ">" else "<=", y, x, signed)
    if signed:
        return x < y if op == "<" else x <= y
    return z3.ULT(x, y) if op == "<" else z3.ULE(x, y)


def _saturate(op: str, x: Any, y: Any, signed: bool) -> Any:
    """Compute with two bits more, then clamp."""
    width = x.size()
    extend = z3.SignExt if signed else z3.ZeroExt
    a, b = extend(2, x), extend(2, y)
    whole = a + b if op == "|+|" else a - b
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    least, greatest = (z3.BitVecVal(bound, width + 2, x.ctx) for bound in (low, high))
    return z3.Extract(width - 1, 0, z3.If(whole < least, least, z3.If(whole > greatest, greatest, whole)))


def as_bit(condition: Any) -> Any:
    """Return a condition as a value of one bit."""
    return z3.If(condition, z3.BitVecVal(1, 1, condition.ctx), z3.BitVecVal(0, 1, condition.ctx))


def tidy(vector: Any) -> Value:
    """Return the vector simplified; an ``int`` if it has only one value."""
    simple = z3.simplify(vector)
    return simple.as_long() if z3.is_bv_value(simple) else simple
