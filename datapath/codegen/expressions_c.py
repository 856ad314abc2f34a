"""Expressions of the IR as C.

An expression without side effects becomes one C expression; what may reject (a lookahead) is emitted as statements
before it, under the condition that P4 evaluates it under.  Used by ``statements_c.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from datapath.codegen.emitter import Emitter
from datapath.codegen.operators_c import Operators, conjunction, truth
from datapath.codegen.values_c import (
    LIMB,
    Bits,
    Limb,
    Value,
    concat_limbs,
    constant,
    load,
    slice_limbs,
    variable,
)
from datapath.ir.model import (
    Binary,
    Concat,
    Const,
    Expr,
    Failure,
    FieldRef,
    InPort,
    IsValid,
    Lookahead,
    Mux,
    PacketLength,
    ParserError,
    Resize,
    Slice,
    Unary,
    VarbitEqual,
    VarRef,
)
from datapath.ir.walk import can_fail


class Surroundings(Protocol):
    """What expressions need to know of the state they stand in; ``statements_c.StateWriter``."""

    out: Emitter

    def temporary(self, kind: str = "t") -> str: ...
    def fail(self, error: int) -> str: ...
    def place_of(self, ref: FieldRef) -> Bits: ...
    def valid(self, path: str) -> Limb: ...
    def variable(self, ref: VarRef) -> Value | Bits: ...
    def look(self, expr: Lookahead) -> Value | Bits: ...
    def varbits_equal(self, expr: VarbitEqual) -> Limb: ...
    def calls_wide(self) -> None: ...
    def unsupported(self, what: str, hint: str) -> Exception: ...


class Expressions:
    """Turns expressions into limbs."""

    def __init__(self, state: Surroundings) -> None:
        self.state = state
        self.operators = Operators(self.keep, self.call, state.unsupported)

    # ------------------------------------------------------------------------------------------ for statements
    def value(self, expr: Expr) -> Value:
        """Return the limbs of an expression; they are to be used once and at once."""
        result = self.value_or_bits(expr)
        return load(result) if isinstance(result, Bits) else result

    def kept(self, expr: Expr) -> Value:
        """Return limbs that may be repeated and stay what they are: constants or temporaries."""
        return self.keep(self.value(expr))

    def condition(self, expr: Expr) -> str:
        """Return the text of a condition, to stand in parentheses."""
        return truth(self.value(expr)[0])

    def single(self, expr: Expr) -> Limb:
        """Return an expression that fits into one limb."""
        return self.value(expr)[0]

    def keep(self, value: Value) -> Value:
        """Put limbs that are more than a name or a number into temporaries."""
        return tuple(limb if limb.constant is not None else self.keep_limb(limb) for limb in value)

    def call(self, function: str, operands: list[Value], others: list[str], n_results: int) -> list[Value]:
        """Call a function of wide.h: results first, then wide operands, then others and the number of words."""
        n = len(operands[0])
        results = [self.state.temporary("w") for _ in range(n_results)]
        for name in results:
            self.state.out.line(f"__u64 {name}[{n}];")
        names = []
        for operand in operands:
            names.append(self.state.temporary("w"))
            self.state.out.line(f"const __u64 {names[-1]}[{n}] = {{{', '.join(limb.text for limb in operand)}}};")
        self.state.out.line(f"{function}({', '.join([*results, *names, *others, str(n)])});")
        self.state.calls_wide()
        return [tuple(Limb(f"{name}[{i}]", LIMB, True, True) for i in range(n)) for name in results]

    def keep_limb(self, limb: Limb) -> Limb:
        if limb.is_atom and limb.text.isidentifier() and limb.is_u64:
            return limb
        name = self.state.temporary()
        self.state.out.line(f"const __u64 {name} = {limb.text};")
        return Limb(name, limb.width, True, True)

    # ------------------------------------------------------------------------------------------ nodes
    def value_or_bits(self, expr: Expr) -> Value | Bits:
        """Return where an expression stands in memory, or its limbs."""
        if isinstance(expr, Const):
            return constant(expr.value, expr.width)
        if isinstance(expr, FieldRef):
            return self.field(expr)
        if isinstance(expr, VarRef):
            return self.state.variable(expr)
        if isinstance(expr, Lookahead):
            return self.state.look(expr)
        if isinstance(expr, IsValid):
            return (self.state.valid(expr.header.path),)
        if isinstance(expr, VarbitEqual):
            return (self.state.varbits_equal(expr),)
        if isinstance(expr, PacketLength):
            return (Limb("pkt_length(pkt)", 32, False, True),)
        if isinstance(expr, InPort):
            return (Limb("load_be32((const __u8 *)&key->in_port)", 32, False, True),)
        if isinstance(expr, ParserError):
            return constant(0, expr.width)
        if isinstance(expr, Failure):
            self.state.out.line(self.state.fail(expr.error))
            return constant(0, expr.width)
        if isinstance(expr, Slice):
            return self.slice(expr)
        return self.operator(expr)

    def field(self, expr: FieldRef) -> Value | Bits:
        """A field; it reads as zero while its header is not valid."""
        place = self.state.place_of(expr)
        valid = self.state.valid(expr.header.path)
        if valid.constant is not None:
            return place if valid.constant else constant(0, expr.width)
        test = truth(valid)
        return tuple(Limb(f"({test}) ? {limb.text} : 0", limb.width, limb.is_u64) for limb in load(place))

    def slice(self, expr: Slice) -> Value | Bits:
        inner = self.value_or_bits(expr.operand)
        if isinstance(inner, Bits):
            return replace(inner, offset=inner.offset + inner.width - 1 - expr.high, width=expr.width)
        if len(inner) > 1:
            inner = self.keep(inner)
        return slice_limbs(inner, expr.low, expr.width)

    def operator(self, expr: Expr) -> Value:
        if isinstance(expr, Concat):
            return concat_limbs([(self.repeatable(part), part.width) for part in expr.parts])
        if isinstance(expr, Resize):
            return self.resize(expr)
        if isinstance(expr, Unary):
            return self.operators.unary(expr.op, self.value(expr.operand), expr.width)
        if isinstance(expr, Mux):
            return self.mux(expr)
        assert isinstance(expr, Binary)
        if expr.op in ("&&", "||"):
            return self.logic(expr)
        return self.binary(expr)

    def repeatable(self, expr: Expr) -> Value:
        """Return limbs; in temporaries if the value is wide, since its limbs are taken apart."""
        value = self.value(expr)
        return self.keep(value) if len(value) > 1 or expr.width == LIMB else value

    def resize(self, expr: Resize) -> Value:
        inner = expr.operand
        if expr.width <= inner.width:
            return slice_limbs(self.repeatable(inner), 0, expr.width)
        if inner.signed:
            return self.operators.sign_extend(self.kept(inner), inner.width, expr.width)
        value = self.value(inner)
        missing = expr.width - LIMB * len(value)
        return value + (constant(0, missing) if missing > 0 else ())

    def binary(self, expr: Binary) -> Value:
        left, right = self.value(expr.left), self.value(expr.right)
        if can_fail(expr.right):
            left = self.keep(left)
        return self.operators.binary(expr.op, left, right, expr.left.width, expr.left.signed)

    # ------------------------------------------------------------------------------------------ evaluated sometimes
    def logic(self, expr: Binary) -> Value:
        left = self.value(expr.left)[0]
        if not can_fail(expr.right):
            return (conjunction(expr.op, left, self.value(expr.right)[0]),)
        result = self.state.temporary()
        self.state.out.line(f"__u64 {result} __maybe_unused = {truth(left)};")
        with self.state.out.block(f"if ({result})" if expr.op == "&&" else f"if (!{result})"):
            right = self.value(expr.right)[0]
            self.state.out.line(f"{result} = {truth(right)};")
        return variable([result], 1)

    def mux(self, expr: Mux) -> Value:
        condition = truth(self.value(expr.condition)[0])
        if not can_fail(expr.then) and not can_fail(expr.otherwise):
            if expr.width > LIMB:
                test = self.state.temporary()
                self.state.out.line(f"const __u64 {test} = {condition};")
                condition = test
            then, otherwise = self.value(expr.then), self.value(expr.otherwise)
            return tuple(
                Limb(f"({condition}) ? {a.u64} : {b.u64}", max(a.width, b.width), True)
                for a, b in zip(then, otherwise, strict=True)
            )
        names = [self.state.temporary() for _ in range(0, expr.width, LIMB)]
        for name in names:
            self.state.out.line(f"__u64 {name} __maybe_unused;")
        self.branch(f"if ({condition})", expr.then, names)
        self.branch("else", expr.otherwise, names)
        return variable(names, expr.width)

    def branch(self, head: str, expr: Expr, names: list[str]) -> None:
        with self.state.out.block(head):
            for name, limb in zip(names, self.value(expr), strict=True):
                self.state.out.line(f"{name} = {limb.text};")
