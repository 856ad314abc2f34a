"""Runs a parser on a packet that is not known yet: the reference model with symbolic values.

Where the way depends on the packet, ``explorer.py`` is asked which to take; it runs the parser once for each path.
Everything that no value matters to (headers, stacks, the visit limit, states) is the reference model's own code, and
every packet that comes out of this is run through the reference model again.

Cursor, stack heights, validity and varbit lengths are always known: a length or index that is not is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import z3

from datapath.ir import model
from datapath.ir.evaluate import Evaluator, Rejected
from datapath.ir.interpret import HeaderState, Interpreter, Machine
from datapath.ir.model import (
    ACCEPT,
    REJECT,
    Advance,
    Binary,
    Concat,
    Const,
    Expr,
    Extract,
    FieldRef,
    Goto,
    HeaderAt,
    If,
    InPort,
    Masked,
    Mux,
    PacketLength,
    Range,
    Resize,
    Select,
    SetNext,
    Slice,
    Statement,
    Unary,
    VarbitEqual,
    VarRef,
    Verify,
)
from datapath.ir.walk import can_fail
from datapath.paths.values import LENGTH_BITS, PacketBits, Symbols, Truth, Value

if TYPE_CHECKING:
    from datapath.paths.explorer import Explorer

TOO_SHORT = "PacketTooShort"


@dataclass(frozen=True)
class Option:
    """One of the ways that a run can go on."""

    label: str  # tells it from the others, the same whenever the parser comes here
    constraint: Truth = True  # on the packet
    value: int = 0  # what whoever asked makes of it
    leads_to: str = ""  # a state, ``accept`` or ``reject``; "" if it goes on in this one
    ends: bool = False  # the packet is rejected here


class SymbolicMachine(Machine):
    """One run along one path."""

    def __init__(self, interpreter: Interpreter, explorer: Explorer) -> None:
        super().__init__(interpreter, b"", 0)
        self.explorer = explorer
        self.symbols: Symbols = explorer.symbols
        self.evaluator = SymbolicEvaluator(self)
        self.least_size = 0  # bytes that the packet has at least, by what was read
        self.size: int | None = None  # bytes that it has, where that decided
        self.step = 0  # choices since the state was entered

    def choose(self, options: Iterator[Option]) -> Option:
        """Return the option that this run takes."""
        self.step += 1
        return self.explorer.choose((self.state, self.step), options)

    def enter(self, name: str) -> None:
        super().enter(name)
        self.step = 0

    # ------------------------------------------------------------------------------------------ choices
    def holds(self, condition: Value) -> bool:
        """Decide a condition of one bit."""
        if isinstance(condition, int):
            return bool(condition)

        def options() -> Iterator[Option]:
            truth = self.symbols.truth(condition)
            yield Option("true", truth, 1)
            yield Option("false", z3.Not(truth), 0)

        return bool(self.choose(options()).value)

    def length(self, value: Value, width: int, limit: int) -> int:
        """Decide a length in bits; ``limit`` is the greatest that does not fail by itself."""
        if isinstance(value, int):
            return value
        place = self.state, self.step + 1

        def options() -> Iterator[Option]:
            vector = self.symbols.vector(value, width)
            names = ("least", "next", "greatest")
            top = (1 << width) - 1
            for kind, low, high in (("", 0, min(limit, top)), ("over ", limit + 1, top)):
                found = self.explorer.samples(vector, low, high, place) if low <= high else []
                for name, number in zip(names, found, strict=False):
                    yield Option(kind + name, vector == number, number)

        return self.choose(options()).value

    def number(self, value: Value, width: int, n: int) -> int:
        """Decide a number; all from ``n`` on are as good as ``n``."""
        if isinstance(value, int):
            return value

        def options() -> Iterator[Option]:
            vector = self.symbols.vector(value, width)
            for i in range(min(n, 1 << width)):
                yield Option(str(i), vector == i, i)
            if n < 1 << width:
                yield Option("beyond", z3.UGE(vector, n), n)

        return self.choose(options()).value

    # ------------------------------------------------------------------------------------------ packet
    def peek(self, offset: int, width: int) -> Value:
        """Return bits of the packet; decide whether it is long enough."""
        start = self.cursor + offset
        size = (start + width + 7) // 8
        if size > self.least_size:
            choice = self.choose(self.read_options(size))
            if choice.ends:
                self.size = choice.value
                self.reject(TOO_SHORT)
            self.least_size = size
        return PacketBits(start, width) if width else 0

    def read_options(self, size: int) -> Iterator[Option]:
        """Yield: long enough; ends where the reading starts; ends a byte short."""
        length, longest = self.symbols.length, self.explorer.max_size
        if size <= longest:
            yield Option("enough", z3.UGE(length, size) if self.explorer.uses_length else True)
        at_start, last = max(self.least_size, (self.cursor + 7) // 8), min(size - 1, longest)
        ends = {end for end in (at_start, last) if end <= last}
        if self.explorer.uses_length and not any(self.explorer.is_possible(length == end) for end in ends):
            ends = set(self.explorer.samples(length, self.least_size, last)[:1])  # other choices may leave others
        for end in sorted(ends):
            constraint = length == end if self.explorer.uses_length else True
            yield Option("ends before" if end == at_start else "ends within", constraint, end, ends=True)

    # ------------------------------------------------------------------------------------------ headers
    def locate(self, at: HeaderAt) -> HeaderState | None:
        if at.select == "index":
            assert at.index is not None
            index = self.number(self.evaluate(at.index), at.index.width, self.sizes[at.path])
            at = replace(at, index=Const(index, at.index.width))
        return super().locate(at)

    # ------------------------------------------------------------------------------------------ statements
    def execute(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Advance):
                room = self.explorer.max_size * 8 - self.cursor
                bits = self.length(self.evaluate(statement.bits), statement.bits.width, room)
                self.peek(0, bits)
                self.cursor += bits
            elif isinstance(statement, SetNext):
                size = self.sizes[statement.stack]
                self.next_index[statement.stack] = self.number(self.evaluate(statement.value), 32, size)
            elif isinstance(statement, Verify):
                if not self.holds(self.evaluate(statement.condition)):
                    raise Rejected(self.number(self.evaluate(statement.error), 32, len(self.program.errors)))
            elif isinstance(statement, If):
                self.execute(statement.then if self.holds(self.evaluate(statement.condition)) else statement.otherwise)
            else:
                super().execute((statement,))

    def extract(self, statement: Extract) -> None:
        bits = statement.varbit_bits
        if bits is not None:
            state = self.locate(statement.header)
            varbit = state.header.varbit if state else None
            limit = varbit.varbit_max_bits if varbit else 0
            known = self.length(self.evaluate(bits), bits.width, limit)
            statement = replace(statement, varbit_bits=Const(known, bits.width))
        super().extract(statement)

    def assign(self, target: VarRef | FieldRef | Slice, expr: Expr) -> None:
        place, low, width = target, 0, target.width
        while isinstance(place, Slice):
            low += place.low
            inner = place.operand
            assert isinstance(inner, VarRef | FieldRef | Slice)
            place = inner
        if isinstance(place, VarRef):
            value = self.evaluate(expr)
            self.variables[place.name] = self.splice(self.variables[place.name], value, low, width, place.width)
            return
        state = self.locate(place.header)
        value = self.evaluate(expr)
        if state is not None and state.valid:
            state.fields[place.field] = self.splice(state.fields[place.field], value, low, width, place.width)

    def splice(self, old: Value, new: Value, low: int, width: int, whole: int) -> Value:
        """Return ``old`` (``whole`` bits) with ``width`` bits from ``low`` on replaced."""
        if width == whole:
            return new
        parts: list[tuple[Value, int]] = [(new, width)]
        if low + width < whole:
            parts.insert(0, (self.symbols.cut(old, whole - 1, low + width, whole), whole - low - width))
        if low:
            parts.append((self.symbols.cut(old, low - 1, 0, whole), low))
        return self.symbols.concat(parts)

    # ------------------------------------------------------------------------------------------ transitions
    def select(self, select: Select) -> str:
        keys = [(self.evaluate(key), key) for key in select.keys]
        choice = self.choose(self.arms_of(select, keys))
        self.arms.append((self.state, choice.value))
        if choice.value < 0:
            self.reject("NoMatch")
        return choice.leads_to

    def arms_of(self, select: Select, keys: Sequence[tuple[Value, Expr]]) -> Iterator[Option]:
        """Yield the arms that can be taken: each if none before it matches; at last that none does."""
        others: list[Any] = []
        for i, case in enumerate(select.cases):
            parts = [
                self.in_value_set(keyset, keys[place:])
                if isinstance(keyset, model.InValueSet)
                else self.matches(keyset, *keys[place])
                for place, keyset in enumerate(case.keysets)
            ]
            if False in parts:
                continue
            conditions = [part for part in parts if part is not True]
            ends = case.target == REJECT
            yield Option(f"arm {i}", self.symbols.all_of(*conditions, *others), i, case.target, ends)
            if not conditions:
                return
            others.append(z3.Not(self.symbols.all_of(*conditions)))
        yield Option("no arm", self.symbols.all_of(*others), -1, REJECT, ends=True)

    def in_value_set(self, keyset: model.InValueSet, keys: Sequence[tuple[Value, Expr]]) -> Truth:
        """Return whether the first of these keys are in a value set: True, False, or a condition."""
        found: list[Truth] = []
        for entry in self.value_sets.get(keyset.name, ()):
            parts = [self.matches(part, *key) for part, key in zip(entry, keys, strict=False)]
            if False not in parts:
                found.append(self.symbols.all_of(*(part for part in parts if part is not True)))
        return z3.Or(*found) if found else False

    def matches(self, keyset: model.Keyset, value: Value, key: Expr) -> Truth:
        """Return whether a key's value is in a keyset: True, False, or a condition."""
        if isinstance(keyset, model.Any) or (isinstance(keyset, Masked) and not keyset.mask):
            return True
        if isinstance(keyset, Masked):
            if isinstance(value, int):
                return value & keyset.mask == keyset.value & keyset.mask
            vector = self.symbols.vector(value, key.width)
            return vector & keyset.mask == keyset.value & keyset.mask
        if not isinstance(keyset, Range):
            return False
        condition = z3.simplify(self.symbols.within(value, keyset.low, keyset.high, key.width, key.signed))
        return True if z3.is_true(condition) else False if z3.is_false(condition) else condition

    def go(self, transition: Goto) -> str:
        assert transition.target in (ACCEPT, REJECT) or transition.target in self.states
        return super().go(transition)


