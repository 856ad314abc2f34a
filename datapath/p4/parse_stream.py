"""The ground under the recursive-descent parser: tokens, names known to be types, errors and recovery, types.

``parse_expressions.py``, ``parse_statements.py`` and ``parser.py`` build on it, one class upon the other.

P4's grammar needs to know which names are types (``a < b`` or ``a<b>``, a cast or parentheses), so the parser keeps a
stack of scopes that says only that of each name.  An unknown name is decided by what follows it, so that a misspelt
type is reported by the type checker, with a suggestion, and not as a strange syntax error here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4.lexer import BAD, END, IDENTIFIER, INTEGER, KEYWORDS, STRING, Token, integer_value
from datapath.p4.source import Report

MAX_NESTING = 200  # of parentheses, blocks, types; the recursion limit of p4.load() allows for it
MAX_CHAIN = 1000  # operators in a row, which nest in the tree
NAME_KEYWORDS = frozenset(("apply", "key", "actions", "state", "entries", "type", "priority", "list"))
BASE_TYPES = frozenset(("bool", "error", "match_kind", "string", "void", "int", "bit", "varbit"))
OUTER = frozenset(("control", "parser", "header", "header_union", "struct", "package", END))  # never within braces
TYPE_STARTS = BASE_TYPES | {"tuple", "list"}

Item = TypeVar("Item")


class ParseFailure(Exception):
    """Unwinds to where parsing can go on; the fault is in the report already."""


class TokenStream:
    """Tokens, names and recovery."""

    def __init__(self, tokens: Sequence[Token], report: Report) -> None:
        self.tokens = tokens
        self.i = 0
        self.token = tokens[0]
        self.report = report
        self._scopes: list[dict[str, bool]] = [{}]
        self._speculating = 0
        self._nesting = 0
        self._unclosed: set[Location] = set()  # each ``{`` that was reported to be so

    # ------------------------------------------------------------------------------------------------ tokens
    def next(self) -> Token:
        token = self.token
        if token.kind != END:
            self.i += 1
            self.token = self.tokens[self.i]
        return token

    def peek(self, distance: int = 1) -> Token:
        return self.tokens[min(self.i + distance, len(self.tokens) - 1)]

    def at(self, *kinds: str) -> bool:
        return self.token.kind in kinds

    def accept(self, kind: str) -> Token | None:
        return self.next() if self.token.kind == kind else None

    def expect(self, kind: str, what: str = "", hint: str = "") -> Token:
        if self.token.kind == kind:
            return self.next()
        last = self.tokens[max(0, self.i - 1)]
        if kind == "}" and self.token.kind in OUTER and not self._speculating:
            self.missing_brace()
            return last  # go on as if it were there
        if spans_lines(last):
            self.fail("")  # says that of the string
        if kind == ";" and last.line != self.token.line and self.token.kind != BAD and not self._speculating:
            self.report.error(_behind(last), f"expected ';', found {describe(self.token)}")
            return last  # go on as if it were there: what follows on the next line is most likely sound
        message = f"expected {what or repr(kind)}, found {describe(self.token)}"
        self.fail(message, hint, after_previous=kind in ";)}]")

    def missing_brace(self) -> None:
        """Report that what began with the last open ``{`` is not closed before the token."""
        depth = 0
        notes = []
        for token in reversed(self.tokens[: self.i]):
            if token.location in self._unclosed:
                continue  # told already
            depth += (token.kind == "}") - (token.kind == "{")
            if depth < 0:
                self._unclosed.add(token.location)
                notes = [(token.location, "this '{' is not closed")]
                break
        self.report.error(self.token.location, f"'}}' is missing before {describe(self.token)}", notes=notes)

    def at_end_of(self, close: str) -> bool:
        """Does a list end here: with its bracket, or because something begins that cannot stand in it?"""
        return self.at(close, END) or (close == "}" and self.token.kind in OUTER)

    def is_name(self, token: Token) -> bool:
        return token.kind == IDENTIFIER or token.kind in NAME_KEYWORDS

    def name(self, what: str = "a name") -> Token:
        if self.is_name(self.token):
            return self.next()
        hint = "it is a keyword of P4" if self.token.kind in KEYWORDS and self.token.kind != "_" else ""
        self.fail(f"expected {what}, found {describe(self.token)}", hint)

    def adjacent(self, kind: str) -> bool:
        """Is the token after this one of ``kind``, with no blank between?"""
        a, b = self.token, self.peek()
        return b.kind == kind and (a.file, a.line, a.column + len(a.text)) == (b.file, b.line, b.column)

    # ------------------------------------------------------------------------------------------------ errors
    def fail(self, message: str, hint: str = "", after_previous: bool = False) -> NoReturn:
        """Report at the token, or just behind the one before if the token is on another line; unwind."""
        if not self._speculating:
            token = self.token
            location = token.location
            if self.i and spans_lines(self.tokens[self.i - 1]):
                self.open_string(self.tokens[self.i - 1])
                raise ParseFailure
            if token.kind == BAD:
                message, hint = bad_token(token.text)
            elif after_previous and self.i:
                last = self.tokens[self.i - 1]
                if (last.file, last.line) != (token.file, token.line):
                    location = _behind(last)
            self.report.error(location, message, hint)
        raise ParseFailure

    def open_string(self, token: Token) -> None:
        """Report a string of several lines, behind which nothing makes sense."""
        end = token.line + token.text.count("\n")
        self.report.error(token.location, f"this string goes on to line {end}", hint="is its closing quote missing?")

    def speculate(self, parse: Callable[[], Item]) -> Item | None:
        """Try to parse; go back and return None if that fails."""
        start, nesting = self.i, self._nesting
        self._speculating += 1
        try:
            return parse()
        except ParseFailure:
            self.i, self._nesting = start, nesting
            self.token = self.tokens[start]
            return None
        finally:
            self._speculating -= 1

    def items(self, close: str, parse: Callable[[], Item]) -> tuple[Item, ...]:
        """Parse until ``close``, going on behind the next ``;`` or ``}`` after a fault."""
        found: list[Item] = []
        while not self.at_end_of(close):
            start = self.i
            try:
                found.append(parse())
            except ParseFailure:
                if self._speculating:
                    raise
                self.recover(start)
        return tuple(found)

    def recover(self, start: int, depth: int = 0) -> None:
        """Skip to behind the ``;`` or block that the fault stands in, or up to the ``}`` that closes the list.

        ``depth`` is the number of ``{`` that are open since ``start``.
        """
        while not self.at(END):
            if self.token.kind in OUTER and self.i > start and _begins_line(self.tokens, self.i):
                break
            if self.at("{"):
                depth += 1
            elif self.at("}"):
                if depth == 0:
                    break
                depth -= 1
                if depth == 0:
                    self.next()
                    return
            elif self.at(";") and depth == 0:
                self.next()
                return
            self.next()
        if self.i == start:
            self.next()

    @contextmanager
    def nested(self) -> Iterator[None]:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self.fail(f"nested more than {MAX_NESTING} deep")
        yield
        self._nesting -= 1

    # ------------------------------------------------------------------------------------------------ names
    @contextmanager
    def scope(self, type_names: Sequence[str] = ()) -> Iterator[None]:
        self._scopes.append(dict.fromkeys(type_names, True))
        try:
            yield
        finally:
            self._scopes.pop()

    def declare(self, name: str, is_type: bool) -> None:
        self._scopes[-1][name] = is_type

    def is_type_name(self, name: str, absolute: bool = False) -> bool | None:
        """Return True for a type, False for anything else, None if the name was never declared."""
        for scope in reversed(self._scopes[:1] if absolute else self._scopes):
            if name in scope:
                return scope[name]
        return None

    # ------------------------------------------------------------------------------------------------ types
    def expression(self) -> ast.Expr:
        raise NotImplementedError

    def width(self) -> ast.Expr:
        raise NotImplementedError

    def type(self, what: str = "a type") -> ast.TypeNode:
        """typeRef."""
        with self.nested():
            token = self.token
            parsed: ast.TypeNode
            if token.kind in BASE_TYPES:
                parsed = self._base_type()
            elif token.kind == "tuple":
                self.next()
                parsed = ast.TupleTypeNode(token.location, self.type_args())
            elif token.kind == "list" and self.peek().kind == "<":
                self.next()
                args = self.type_args()
                if len(args) != 1:
                    self.fail("a list has one element type")
                parsed = ast.ListTypeNode(token.location, args[0])
            else:
                self.accept(".")
                token = self.name(what)
                parsed = ast.NamedType(token.location, token.text, self.type_args() if self.at("<") else None)
            while self.at("[") and not isinstance(parsed, ast.AnyType):
                self.next()
                size = self.expression()
                self.expect("]")
                parsed = ast.ArrayType(token.location, parsed, size)
        return parsed

    def sizes(self) -> tuple[ast.Expr, ...]:
        """Sizes of an array behind the name, as p4c takes them: ``bit<8> a[4]`` is ``bit<8>[4] a``."""
        found: list[ast.Expr] = []
        while self.accept("["):
            found.append(self.expression())
            self.expect("]")
        return tuple(found)

    def sized(self, type_: ast.TypeNode) -> ast.TypeNode:
        """Return the type of what has this name and these sizes; of ``a[2][3]`` there are two of three."""
        for size in reversed(self.sizes()):
            type_ = ast.ArrayType(type_.loc, type_, size)
        return type_

    def _base_type(self) -> ast.BaseType:
        token = self.next()
        kind = token.kind
        if kind not in ("int", "bit", "varbit") or (kind != "varbit" and not self.at("<")):
            return ast.BaseType(token.location, kind)
        self.expect("<")
        width: ast.Expr
        width = self.width()
        self.expect(">", f"'>' (an expression goes in parentheses: {kind}<(N)>)")
        return ast.BaseType(token.location, "sint" if kind == "int" else kind, width)

    def integer(self) -> ast.IntLiteral:
        token = self.expect(INTEGER, "a number")
        try:
            value, width, signed = integer_value(token.text)
        except ValueError:
            self.report.error(token.location, f"'{token.text[:40]}' is no number")
            return ast.IntLiteral(token.location, 0)
        if width == 0 and re.match(r"[\d_]+[ws]", token.text):
            self.report.error(token.location, "a literal cannot be 0 bits wide")
        return ast.IntLiteral(token.location, value, width, signed)

    def type_args(self) -> tuple[ast.TypeNode, ...]:
        """``<`` typeArgumentList ``>``."""
        self.expect("<")
        args: list[ast.TypeNode] = []
        while not self.at(">"):
            if self.at("_"):
                args.append(ast.AnyType(self.next().location))
            else:
                args.append(self.type("a type argument"))
            if not self.accept(","):
                break
        self.expect(">")
        return tuple(args)

    def type_params(self) -> tuple[str, ...]:
        """optTypeParameters."""
        if not self.accept("<"):
            return ()
        names = [self.name("a type parameter").text]
        while self.accept(","):
            names.append(self.name("a type parameter").text)
        self.expect(">")
        return tuple(names)


def spans_lines(token: Token) -> bool:
    return token.kind == STRING and "\n" in token.text


def _begins_line(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].column == 1 and tokens[i].line != tokens[i - 1].line


def _behind(token: Token) -> Location:
    return Location(token.file, token.line, token.column + len(token.text))


def describe(token: Token) -> str:
    return token.kind if token.kind == END else f"'{token.text[:40]}'"


def bad_token(text: str) -> tuple[str, str]:
    if text.startswith("/*"):
        return "this comment is never closed", "close it with */"
    if text.startswith('"'):
        return "this string is never closed", 'close it with " on the same line'
    if re.match(r"(\d+[ws])?0[xX]", text):
        return f"'{text[:40]}' is no number", "hexadecimal digits are 0 to 9 and a to f"
    if text[0].isdigit():
        return f"'{text[:40]}' is no number", "a width comes first: 8w255, 16w0xff, 4s7"
    return f"'{text}' has no meaning in P4", ""
