"""Macros of the preprocessor: their definition, expansion, and the expressions of ``#if``.

Used by ``preprocess.py`` only.  A token that comes out of a macro has the place where the macro was used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datapath.errors import Location
from datapath.p4.lexer import IDENTIFIER, INTEGER, STRING, Token, integer_value, scan
from datapath.p4.source import Report, StopCompilationError

MAX_EXPANDED_TOKENS = 200_000  # nested doublings are a mistake or an attack, not a program
MAX_MACRO_DEPTH = 200


@dataclass(frozen=True)
class Macro:
    name: str
    params: tuple[str, ...] | None  # None: used without parentheses
    body: tuple[Token, ...]
    location: Location
    variadic: bool = False


class Expander:
    """Replaces macros in token lists."""

    def __init__(self, report: Report) -> None:
        self.macros: dict[str, Macro] = {}
        self.report = report
        self._n_expanded = 0

    def expand(self, tokens: list[Token], hidden: frozenset[str] = frozenset()) -> list[Token]:
        """Return ``tokens`` with macros replaced, those in ``hidden`` (being expanded already) excepted."""
        macros = self.macros
        out: list[Token] = []
        i = 0
        while i < len(tokens):
            token = tokens[i]
            i += 1
            if token.kind != IDENTIFIER:
                out.append(token)
            elif token.text in macros and token.text not in hidden:
                i = self._use(macros[token.text], tokens, i, hidden, out)
            elif token.text == "__LINE__":
                out.append(token._replace(kind=INTEGER, text=str(token.line)))
            elif token.text == "__FILE__":
                out.append(token._replace(kind=STRING, text=f'"{token.file}"'))
            else:
                out.append(token)
        return out

    def _use(self, macro: Macro, tokens: list[Token], i: int, hidden: frozenset[str], out: list[Token]) -> int:
        """Append the expansion of the macro named just before ``tokens[i]``; return where to go on."""
        use = tokens[i - 1]
        body = list(macro.body)
        self.report.add_macro_use(use.location, macro.location)
        if macro.params is not None:
            if i >= len(tokens) or tokens[i].kind != "(":
                out.append(use)
                return i
            args, i = self._arguments(macro, use, tokens, i)
            body = self._substitute(macro, args, hidden)
        placed = _paste([Token(t.kind, t.text, use.file, use.line, use.column) for t in body])
        self._n_expanded += len(placed)
        if self._n_expanded > MAX_EXPANDED_TOKENS or len(hidden) > MAX_MACRO_DEPTH:
            self.report.error(use.location, f"macro '{use.text}' expands without bounds")
            raise StopCompilationError
        out.extend(self.expand(placed, hidden | {macro.name}))
        return i

    def _arguments(self, macro: Macro, use: Token, tokens: list[Token], i: int) -> tuple[list[list[Token]], int]:
        assert macro.params is not None
        args: list[list[Token]] = [[]]
        depth = 0
        for j in range(i, len(tokens)):
            token = tokens[j]
            if token.kind in ("(", "[", "{"):
                depth += 1
            elif token.kind in (")", "]", "}"):
                depth -= 1
            if depth == 0:
                break
            rest = macro.variadic and len(args) == len(macro.params)
            if token.kind == "," and depth == 1 and not rest:
                args.append([])
            elif j > i:
                args[-1].append(token)
        else:
            self.report.error(use.location, f"the arguments of macro '{macro.name}' are never closed")
            raise StopCompilationError
        if args == [[]] and not macro.params:
            args = []
        if macro.variadic and len(args) == len(macro.params) - 1:
            args.append([])
        if len(args) != len(macro.params):
            self.report.error(
                use.location,
                f"macro '{macro.name}' needs {len(macro.params)} arguments, not {len(args)}",
                notes=[(macro.location, "defined here")],
            )
            args = (args + [[]] * len(macro.params))[: len(macro.params)]
        return args, j + 1

    def _substitute(self, macro: Macro, args: list[list[Token]], hidden: frozenset[str]) -> list[Token]:
        assert macro.params is not None
        bound = dict(zip(macro.params, args, strict=True))
        body = macro.body
        out: list[Token] = []
        for i, token in enumerate(body):
            if token.kind == "#" and _is_param(body, i + 1, bound) and not _is_paste(body, i):
                continue
            if token.kind == IDENTIFIER and token.text in bound:
                before = body[i - 1].kind if i else ""
                if before == "#" and not _is_paste(body, i - 1):
                    text = " ".join(t.text for t in bound[token.text]).replace("\\", "\\\\").replace('"', '\\"')
                    out.append(token._replace(kind=STRING, text=f'"{text}"'))
                elif _is_paste(body, i - 1) or _is_paste(body, i + 1):
                    out.extend(bound[token.text])
                else:
                    out.extend(self.expand(bound[token.text], hidden))
            else:
                out.append(token)
        return out


def _is_param(body: tuple[Token, ...], i: int, bound: Mapping[str, object]) -> bool:
    return i < len(body) and body[i].kind == IDENTIFIER and body[i].text in bound


def _is_paste(body: tuple[Token, ...], i: int) -> bool:
    """Is ``body[i]`` half of ``##``?"""
    if not 0 <= i < len(body) or body[i].kind != "#":
        return False
    return (i > 0 and body[i - 1].kind == "#") or (i + 1 < len(body) and body[i + 1].kind == "#")