class SymbolicEvaluator(Evaluator):
    """Evaluates expressions to symbolic values; what can fail on one side only makes a choice."""

    machine: SymbolicMachine

    def evaluate(self, expr: Expr) -> Value:
        symbols = self.machine.symbols
        if isinstance(expr, PacketLength):
            return symbols.resize(symbols.length, LENGTH_BITS, expr.width, False)
        if isinstance(expr, InPort):
            return symbols.resize(symbols.in_port, 32, expr.width, False)
        return super().evaluate(expr)

    def varbits_equal(self, expr: VarbitEqual) -> Value:
        (n_left, left), (n_right, right) = self.varbit(expr.left), self.varbit(expr.right)
        if n_left != n_right or not n_left:
            return int(n_left == n_right)
        return self.machine.symbols.binary("==", (left, n_left), (right, n_right), False)

    def operate(self, expr: Expr) -> Value:
        symbols = self.machine.symbols
        if isinstance(expr, Slice):
            return symbols.cut(self.evaluate(expr.operand), expr.high, expr.low, expr.operand.width)
        if isinstance(expr, Concat):
            return symbols.concat([(self.evaluate(part), part.width) for part in expr.parts])
        if isinstance(expr, Resize):
            value, operand = self.evaluate(expr.operand), expr.operand
            return symbols.resize(value, operand.width, expr.width, operand.signed)
        if isinstance(expr, Unary):
            return symbols.unary(expr.op, self.evaluate(expr.operand), expr.width)
        if isinstance(expr, Mux):
            return self.mux(expr)
        assert isinstance(expr, Binary)
        left = self.evaluate(expr.left)
        if expr.op in ("&&", "||"):
            if not isinstance(left, int) and can_fail(expr.right):
                left = int(self.machine.holds(left))
            if isinstance(left, int):
                return left if bool(left) == (expr.op == "||") else self.evaluate(expr.right)
        right = self.evaluate(expr.right)
        return symbols.binary(expr.op, (left, expr.left.width), (right, expr.right.width), expr.left.signed)

    def mux(self, expr: Mux) -> Value:
        condition = self.evaluate(expr.condition)
        if not isinstance(condition, int) and (can_fail(expr.then) or can_fail(expr.otherwise)):
            condition = int(self.machine.holds(condition))
        if isinstance(condition, int):
            return self.evaluate(expr.then if condition else expr.otherwise)
        then, otherwise = self.evaluate(expr.then), self.evaluate(expr.otherwise)
        return self.machine.symbols.choose(condition, then, otherwise, expr.width)
