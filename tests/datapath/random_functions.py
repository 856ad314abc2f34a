"""Random P4 programs of functions, calls and loops, with what they compute worked out by walking their tree.

What ``random_programs.py`` is for code generation, this is for lowering: the oracle here knows neither the front end
nor the IR.  Deterministic: the same seed gives the same program.  All values are ``bit<8>``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

N_VARIABLES = 4
N_ELEMENTS = 4
MAX_ROUNDS = 64  # of loops that are not written out (ir/model.MAX_STATE_VISITS)
ARITHMETIC = ("+", "-", "*", "&", "|", "^")
COMPARES = ("==", "!=", "<", "<=", ">", ">=")
DIRECTIONS = ("in", "in", "inout", "inout", "out")

Tree = tuple[Any, ...]  # an expression or a statement: its kind, then its parts


class Jump(Exception):
    """break, continue or return on its way."""

    def __init__(self, kind: str, value: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class TooManyRounds(Exception):
    """The packet goes round more often than a parser lets it."""


@dataclass(frozen=True)
class Function:
    name: str
    params: tuple[tuple[str, str], ...]  # name, direction
    body: tuple[Tree, ...]


@dataclass
class Scope:
    """What a statement can name: variables to read, those of them to write, and whether there is an array."""

    readable: list[str]
    writable: list[str]
    has_array: bool
    in_function: bool
    n_loops: int = 0

    def inside(self, readable: str, is_writable: bool) -> Scope:
        writable = [*self.writable, *([readable] if is_writable else [])]
        return Scope([*self.readable, readable], writable, self.has_array, self.in_function, self.n_loops + 1)


@dataclass
class Maker:
    """Makes one program."""

    rng: random.Random
    functions: list[Function] = field(default_factory=list)
    n_names: int = 0

    def name(self) -> str:
        self.n_names += 1
        return f"i{self.n_names}"

    # ------------------------------------------------------------------------------------------ expressions
    def expr(self, scope: Scope, depth: int) -> Tree:
        kind = self.rng.random()
        if depth <= 0 or kind < 0.3:
            return self.leaf(scope)
        if kind < 0.45 and self.functions:
            return self.call(scope)
        if kind < 0.55:
            return ("mux", self.condition(scope, depth - 1), self.expr(scope, depth - 1), self.expr(scope, depth - 1))
        return ("binary", self.rng.choice(ARITHMETIC), self.expr(scope, depth - 1), self.expr(scope, depth - 1))

    def leaf(self, scope: Scope) -> Tree:
        if self.rng.random() < 0.25:
            return ("number", self.rng.choice([0, 1, 2, 3, 7, 255]))
        return self.place(scope, scope.readable)

    def place(self, scope: Scope, names: list[str]) -> Tree:
        if scope.has_array and self.rng.random() < 0.3:
            return ("element", self.rng.choice([self.leaf(scope), ("number", self.rng.randrange(N_ELEMENTS))]))
        return ("variable", self.rng.choice(names))

    def condition(self, scope: Scope, depth: int) -> Tree:
        kind = self.rng.random()
        if depth > 0 and kind < 0.25:
            return (self.rng.choice(["and", "or"]), self.condition(scope, depth - 1), self.condition(scope, depth - 1))
        if depth > 0 and kind < 0.35:
            return ("not", self.condition(scope, depth - 1))
        return ("compare", self.rng.choice(COMPARES), self.expr(scope, depth - 1), self.expr(scope, depth - 1))

    def call(self, scope: Scope) -> Tree:
        """A call, of whose arguments some are calls that change what others name."""
        function = self.rng.choice(self.functions)
        args = []
        for _, direction in function.params:
            if direction != "in":
                args.append(self.place(scope, scope.writable))
            elif self.rng.random() < 0.3:
                args.append(self.call(scope))
            else:
                args.append(self.expr(scope, self.rng.choice([0, 0, 1])))
        return ("call", function, tuple(args))

    # ------------------------------------------------------------------------------------------ statements
    def statements(self, scope: Scope, depth: int) -> tuple[Tree, ...]:
        return tuple(self.statement(scope, depth) for _ in range(self.rng.randint(1, 3)))

    def statement(self, scope: Scope, depth: int) -> Tree:
        kind = self.rng.random()
        if depth > 0 and kind < 0.3:
            return self.loop(scope, depth - 1)
        if depth > 0 and kind < 0.5:
            otherwise = self.statements(scope, depth - 1) if self.rng.random() < 0.5 else ()
            return ("if", self.condition(scope, 1), self.statements(scope, depth - 1), otherwise)
        if scope.n_loops and kind < 0.62:
            return ("if", self.condition(scope, 1), ((self.rng.choice(["break", "continue"]),),), ())
        if scope.in_function and kind < 0.7:
            return ("if", self.condition(scope, 1), (("return", self.expr(scope, 1)),), ())
        if kind < 0.78 and self.functions:
            return ("do", self.call(scope))
        return ("assign", self.place(scope, scope.writable), self.expr(scope, 2))

    def loop(self, scope: Scope, depth: int) -> Tree:
        name, known = self.name(), self.rng.random() < 0.5
        if self.rng.random() < 0.5:
            start = ("number", self.rng.randrange(3)) if known else ("binary", "&", self.leaf(scope), ("number", 1))
            end = ("number", self.rng.randrange(5)) if known else ("binary", "&", self.expr(scope, 1), ("number", 3))
            body = self.statements(scope.inside(name, is_writable=False), depth)
            return ("for", name, start, end, self.rng.choice([1, 2]), body)
        is_writable = self.rng.random() < 0.5
        low = ("number", self.rng.choice([0, 1, 253])) if known else self.leaf(scope)
        high = ("number", low[1] + self.rng.randrange(3)) if known else ("binary", "|", low, ("number", 2))
        return ("in", name, low, high, self.statements(scope.inside(name, is_writable), depth))

    # ------------------------------------------------------------------------------------------ programs
    def function(self, number: int) -> Function:
        params = tuple((f"p{i}", self.rng.choice(DIRECTIONS)) for i in range(self.rng.randint(1, 3)))
        names, writable = [n for n, _ in params] + ["x"], [n for n, d in params if d != "in"] + ["x"]
        scope = Scope(names, writable, has_array=False, in_function=True)
        body = (*self.statements(scope, 2), ("return", self.expr(scope, 1)))
        return Function(f"f{number}", params, body)

    def program(self) -> RandomFunctions:
        for number in range(self.rng.randint(1, 3)):
            self.functions.append(self.function(number))
        names = [f"v{i}" for i in range(N_VARIABLES)]
        scope = Scope(names, names, has_array=True, in_function=False)
        body = [statement for _ in range(2) for statement in self.statements(scope, 3)]
        return RandomFunctions(tuple(self.functions), tuple(body))


# ---------------------------------------------------------------------------------------------------- text
def text_of(tree: Tree) -> str:
    """Return an expression in P4."""
    kind, *parts = tree
    if kind == "number":
        return f"8w{parts[0]}"
    if kind == "variable":
        return str(parts[0])
    if kind == "element":
        return f"array[{text_of(parts[0])} & 3]"
    if kind == "call":
        return f"{parts[0].name}({', '.join(map(text_of, parts[1]))})"
    if kind == "mux":
        return f"({text_of(parts[0])} ? {text_of(parts[1])} : {text_of(parts[2])})"
    if kind == "not":
        return f"(!{text_of(parts[0])})"
    if kind in ("and", "or"):
        return f"({text_of(parts[0])} {'&&' if kind == 'and' else '||'} {text_of(parts[1])})"
    return f"({text_of(parts[1])} {parts[0]} {text_of(parts[2])})"


def lines_of(statements: tuple[Tree, ...], indent: str) -> list[str]:
    """Return statements in P4."""
    lines: list[str] = []
    for kind, *parts in statements:
        if kind == "assign":
            lines.append(f"{indent}{text_of(parts[0])} = {text_of(parts[1])};")
        elif kind == "do":
            lines.append(f"{indent}{text_of(parts[0])};")
        elif kind == "return":
            lines.append(f"{indent}return {text_of(parts[0])};")
        elif kind in ("break", "continue"):
            lines.append(f"{indent}{kind};")
        else:
            lines += [indent + _head(kind, parts), *lines_of(parts[1] if kind == "if" else parts[-1], indent + "    ")]
            if kind == "if" and parts[2]:
                lines += [indent + "} else {", *lines_of(parts[2], indent + "    ")]
            lines.append(indent + "}")
    return lines


def _head(kind: str, parts: list[Any]) -> str:
    if kind == "if":
        return f"if ({text_of(parts[0])}) {{"
    if kind == "in":
        return f"for (bit<8> {parts[0]} in {text_of(parts[1])} .. {text_of(parts[2])}) {{"
    name, start, end, step, _ = parts
    return f"for (bit<8> {name} = {text_of(start)}; {name} < {text_of(end)}; {name} = {name} + {step}) {{"


# ---------------------------------------------------------------------------------------------------- the oracle
@dataclass
class Run:
    """One run: the rounds of all loops so far, and the parser's array."""

    array: list[int] = field(default_factory=lambda: [0] * N_ELEMENTS)
    n_rounds: int = 0

    def value(self, tree: Tree, names: dict[str, int]) -> int:
        kind, *parts = tree
        if kind == "number":
            return int(parts[0])
        if kind in ("variable", "element"):
            return self.read(self.locate(tree, names), names)
        if kind == "call":
            return self.called(parts[0], parts[1], names)
        if kind == "mux":
            return self.value(parts[1] if self.holds(parts[0], names) else parts[2], names)
        left = self.value(parts[1], names)
        right = self.value(parts[2], names)
        results = {"+": left + right, "-": left - right, "*": left * right, "&": left & right, "|": left | right}
        return results.get(parts[0], left ^ right) & 0xFF

    def holds(self, tree: Tree, names: dict[str, int]) -> bool:
        kind, *parts = tree
        if kind == "not":
            return not self.holds(parts[0], names)
        if kind == "and":
            return self.holds(parts[0], names) and self.holds(parts[1], names)
        if kind == "or":
            return self.holds(parts[0], names) or self.holds(parts[1], names)
        left = self.value(parts[1], names)
        right = self.value(parts[2], names)
        results = {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right}
        return results[parts[0]] if parts[0] in results else left > right if parts[0] == ">" else left >= right

    def locate(self, tree: Tree, names: dict[str, int]) -> str | int:
        """Return a variable's name or an element's number."""
        return str(tree[1]) if tree[0] == "variable" else self.value(tree[1], names) & 3

    def read(self, place: str | int, names: dict[str, int]) -> int:
        return names[place] if isinstance(place, str) else self.array[place]

    def write(self, place: str | int, value: int, names: dict[str, int]) -> None:
        if isinstance(place, str):
            names[place] = value
        else:
            self.array[place] = value

    def called(self, function: Function, args: tuple[Tree, ...], names: dict[str, int]) -> int:
        """P4_16 6.8."""
        inner, outs = {"x": 0}, []
        for (param, direction), arg in zip(function.params, args, strict=True):
            if direction == "in":
                inner[param] = self.value(arg, names)
                continue
            place = self.locate(arg, names)
            inner[param] = self.read(place, names) if direction == "inout" else 0
            outs.append((place, param))
        result = 0
        try:
            self.run(function.body, inner)
        except Jump as jump:
            result = jump.value
        for place, param in outs:
            self.write(place, inner[param], names)
        return result

    def run(self, statements: tuple[Tree, ...], names: dict[str, int]) -> None:
        for kind, *parts in statements:
            if kind == "assign":
                place = self.locate(parts[0], names)
                self.write(place, self.value(parts[1], names), names)
            elif kind == "do":
                self.value(parts[0], names)
            elif kind == "if":
                self.run(parts[1] if self.holds(parts[0], names) else parts[2], names)
            elif kind == "return":
                raise Jump(kind, self.value(parts[0], names))
            elif kind in ("break", "continue"):
                raise Jump(kind)
            else:
                self.loop(kind, parts, names)

    def loop(self, kind: str, parts: list[Any], names: dict[str, int]) -> None:
        name, body = parts[0], parts[-1]
        value = self.value(parts[1], names)
        last = self.value(parts[2], names) if kind == "in" else 0
        names[name] = value
        while value <= last if kind == "in" else value < self.value(parts[2], names):
            if self.round(body, names):
                return
            value = value + (1 if kind == "in" else parts[3])
            value = value if kind == "in" else value & 0xFF
            names[name] = value & 0xFF

    def round(self, body: tuple[Tree, ...], names: dict[str, int]) -> bool:
        """Run one round; return whether it breaks off the loop."""
        self.n_rounds += 1
        if self.n_rounds > MAX_ROUNDS:
            raise TooManyRounds
        try:
            self.run(body, names)
        except Jump as jump:
            if jump.kind == "return":
                raise
            return jump.kind == "break"
        return False


