"""Arithmetic on compile-time values, at the precision and with the wrapping that P4_16 gives each type.

Used by the type checker, for everything that is known before the program runs.

Source: P4_16 specification 1.2.5, sections 8.6 to 8.9 (operators) and 8.11 (casts).
"""

from __future__ import annotations

from datapath.p4.types import BOOL, INT, Bits, Type, Value, underlying

MAX_SHIFT = 65536  # a constant is never shifted further left: nothing that wide can be declared


class ConstantError(Exception):
    """The operation has no result; the message says why."""


def wrap(value: int, type_: Type) -> int:
    """Reduce an integer to what ``type_`` can hold; ``int`` holds everything."""
    type_ = underlying(type_)
    if not isinstance(type_, Bits):
        return value
    value &= (1 << type_.width) - 1
    if type_.signed and value >> (type_.width - 1):
        value -= 1 << type_.width
    return value


def pattern(value: Value, width: int) -> int:
    """Return the bit pattern of a number or a bool."""
    assert isinstance(value, int)
    return int(value) & ((1 << width) - 1)


def unary(op: str, value: Value, type_: Type) -> Value:
    if op == "!":
        return not value
    assert isinstance(value, int)
    return wrap({"-": -value, "+": value, "~": ~value}[op], type_)


def binary(op: str, left: Value, right: Value, type_: Type, right_type: Type) -> Value:
    """Compute; ``type_`` is the left operand's type, ``right_type`` the other's (they differ for ``<<`` and ``++``).

    Raises:
        ConstantError: division by zero, a negative shift.
    """
    if op == "==":
        return left == right
    if op == "!=":
        return left != right
    if op in ("&&", "||"):
        return (left and right) if op == "&&" else (left or right)
    if op == "++" and isinstance(left, str) and isinstance(right, str):
        return left + right
    assert isinstance(left, int)
    assert isinstance(right, int)
    if op == "++":
        assert isinstance(right_type, Bits)
        return left << right_type.width | pattern(right, right_type.width)
    if op in ("<", "<=", ">", ">="):
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]
    return wrap(_arithmetic(op, left, right, type_), type_)


def _arithmetic(op: str, left: int, right: int, type_: Type) -> int:
    if op in ("/", "%"):
        if right == 0:
            raise ConstantError("division by zero")
        if left < 0 or right < 0:
            raise ConstantError(f"'{op}' is not defined for negative numbers")
        return left // right if op == "/" else left % right
    if op in ("<<", ">>"):
        return _shift(op, left, right, type_)
    if op in ("|+|", "|-|"):
        return _saturate(left + right if op == "|+|" else left - right, type_)
    if op in ("&", "|", "^"):
        return {"&": left & right, "|": left | right, "^": left ^ right}[op]
    return {"+": left + right, "-": left - right}[op] if op != "*" else left * right


def _shift(op: str, left: int, right: int, type_: Type) -> int:
    if right < 0:
        raise ConstantError("a shift by a negative amount")
    if op == ">>":
        return left >> min(right, MAX_SHIFT)
    if isinstance(type_, Bits):
        return left << right if right < type_.width else 0
    if right > MAX_SHIFT:
        raise ConstantError(f"a shift by more than {MAX_SHIFT} bits")
    return left << right


def _saturate(value: int, type_: Type) -> int:
    assert isinstance(type_, Bits)
    if not type_.width:
        return 0
    low = -(1 << (type_.width - 1)) if type_.signed else 0
    high = (1 << (type_.width - int(type_.signed))) - 1
    return max(low, min(high, value))


def cast(value: Value, target: Type) -> Value:
    """Convert a number or a bool."""
    if not isinstance(value, int):
        return value
    if underlying(target) == BOOL:
        return bool(value)
    return int(value) if target == INT else wrap(int(value), target)


def fits(value: int, type_: Type) -> bool:
    return wrap(value, type_) == value
