"""Operators on limbs: arithmetic and comparison of numbers of any width in C.

Used by ``expressions_c.py``.  Up to 64 bits everything is one C expression; wider numbers are limbs, and what takes
more than a few expressions (products, quotients, run-time shifts) calls ``runtime/wide.h``.
"""

from __future__ import annotations

from collections.abc import Callable

from datapath.codegen.values_c import (
    LIMB,
    Limb,
    Value,
    c_number,
    concat_limbs,
    constant,
    mask_of,
    masked,
    slice_limbs,
)

Keep = Callable[[Value], Value]
Call = Callable[[str, list[Value], list[str], int], list[Value]]
COMPARES = ("==", "!=", "<", "<=", ">", ">=")
WIDE_MAX_BITS = 32 * LIMB  # WIDE_WORDS_MAX of wide.h
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def truth(limb: Limb) -> str:
    """Return a limb of one bit as the text of a condition."""
    return limb.text


def negation(limb: Limb) -> Limb:
    """Return the opposite of a condition."""
    return constant(1 - limb.constant, 1)[0] if limb.constant is not None else Limb(f"!{limb.operand}", 1)


def conjunction(op: str, left: Limb, right: Limb) -> Limb:
    """Join two conditions by ``&&`` or ``||``."""
    for known, other in ((left, right), (right, left)):
        if known.constant is not None:
            if (op == "&&") == bool(known.constant):
                return other
            return constant(known.constant, 1)[0]
    return Limb(f"{left.operand} {op} {right.operand}", 1)


def known_order(op: str, a: Limb, b: Limb) -> Limb | None:
    """Return what a comparison of unsigned limbs always gives, None if it depends (C compilers warn of the former)."""
    (a_low, a_high), (b_low, b_high) = a.bounds, b.bounds
    if op in (">", ">="):
        return known_order("<" if op == ">" else "<=", b, a)
    if op == "==":
        always, never = a_low == a_high == b_low == b_high, a_high < b_low or b_high < a_low
    else:
        always = a_high < b_low if op == "<" else a_high <= b_low
        never = a_low >= b_high if op == "<" else a_low > b_high
    return constant(int(always), 1)[0] if always or never else None


def equal(left: Value, right: Value) -> Limb:
    """Return the condition that two values are equal, limb by limb."""
    result = constant(1, 1)[0]
    for a, b in zip(left, right, strict=True):
        result = conjunction("&&", result, known_order("==", a, b) or Limb(f"{a.operand} == {b.operand}", 1))
    return result


