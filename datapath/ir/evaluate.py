"""Values of expressions for the reference model, as P4_16 chapter 8 defines the operators.

Used by ``ir/interpret.py`` and, for operators on constants, by ``passes/fold_constants.py``; code generation has its
own way.  Values are bit patterns, ``number`` is what a signed one stands for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from datapath.ir.model import (
    Binary,
    Concat,
    Const,
    Expr,
    Failure,
    FieldRef,
    HeaderAt,
    InPort,
    IsValid,
    Lookahead,
    Mux,
    PacketLength,
    ParserError,
    Resize,
    Slice,
    StackLastIndex,
    Unary,
    VarbitEqual,
    VarRef,
)

if TYPE_CHECKING:
    from datapath.ir.interpret import Machine

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


class Rejected(Exception):
    """A step failed: the packet is rejected with this error number."""

    def __init__(self, error: int) -> None:
        super().__init__(error)
        self.error = error


def number(value: int, width: int, signed: bool) -> int:
    """Return the number that a bit pattern stands for."""
    return value - (1 << width) if signed and width and value >> (width - 1) else value


def unary(op: str, value: int, width: int) -> int:
    """Apply "~", "-" or "!"."""
    mask = (1 << width) - 1
    return {"~": ~value & mask, "-": -value & mask, "!": int(value == 0)}[op]


def binary(op: str, left: int, right: int, width: int, signed: bool) -> int:
    """Apply an operator of ``Binary`` to bit patterns.

    Args:
        op: As in ``Binary.op``.
        left: Bit pattern.
        right: Bit pattern; for a shift the amount.
        width: Bits of ``left``.
        signed: Whether ``left`` is.
    """
    a, b = number(left, width, signed), number(right, width, signed)
    mask = (1 << width) - 1
    if op in _COMPARE:
        return int(_COMPARE[op](a, b))
    if op in ("&&", "||"):
        return int(bool(a and b) if op == "&&" else bool(a or b))
    if op == "<<":
        return left << right & mask if right < width else 0
    if op == ">>":
        return a >> min(right, width) & mask
    if op in ("|+|", "|-|"):
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, mask)
        return min(max(a + b if op == "|+|" else a - b, low), high) & mask
    if op in ("/", "%"):
        return (left // right if op == "/" else left % right) if right else 0  # by zero: ours is 0
    return _COMPUTE[op](a, b) & mask


class Evaluator:
    """Evaluates expressions against the state of a run."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def evaluate(self, expr: Expr) -> int:
        """Return the bit pattern; ``Rejected`` if evaluation fails."""
        if isinstance(expr, Const):
            return expr.value
        if isinstance(expr, FieldRef):
            state = self.machine.locate(expr.header)
            return state.fields[expr.field] if state is not None and state.valid else 0
        if isinstance(expr, VarRef):
            return self.machine.variables[expr.name]
        if isinstance(expr, IsValid):
            state = self.machine.locate(expr.header)
            return int(state is not None and state.valid)
        if isinstance(expr, VarbitEqual):
            return self.varbits_equal(expr)
        if isinstance(expr, Lookahead):
            return self.look(expr)
        if isinstance(expr, StackLastIndex):
            return self.machine.next_index[expr.stack] - (not expr.next) & 0xFFFFFFFF
        if isinstance(expr, PacketLength):
            return self.machine.length_bits // 8
        if isinstance(expr, InPort):
            return self.machine.in_port & ((1 << expr.width) - 1)
        if isinstance(expr, ParserError):
            return 0  # a parser that still runs has had no error
        if isinstance(expr, Failure):
            raise Rejected(expr.error)
        return self.operate(expr)

    def varbits_equal(self, expr: VarbitEqual) -> int:
        """P4_16 8.10: they are as long as each other, and all bits are the same."""
        return int(self.varbit(expr.left) == self.varbit(expr.right))

    def varbit(self, at: HeaderAt | None) -> tuple[int, int]:
        """Return a varbit's length and its bits."""
        state = self.machine.locate(at) if at is not None else None
        varbit = state.header.varbit if state is not None and state.valid else None
        return (state.varbit_bits, state.fields[varbit.name]) if state is not None and varbit is not None else (0, 0)

    def look(self, expr: Lookahead) -> int:
        """P4_16 13.8.3."""
        return self.machine.peek(expr.offset, expr.width)

    def operate(self, expr: Expr) -> int:
        """Evaluate an operator."""
        if isinstance(expr, Slice):
            return self.evaluate(expr.operand) >> expr.low & ((1 << expr.width) - 1)
        if isinstance(expr, Concat):
            value = 0
            for part in expr.parts:
                value = value << part.width | self.evaluate(part)
            return value
        if isinstance(expr, Resize):
            value = number(self.evaluate(expr.operand), expr.operand.width, expr.operand.signed)
            return value & ((1 << expr.width) - 1)
        if isinstance(expr, Unary):
            return unary(expr.op, self.evaluate(expr.operand), expr.width)
        if isinstance(expr, Mux):
            return self.evaluate(expr.then if self.evaluate(expr.condition) else expr.otherwise)
        assert isinstance(expr, Binary)
        left = self.evaluate(expr.left)
        if (expr.op == "&&" and not left) or (expr.op == "||" and left):
            return left
        return binary(expr.op, left, self.evaluate(expr.right), expr.left.width, expr.left.signed)