@dataclass(frozen=True)
class RandomFunctions:
    """A program; its parser reads ``N_VARIABLES`` bytes into variables and gives variables and array as metadata."""

    functions: tuple[Function, ...]
    body: tuple[Tree, ...]

    def text(self) -> str:
        fields = [f"v{i}" for i in range(N_VARIABLES)]
        results = [*fields, *(f"a{i}" for i in range(N_ELEMENTS))]
        lines = ["#include <core.p4>", f"header h_t {{ {' '.join(f'bit<8> {n};' for n in fields)} }}"]
        lines += ["struct headers_t { h_t h; }", f"struct meta_t {{ {' '.join(f'bit<8> {n};' for n in results)} }}"]
        for function in self.functions:
            params = ", ".join(f"{direction} bit<8> {name}" for name, direction in function.params)
            lines += [f"bit<8> {function.name}({params}) {{", "    bit<8> x = 0;"]
            lines += [*lines_of(function.body, "    "), "}"]
        lines += ["parser P(packet_in p, out headers_t hdr, inout meta_t meta) {", "    state start {"]
        lines += ["        p.extract(hdr.h);", "        bit<8>[4] array = { 0, 0, 0, 0 };"]
        lines += [f"        bit<8> {n} = hdr.h.{n};" for n in fields]
        lines += lines_of(self.body, "        ")
        lines += [f"        meta.{n} = {n};" for n in fields]
        lines += [f"        meta.a{i} = array[{i}];" for i in range(N_ELEMENTS)]
        return "\n".join([*lines, "        transition accept;", "    }", "}", ""])

    def results(self, packet: bytes) -> dict[str, int] | None:
        """Return the metadata after a packet, None if it goes round too often."""
        run = Run()
        names = {f"v{i}": packet[i] for i in range(N_VARIABLES)}
        try:
            run.run(self.body, names)
        except TooManyRounds:
            return None
        found = {f"meta.v{i}": names[f"v{i}"] for i in range(N_VARIABLES)}
        return found | {f"meta.a{i}": value for i, value in enumerate(run.array)}


def random_functions(seed: int) -> RandomFunctions:
    """Return the program of a seed."""
    return Maker(random.Random(seed)).program()


def random_bytes(seed: int, n: int) -> list[bytes]:
    """Return packets, most of small numbers."""
    rng = random.Random(seed)
    return [bytes(rng.choice([0, 1, 2, 3, 4, 7, 254, 255]) for _ in range(N_VARIABLES)) for _ in range(n)]