def _paste(tokens: list[Token]) -> list[Token]:
    """Join the tokens on either side of ``##``."""
    out: list[Token] = []
    i = 0
    while i < len(tokens):
        if tokens[i].kind == "#" and out and i + 2 < len(tokens) and tokens[i + 1].kind == "#":
            left = out.pop()
            joined = scan(left.text + tokens[i + 2].text, left.file)[:-1]
            out.extend(Token(t.kind, t.text, left.file, left.line, left.column) for t in joined)
            i += 3
        else:
            out.append(tokens[i])
            i += 1
    return out


# ---------------------------------------------------------------------------------------------------- #if
_LEVELS = ("||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %")
_PRECEDENCE = {op: level for level, ops in enumerate(_LEVELS) for op in ops.split(" ")}


class ConditionError(Exception):
    """An #if expression is malformed; carries the token at fault."""

    def __init__(self, message: str, token: Token | None = None) -> None:
        super().__init__(message)
        self.token = token


class Condition:
    """Evaluates the expression of an ``#if``, ``defined`` and macros already replaced."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = _join_shifts(list(tokens))
        self.i = 0

    def value(self) -> int:
        """Return the value.

        Raises:
            ConditionError: malformed.
        """
        value = self._ternary(0)
        if self.i < len(self.tokens):
            raise ConditionError(f"unexpected '{self.tokens[self.i].text}' in #if", self.tokens[self.i])
        return value

    def _peek(self) -> str:
        return self.tokens[self.i].kind if self.i < len(self.tokens) else ""

    def _ternary(self, depth: int) -> int:
        condition = self._binary(0, depth)
        if self._peek() != "?":
            return condition
        self.i += 1
        then = self._ternary(depth + 1)
        if self._peek() != ":":
            raise ConditionError("':' is missing in #if")
        self.i += 1
        otherwise = self._ternary(depth + 1)
        return then if condition else otherwise

    def _binary(self, level: int, depth: int) -> int:
        left = self._unary(depth + 1)
        while _PRECEDENCE.get(self._peek(), -1) >= level:
            op = self._peek()
            self.i += 1
            left = _apply(op, left, self._binary(_PRECEDENCE[op] + 1, depth + 1))
        return left

    def _unary(self, depth: int) -> int:
        if depth > MAX_MACRO_DEPTH:
            raise ConditionError("#if is nested too deeply")
        if self.i >= len(self.tokens):
            raise ConditionError("#if needs an expression")
        token = self.tokens[self.i]
        self.i += 1
        if token.kind == "!":
            return int(not self._unary(depth + 1))
        if token.kind in ("-", "+", "~"):
            value = self._unary(depth + 1)
            return {"-": -value, "+": value, "~": ~value}[token.kind]
        if token.kind == "(":
            value = self._ternary(depth + 1)
            if self._peek() != ")":
                raise ConditionError("')' is missing in #if", token)
            self.i += 1
            return value
        if token.kind == INTEGER:
            try:
                return integer_value(token.text)[0]
            except ValueError as error:
                raise ConditionError("not a number", token) from error
        if token.kind == IDENTIFIER:
            return int(token.text == "true")
        raise ConditionError(f"unexpected '{token.text}' in #if", token)


def _join_shifts(tokens: list[Token]) -> list[Token]:
    out: list[Token] = []
    for token in tokens:
        if token.kind == ">" and out and out[-1].kind == ">" and out[-1].column + 1 == token.column:
            out[-1] = out[-1]._replace(kind=">>", text=">>")
        else:
            out.append(token)
    return out


def _apply(op: str, a: int, b: int) -> int:
    if op in ("/", "%"):
        if b == 0:
            raise ConditionError("division by zero in #if")
        return a // b if op == "/" else a % b
    if op in ("<<", ">>"):
        if not 0 <= b < 4096:
            raise ConditionError("shift out of range in #if")
        return a << b if op == "<<" else a >> b
    table = {
        "+": a + b,
        "-": a - b,
        "*": a * b,
        "<": int(a < b),
        ">": int(a > b),
        "<=": int(a <= b),
        ">=": int(a >= b),
        "==": int(a == b),
        "!=": int(a != b),
        "&": a & b,
        "|": a | b,
        "^": a ^ b,
        "&&": int(bool(a) and bool(b)),
        "||": int(bool(a) or bool(b)),
    }
    return table[op]