class Operators:
    """Builds C for operators.

    Args of the constructor: ``keep`` puts limbs into temporaries so that they may be repeated; ``call`` calls a
    function of wide.h, given its name, wide operands and others, and returns its results; ``unsupported`` makes the
    diagnostic for what cannot be translated.
    """

    def __init__(
        self, keep: Callable[[Value], Value], call: Call, unsupported: Callable[[str, str], Exception]
    ) -> None:
        self.keep = keep
        self.call = call
        self.unsupported = unsupported

    def unary(self, op: str, value: Value, width: int) -> Value:
        if op == "!":
            return (negation(value[0]),)
        if op == "~":
            return self.each(value, value, lambda a, b: f"~{a.u64}", width)
        if width <= LIMB:
            return (masked(Limb(f"0 - {value[0].u64}", LIMB, True), width),)
        return self.add("-", constant(0, width), value, width)

    def binary(self, op: str, left: Value, right: Value, width: int, signed: bool) -> Value:
        """Apply an operator; ``width`` and ``signed`` are those of ``left``."""
        if op in COMPARES:
            return (self.compare(op, left, right, width, signed),)
        if op in ("&", "|", "^"):
            return self.each(left, right, lambda a, b: f"{a.operand} {op} {b.operand}", width, op == "&")
        if op in ("<<", ">>"):
            return self.shift(op, left, right, width, signed)
        if width > LIMB:
            if op in ("+", "-"):
                return self.add(op, left, right, width)
            return self.wide(op, left, right, width, signed)
        a, b = left[0], right[0]
        if op in ("|+|", "|-|"):
            return (self.saturate(op, a, b, width, signed),)
        if op in ("/", "%"):
            if signed:
                raise self.unsupported(f"operator {op} on signed values", "use unsigned values")
            divisor = self.keep((b,))[0]
            if divisor.constant == 0:
                return constant(0, width)
            if divisor.constant:
                return (Limb(f"{a.u64} {op} {divisor.u64}", width, True),)
            return (Limb(f"{divisor.operand} ? {a.u64} {op} {divisor.operand} : 0", width, True),)
        return (masked(Limb(f"{a.u64} {op} {b.u64}", LIMB, True), width),)

    def each(
        self, left: Value, right: Value, join: Callable[[Limb, Limb], str], width: int, is_and: bool = False
    ) -> Value:
        """Apply a bitwise operator limb by limb."""
        result = []
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            size = min(LIMB, width - i * LIMB)
            wide = join is not None and (a.is_u64 or b.is_u64)
            n = min(a.width, b.width) if is_and else max(a.width, b.width)
            limb = Limb(join(a, b), n, wide)
            if limb.text.startswith("~"):
                limb = masked(Limb(limb.text, LIMB, True), size)
            result.append(limb)
        return tuple(result)

    # ------------------------------------------------------------------------------------------ comparison
    def compare(self, op: str, left: Value, right: Value, width: int, signed: bool) -> Limb:
        if op == "==":
            return equal(left, right)
        if op == "!=":
            same = equal(left, right)
            if len(left) == 1 and same.constant is None:
                return Limb(f"{left[0].operand} != {right[0].operand}", 1)
            return negation(same)
        if op in ("<=", ">="):  # a <= b is !(b < a)
            if len(left) == 1:
                return self.order(op, left[0], right[0], width, signed)
            return negation(self.less(*((right, left) if op == "<=" else (left, right)), width, signed))
        if len(left) == 1:
            return self.order(op, left[0], right[0], width, signed)
        return self.less(*((left, right) if op == "<" else (right, left)), width, signed)

    def order(self, op: str, a: Limb, b: Limb, width: int, signed: bool) -> Limb:
        """Compare two limbs of at most 64 bits."""
        if signed:
            return Limb(f"{self.signed(a, width)} {op} {self.signed(b, width)}", 1)
        return known_order(op, a, b) or Limb(f"{a.operand} {op} {b.operand}", 1)

    def less(self, left: Value, right: Value, width: int, signed: bool) -> Limb:
        """Compare wide values: the most significant limb that differs decides."""
        left, right = self.keep(left), self.keep(right)
        result = self.order("<", left[0], right[0], LIMB, False)
        for i in range(1, len(left)):
            size = min(LIMB, width - i * LIMB)
            top = signed and i == len(left) - 1
            here = self.order("<", left[i], right[i], size, top)
            same = equal((left[i],), (right[i],))
            result = conjunction("||", here, conjunction("&&", same, result))
        return result

    def signed(self, limb: Limb, width: int) -> str:
        """Return the text of a limb as a signed 64-bit number."""
        if width == LIMB:
            return f"(__s64){limb.operand}"
        return f"((__s64)({limb.u64} << {LIMB - width}) >> {LIMB - width})"

    # ------------------------------------------------------------------------------------------ arithmetic
    def add(self, op: str, left: Value, right: Value, width: int) -> Value:
        """Add or subtract wide values with carry."""
        left, right = self.keep(left), self.keep(right)
        result: list[Limb] = []
        carry: Limb | None = None
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            text = f"{a.u64} {op} {b.u64}" + (f" {op} {carry.u64}" if carry else "")
            total = self.keep((Limb(text, LIMB, True),))[0]
            # Carry out of a + b + c, borrow out of a - b - c.
            one, other = (total, a) if op == "+" else (a, total)
            edge = f"{one.operand} < {other.operand}" if op == "+" else f"{a.operand} < {b.operand}"
            if carry:
                equal_edge = f"{total.operand} == {a.operand}" if op == "+" else f"{a.operand} == {b.operand}"
                edge = f"({edge}) || ({carry.operand} && {equal_edge})"
            carry = self.keep((Limb(edge, 1),))[0]
            result.append(masked(total, min(LIMB, width - i * LIMB)))
        return tuple(result)

    def saturate(self, op: str, a: Limb, b: Limb, width: int, signed: bool) -> Limb:
        if b.constant == 0 or (a.constant == 0 and op == "|+|"):
            return a if b.constant == 0 else b
        if a.constant == 0 and not signed:
            return a
        a, b = self.keep((a, b))
        top = c_number(mask_of(width))
        if not signed and op == "|-|":
            return Limb(f"{a.operand} > {b.operand} ? {a.u64} - {b.u64} : 0", width, True)
        if not signed:  # a + b > top, without overflow
            return Limb(f"{a.operand} > {top} - {b.operand} ? {top} : {a.u64} + {b.u64}", width, True)
        if width == LIMB:
            return self.saturate_wide(op, (a,), (b,), width, signed)[0]
        high, low = (1 << width - 1) - 1, 1 << width - 1
        text = f"(__u64)({self.signed(a, width)} {op[1]} {self.signed(b, width)})"
        total = self.keep((Limb(text, LIMB, True),))[0]
        value = f"(__s64){total.operand}"
        clamped = f"{value} > {c_number(high)}{'' if high > 0x7FFFFFFF else 'LL'} ? {c_number(high)}"
        clamped += f" : {value} < -{c_number(low).removesuffix('ULL')}LL ? {c_number(low)} : {total.operand}"
        return masked(Limb(clamped, LIMB, True), width)

    def shift(self, op: str, left: Value, right: Value, width: int, signed: bool) -> Value:
        amount = right[0].constant if len(right) == 1 else None
        if len(right) > 1 and all(limb.constant == 0 for limb in right[1:]):
            amount = right[0].constant
        if amount is not None:
            return self.shift_by(op, left, amount, width, signed)
        right = self.keep(right)
        distance = right[0]
        if len(right) > 1:
            others = " | ".join(limb.operand for limb in right[1:])
            distance = self.keep((Limb(f"({others}) ? ~0ULL : {distance.u64}", LIMB, True),))[0]
        if width > LIMB:
            return self.shift_wide(op, left, distance, width, signed)
        a, n = self.keep((left[0], distance))
        if op == "<<":
            return (masked(Limb(f"{n.operand} < {width} ? {a.u64} << ({n.operand} & 63) : 0", LIMB, True), width),)
        if not signed:
            return (Limb(f"{n.operand} < {width} ? {a.u64} >> ({n.operand} & 63) : 0", width, True),)
        far = f"({n.operand} < {width} ? {n.operand} : {width - 1})"
        return (masked(Limb(f"(__u64)({self.signed(a, width)} >> {far})", LIMB, True), width),)

    def wide(self, op: str, left: Value, right: Value, width: int, signed: bool) -> Value:
        """Apply an operator that has no few expressions to numbers of more than 64 bits."""
        if op in ("|+|", "|-|"):
            return self.saturate_wide(op, left, right, width, signed)
        if width > WIDE_MAX_BITS:
            raise self.unsupported(f"operator {op} on {width} bits", f"only up to {WIDE_MAX_BITS} bits")
        if op == "*":
            (result,) = self.call("wide_mul", [left, right], [], 1)
        else:
            if signed:
                raise self.unsupported(f"operator {op} on signed values", "use unsigned values")
            results = self.call("wide_divide", [left, right], [str(width)], 2)
            result = results[op == "%"]
        return self.cut(result, width)

    def cut(self, value: Value, width: int) -> Value:
        return tuple(masked(limb, min(LIMB, width - i * LIMB)) for i, limb in enumerate(value))

    def saturate_wide(self, op: str, left: Value, right: Value, width: int, signed: bool) -> Value:
        """Saturate by way of one bit more."""
        a, b = self.extended(left, width, signed), self.extended(right, width, signed)
        total = self.keep(self.add(op[1], a, b, width + 1))
        top = self.keep(slice_limbs(total, width, 1))[0]
        most = mask_of(width - 1 if signed else width)
        if signed:
            sign = slice_limbs(total, width - 1, 1)[0]
            over = self.keep((Limb(f"{top.operand} != {sign.operand}", 1),))[0]
            ends = zip(constant(most + 1, width), constant(most, width), strict=True)
            limits = [f"({top.operand} ? {low.u64} : {high.u64})" for low, high in ends]
        else:
            over = top
            limits = [limb.u64 for limb in constant(most if op == "|+|" else 0, width)]
        sums = slice_limbs(total, 0, width)
        return tuple(
            Limb(f"{over.operand} ? {limit} : {limb.u64}", limb.width, True)
            for limit, limb in zip(limits, sums, strict=True)
        )

    def extended(self, value: Value, width: int, signed: bool) -> Value:
        """Return a value with one bit more."""
        if signed:
            return self.sign_extend(self.keep(value), width, width + 1)
        return value + (constant(0, 1) if width % LIMB == 0 else ())

    def shift_wide(self, op: str, left: Value, distance: Limb, width: int, signed: bool) -> Value:
        if width > WIDE_MAX_BITS:
            raise self.unsupported(f"run-time shift of {width} bits", f"only up to {WIDE_MAX_BITS} bits")
        if op == "<<":
            (result,) = self.call("wide_shl", [left], [distance.u64], 1)
            return self.cut(result, width)
        fill = "0"
        if signed:
            left = self.keep(self.sign_extend(self.keep(left), width, LIMB * len(left)))
            fill = f"(__u64)((__s64){left[-1].operand} >> 63)"
        (result,) = self.call("wide_shr", [left], [distance.u64, fill], 1)
        return self.cut(result, width)

    def shift_by(self, op: str, left: Value, amount: int, width: int, signed: bool) -> Value:
        left = self.keep(left)
        if op == "<<":
            if amount >= width:
                return constant(0, width)
            kept = slice_limbs(left, 0, width - amount)
            return concat_limbs([(kept, width - amount), (constant(0, amount), amount)]) if amount else left
        if signed:
            amount = min(amount, width - 1)
            return self.sign_extend(slice_limbs(left, amount, width - amount), width - amount, width)
        if amount >= width:
            return constant(0, width)
        high = slice_limbs(left, amount, width - amount)
        missing = (width + LIMB - 1) // LIMB - len(high)
        return high + tuple(constant(0, LIMB)[0] for _ in range(missing))

    def sign_extend(self, value: Value, width: int, to_width: int) -> Value:
        """Extend a signed value (limbs that may be repeated)."""
        value = self.keep(value)
        top = width - LIMB * (len(value) - 1)  # bits of the last limb
        last = Limb(f"(__u64){self.signed(value[-1], top)}" if top < LIMB else value[-1].text, LIMB, True)
        last = self.keep((last,))[0]
        missing = (to_width + LIMB - 1) // LIMB - len(value)
        sign = Limb(f"(__u64)((__s64){last.operand} >> 63)", LIMB, True)
        limbs = (*value[:-1], last, *(sign for _ in range(missing)))
        return tuple(masked(limb, min(LIMB, to_width - i * LIMB)) for i, limb in enumerate(limbs))
