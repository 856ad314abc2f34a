"""Random parsers in IR, and packets for them: every construct that code generation translates.

Deterministic: the same seed gives the same program and packets.  Expressions that have no translation (run-time shifts
of wide values and the like) are not made.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from datapath.ir.model import (
    CORE_ERRORS,
    Advance,
    Any,
    Assign,
    Binary,
    Case,
    Concat,
    Const,
    CopyHeader,
    Evaluate,
    Expr,
    Extract,
    Field,
    FieldRef,
    Goto,
    Header,
    HeaderAt,
    If,
    InPort,
    IsValid,
    Keyset,
    Lookahead,
    Masked,
    Mux,
    PacketLength,
    Program,
    PushPop,
    Range,
    Resize,
    Select,
    SetValid,
    Slice,
    Stack,
    StackLastIndex,
    State,
    Statement,
    Transition,
    Unary,
    Variable,
    VarRef,
    Verify,
)

ERRORS = (*CORE_ERRORS, "Custom")


@dataclass
class Maker:
    """Makes one program."""

    rng: random.Random
    aligned: bool  # every header is whole bytes
    headers: list[Header] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------ declarations
    def fields(self) -> tuple[Field, ...]:
        widths, offset = [], 0
        for _ in range(self.rng.randint(1, 5)):
            widths.append(self.rng.choice([1, 3, 4, 5, 8, 8, 13, 16, 16, 24, 32, 48, 64, 70, 128]))
        if self.aligned and sum(widths) % 8:
            widths.append(8 - sum(widths) % 8)
        result = []
        for i, width in enumerate(widths):
            result.append(Field(f"f{i}", offset, width, self.rng.random() < 0.15))
            offset += width
        return tuple(result)

    def with_varbit(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        places = [i for i, f in enumerate(fields) if not self.aligned or f.offset_bits % 8 == 0]
        place = self.rng.choice([*places, len(fields)])
        offset = fields[place].offset_bits if place < len(fields) else sum(f.width_bits for f in fields)
        varbit = Field("v", offset, 0, varbit_max_bits=self.rng.choice([16, 64, 320]))
        return (*fields[:place], varbit, *fields[place:])

    def declare(self) -> None:
        for i in range(self.rng.randint(1, 4)):
            fields = self.fields()
            self.headers.append(
                Header(f"h{i}", f"h{i}_t", self.with_varbit(fields) if self.rng.random() < 0.3 else fields)
            )
        for i in range(self.rng.choice([0, 1, 1, 2])):
            size, fields = self.rng.randint(1, 3), self.fields()
            self.stacks.append(Stack(f"s{i}", f"s{i}_t", size))
            self.headers += [Header(f"s{i}[{j}]", f"s{i}_t", fields, f"s{i}", j) for j in range(size)]
        if self.rng.random() < 0.3:
            self.headers += [Header(f"u.m{j}", f"m{j}_t", self.fields(), union="u") for j in range(2)]
        for i in range(self.rng.randint(0, 4)):
            width, in_key = self.rng.choice([1, 7, 8, 16, 32, 33, 64, 65, 130]), self.rng.random() < 0.5
            initial = self.rng.choice([0, self.rng.getrandbits(width)])
            self.variables.append(Variable(f"m.v{i}", width, self.rng.random() < 0.2, in_key, initial))

    # ------------------------------------------------------------------------------------------ expressions
    def at(self, for_write: bool = False) -> HeaderAt:
        if self.stacks and self.rng.random() < 0.4:
            stack = self.rng.choice(self.stacks)
            select = self.rng.choice(["next", "last", "last", "index"])
            if select == "index":
                return HeaderAt(stack.path, "index", self.expr(self.rng.choice([2, 8]), 1))
            return HeaderAt(stack.path, "last" if not for_write and select == "next" else select)
        return HeaderAt(self.rng.choice(self.headers).path)

    def type_of(self, at: HeaderAt) -> Header:
        return next(h for h in self.headers if h.path == at.path or h.stack == at.path)

    def field_ref(self) -> FieldRef:
        at = self.at()
        item = self.rng.choice([f for f in self.type_of(at).fields if f.width_bits])
        return FieldRef(at, item.name, item.width_bits, item.signed)

    def leaf(self) -> Expr:
        kind = self.rng.random()
        if kind < 0.45:
            return self.field_ref()
        if kind < 0.6 and self.variables:
            variable = self.rng.choice(self.variables)
            return VarRef(variable.name, variable.width_bits, variable.signed)
        if kind < 0.72:
            return Lookahead(self.rng.choice([1, 4, 8, 12, 16, 33, 64, 100]), self.rng.choice([0, 0, 3, 8, 17]))
        if kind < 0.76:
            return self.rng.choice([PacketLength(), InPort()])
        if kind < 0.8 and self.stacks:
            return StackLastIndex(self.rng.choice(self.stacks).path, self.rng.random() < 0.5)
        width = self.rng.choice([1, 8, 16, 32, 64, 96])
        return Const(self.rng.getrandbits(width), width)

    def fit(self, expr: Expr, width: int, signed: bool = False) -> Expr:
        if expr.width > width and self.rng.random() < 0.5:
            low = self.rng.randint(0, expr.width - width)
            expr = Slice(expr, low + width - 1, low, False)
        return expr if (expr.width, expr.signed) == (width, signed) else Resize(expr, width, signed)

    def expr(self, width: int, depth: int, signed: bool | None = None) -> Expr:
        signed = self.rng.random() < 0.15 if signed is None else signed
        if depth <= 0 or self.rng.random() < 0.25:
            return self.fit(self.leaf(), width, signed)
        kinds = ["binary", "binary", "mux", "unary", "shift", "slice"]
        kind = self.rng.choice(["bool", "bool", *kinds] if width == 1 and not signed else kinds)
        if kind == "bool":
            return self.condition(depth)
        if kind == "mux":
            return Mux(self.condition(depth - 1), *(self.expr(width, depth - 1, signed) for _ in "ab"), width, signed)
        if kind == "unary":
            return Unary(self.rng.choice("~-"), self.expr(width, depth - 1, signed), width, signed)
        if kind == "slice" and not signed:
            more = self.rng.choice([1, 5, 40, 70])
            if self.rng.random() < 0.5:
                return Slice(self.expr(width + more, depth - 1), width + more - 1, more)
            parts = Concat((self.expr(more, depth - 1, False), self.expr(width, depth - 1, False)))
            return Slice(parts, width - 1, 0)
        if kind == "shift":
            amount: Expr = Const(self.rng.randint(0, width + 2), 8)
            if width <= 64 and self.rng.random() < 0.5:
                amount = self.expr(8, depth - 1, False)
            return Binary(self.rng.choice(["<<", ">>"]), self.expr(width, depth - 1, signed), amount, width, signed)
        operators = ["+", "-", "&", "|", "^"]
        if width <= 64:
            operators += ["*"] + ([] if signed else ["/", "%"]) + ([] if signed and width > 63 else ["|+|", "|-|"])
        sides = [self.expr(width, depth - 1, signed) for _ in "lr"]
        return Binary(self.rng.choice(operators), sides[0], sides[1], width, signed)

    def condition(self, depth: int) -> Expr:
        kind = self.rng.random()
        if kind < 0.15:
            return IsValid(self.at())
        if kind < 0.4 and depth > 0:
            sides = [self.condition(depth - 1) for _ in "lr"]
            return Binary(self.rng.choice(["&&", "||"]), sides[0], sides[1], 1)
        if kind < 0.5 and depth > 0:
            return Unary("!", self.condition(depth - 1), 1)
        width, signed = self.rng.choice([1, 8, 16, 64, 65, 128]), self.rng.random() < 0.2
        sides = [self.expr(width, depth - 1, signed) for _ in "lr"]
        return Binary(self.rng.choice(["==", "!=", "<", "<=", ">", ">="]), sides[0], sides[1], 1)

    # ------------------------------------------------------------------------------------------ statements
    def extract(self) -> Statement:
        if self.stacks and self.rng.random() < 0.4:
            at = HeaderAt(self.rng.choice(self.stacks).path, "next")
        else:
            at = self.at(True)
        return Extract(at, self.size() if self.type_of(at).varbit else None)

    def size(self) -> Expr:
        """A number of bits, mostly small; in whole bytes for aligned programs."""
        small = Resize(self.expr(self.rng.choice([2, 4]), 1, False), 32)
        if self.aligned:
            return Binary("*", small, Const(self.rng.choice([8, 32]), 32), 32)
        return self.rng.choice([small, Binary("<<", small, Const(1, 8), 32), self.expr(32, 1, False)])

    def statement(self, depth: int = 1) -> Statement:
        kind = self.rng.random()
        if kind < 0.4:
            return self.extract()
        if kind < 0.47:
            return Advance(self.size() if self.rng.random() < 0.5 else Const(8 * self.rng.randint(0, 3), 32))
        if kind < 0.7:
            return self.assign()
        if kind < 0.76:
            return SetValid(self.at(True), self.rng.random() < 0.6)
        if kind < 0.8 and self.stacks:
            stack = self.rng.choice(self.stacks)
            if self.rng.random() < 0.5:
                return PushPop(stack.path, self.rng.choice([-2, -1, 1, 2]))
            return CopyHeader(*(HeaderAt(f"{stack.path}[{self.rng.randrange(stack.size)}]") for _ in "ab"))
        if kind < 0.87:
            error: Expr = Const(self.rng.randint(1, len(ERRORS) - 1), 32)
            return Verify(Binary("||", self.condition(1), self.condition(1), 1), error)
        if kind < 0.95 and depth:
            then, otherwise = (tuple(self.statement(depth - 1) for _ in range(self.rng.randint(0, 2))) for _ in "te")
            return If(self.condition(1), then, otherwise)
        return Evaluate(self.expr(16, 1))

    def assign(self) -> Statement:
        if self.variables and self.rng.random() < 0.6:
            variable = self.rng.choice(self.variables)
            target: VarRef | FieldRef | Slice = VarRef(variable.name, variable.width_bits, variable.signed)
        else:
            at = self.at(True)
            item = self.rng.choice([f for f in self.type_of(at).fields if f.width_bits])
            target = FieldRef(at, item.name, item.width_bits, item.signed)
        if target.width > 2 and self.rng.random() < 0.4:
            low = self.rng.randrange(target.width)
            target = Slice(target, self.rng.randint(low, target.width - 1), low)
        return Assign(target, self.expr(target.width, 2, target.signed))

    # ------------------------------------------------------------------------------------------ states
    def keyset(self, key: Expr) -> Keyset:
        kind, top = self.rng.random(), (1 << key.width) - 1
        if kind < 0.15:
            return Any()
        value = self.rng.getrandbits(min(key.width, self.rng.choice([1, 2, key.width])))
        if kind < 0.7:
            mask = self.rng.choice([top, top, self.rng.getrandbits(key.width), 1])
            return Masked(value & mask, mask)
        other = self.rng.getrandbits(key.width)
        if key.signed:
            half = 1 << (key.width - 1)
            low, high = sorted((value ^ half, other ^ half))
            return Range(low ^ half, high ^ half)
        return Range(min(value, other), max(value, other))

    def transition(self, names: list[str]) -> Transition:
        if self.rng.random() < 0.2:
            return Goto(self.rng.choice(names))
        widths = [self.rng.choice([1, 2, 4, 8, 16, 70]) for _ in range(self.rng.choice([1, 1, 2]))]
        keys = tuple(self.expr(w, 1) for w in widths)
        n = self.rng.randint(1, 4)
        cases = [Case(tuple(self.keyset(k) for k in keys), self.rng.choice(names)) for _ in range(n)]
        if self.rng.random() < 0.6:
            cases.append(Case(tuple(Any() for _ in keys), self.rng.choice(names)))
        return Select(keys, tuple(cases))

    def program(self) -> Program:
        self.declare()
        names = ["start", *(f"p{i}" for i in range(self.rng.randint(1, 5)))]
        choices = [*names, *names, "accept", "accept", "reject"]
        states = []
        for name in names:
            statements = [self.extract()] if self.rng.random() < 0.6 else []
            statements += [self.statement() for _ in range(self.rng.randint(0, 3))]
            states.append(State(name, tuple(statements), self.transition(choices)))
        headers = tuple(self.headers)
        order = tuple(h.path for h in headers)
        return Program(
            "random", "random.p4", headers, tuple(self.stacks), tuple(self.variables), ERRORS, tuple(states), order
        )


def random_program(seed: int) -> Program:
    """Return the program of a seed."""
    rng = random.Random(seed)
    return Maker(rng, aligned=rng.random() < 0.6).program()


def random_packets(seed: int, n: int) -> list[bytes]:
    """Return packets with many small numbers in them, of all lengths from nothing."""
    rng = random.Random(seed)
    packets = []
    for _ in range(n):
        size = rng.choice([rng.randrange(8), rng.randrange(40), rng.randrange(200), rng.randrange(1500)])
        mode = rng.random()
        data = rng.randbytes(size)
        if mode < 0.4:
            data = bytes(rng.choice([0, 0, 0, 1, 1, 2, 3, 255]) for _ in range(size))
        elif mode < 0.6:
            data = bytes(b & rng.choice([255, 3, 1, 0]) for b in data)
        packets.append(data)
    return packets
