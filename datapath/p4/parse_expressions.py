"""Expressions, annotations and keysets.  Stands on ``parse_stream.py``; ``parse_statements.py`` stands on this.

Source: P4_16 specification 1.2.5, appendix G; the order of precedence is the grammar's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4.lexer import BAD, END, IDENTIFIER, INTEGER, STRING, Token
from datapath.p4.parse_stream import MAX_CHAIN, TYPE_STARTS, ParseFailure, TokenStream, describe, spans_lines

PRECEDENCE = {
    op: level
    for level, ops in enumerate(
        (
            ("||",),
            ("&&",),
            ("==", "!="),
            ("<", ">", "<=", ">="),
            ("|",),
            ("^",),
            ("&",),
            ("<<", ">>"),
            ("++", "+", "-", "|+|", "|-|"),
            ("*", "/", "%"),
        )
    )
    for op in ops
}


class ExpressionParser(TokenStream):
    """Expressions."""

    _in_angles = False

    def expression(self) -> ast.Expr:
        with self.nested():
            condition = self._binary(0)
            if not self.at("?"):
                return condition
            question = self.next()
            then = self.expression()
            self.expect(":")
            return ast.TernaryExpr(question.location, condition, then, self.expression())

    def width(self) -> ast.Expr:
        """The width of ``bit<...>``: a number or parentheses; else any expression without a ``>``."""
        with self.angles(True):
            return self.expression()

    @contextmanager
    def angles(self, inside: bool) -> Iterator[None]:
        """Say whether a ``>`` closes what is being parsed, or compares."""
        outer, self._in_angles = self._in_angles, inside
        try:
            yield
        finally:
            self._in_angles = outer

    def _operator(self) -> str:
        """Return the binary operator at the token: two neighbouring ``>`` are a shift, unless ``>>=`` assigns."""
        if self.at(">"):
            if self._in_angles or self.adjacent(">="):
                return ""
            return ">>" if self.adjacent(">") else ">"
        if self.at("+") and self.adjacent(":"):
            return ""  # of a slice: x[low+:width]
        return self.token.kind

    def _binary(self, level: int) -> ast.Expr:
        left = self._unary()
        for _ in range(MAX_CHAIN):
            op = self._operator()
            precedence = PRECEDENCE.get(op, -1)
            if precedence < level:
                return left
            location = self.next().location
            if op == ">>":
                self.next()
            left = ast.BinaryExpr(location, op, left, self._binary(precedence + 1))
        self.fail(f"more than {MAX_CHAIN} operators in a row")

    def _unary(self) -> ast.Expr:
        token = self.token
        if token.kind in ("!", "~", "-", "+"):
            self.next()
            with self.nested():
                return ast.UnaryExpr(token.location, token.kind, self._unary())
        if token.kind == "(" and self._at_cast():
            self.next()
            target = self.type()
            self.expect(")")
            with self.nested():
                return ast.CastExpr(token.location, target, self._unary())
        return self._postfix(self._primary())

    def _at_cast(self) -> bool:
        following = self.peek()
        if following.kind in TYPE_STARTS:
            return following.kind != "error" or self.peek(2).kind != "."
        name_at = 2 if following.kind == "." else 1
        name = self.peek(name_at)
        return (
            name.kind == IDENTIFIER
            and self.is_type_name(name.text) is True
            and self.peek(name_at + 1).kind in (")", "<", "[")
        )

    # ------------------------------------------------------------------------------------------------ primaries
    def _primary(self) -> ast.Expr:
        token = self.token
        kind = token.kind
        if kind == INTEGER:
            return self.integer()
        if self.is_name(token) or kind == ".":
            return self._name()
        if kind == STRING:
            self.next()
            return ast.StringLiteral(token.location, token.text[1:-1].replace('\\"', '"').replace("\\\\", "\\"))
        if kind in ("true", "false"):
            self.next()
            return ast.BoolLiteral(token.location, kind == "true")
        if kind == "(":
            self.next()
            with self.angles(False):
                inner = self.expression()
            self.expect(")")
            return inner
        if kind == "{":
            return self._braces()
        if kind in ("this", "...", "{#}"):
            self.next()
            if kind == "this":
                return ast.This(token.location)
            return ast.Dots(token.location) if kind == "..." else ast.InvalidExpr(token.location)
        if kind in TYPE_STARTS:
            return ast.TypeExpr(token.location, self.type())
        self.fail(f"expected an expression, found {describe(token)}")

    def _name(self) -> ast.Expr:
        absolute = self.accept(".") is not None
        token = self.name()
        if self.is_type_name(token.text, absolute) is True and not (absolute and self.at("=")):
            args = self.type_args() if self.at("<") else None
            return ast.TypeExpr(token.location, ast.NamedType(token.location, token.text, args))
        return ast.Name(token.location, token.text, absolute)

    def _postfix(self, base: ast.Expr) -> ast.Expr:
        for _ in range(MAX_CHAIN):
            if self.at("."):
                self.next()
                member = self.name("a member")
                base = ast.Member(member.location, base, member.text)
            elif self.at("["):
                base = self._index(base)
            elif self.at("("):
                base = ast.CallExpr(base.loc, base, (), self.arguments())
            elif self.at("<") and isinstance(base, ast.Name | ast.Member):
                args = self.speculate(self._call_type_args)
                if args is None:
                    return base
                base = ast.CallExpr(base.loc, base, args, self.arguments())
            else:
                return base
        self.fail(f"more than {MAX_CHAIN} members in a row")

    def _call_type_args(self) -> tuple[ast.TypeNode, ...]:
        """Type arguments of a call; anything else is a comparison."""
        args = self.type_args()
        if not self.at("(") or any(self._is_value(a) for a in args):
            self.fail("not type arguments")
        return args

    def _is_value(self, node: ast.TypeNode) -> bool:
        return isinstance(node, ast.NamedType) and self.is_type_name(node.name) is False

    def _index(self, base: ast.Expr) -> ast.Expr:
        bracket = self.expect("[")
        first = self.expression()
        if self.accept(":"):
            second = self.expression()
            self.expect("]")
            return ast.SliceExpr(bracket.location, base, first, second)
        if self.at("+") and self.adjacent(":"):
            self.next()
            self.next()
            second = self.expression()
            self.expect("]")
            return ast.PlusSliceExpr(bracket.location, base, first, second)
        self.expect("]")
        return ast.IndexExpr(bracket.location, base, first)

    def _braces(self) -> ast.Expr:
        brace = self.expect("{")
        if self.is_name(self.token) and self.peek().kind == "=":
            return self._struct(brace.location)
        items: list[ast.Expr] = []
        while not self.at("}"):
            items.append(self.expression())
            if not self.accept(","):
                break
        self.expect("}")
        return ast.ListExpr(brace.location, tuple(items))

    def _struct(self, location: Location) -> ast.StructExpr:
        fields: list[ast.KeyValue] = []
        dots = False
        while not self.at("}"):
            if self.accept("..."):
                dots = True
            else:
                fields.append(self.key_value())
            if not self.accept(","):
                break
        self.expect("}")
        return ast.StructExpr(location, tuple(fields), dots)

    def key_value(self) -> ast.KeyValue:
        name = self.name()
        self.expect("=")
        return ast.KeyValue(name.location, name.text, self.expression())

    def arguments(self) -> tuple[ast.Argument, ...]:
        """``(`` argumentList ``)``."""
        self.expect("(")
        args: list[ast.Argument] = []
        while not self.at(")"):
            name, location = "", self.token.location
            if self.is_name(self.token) and self.peek().kind == "=":
                name = self.next().text
                self.next()
            with self.angles(False):
                value = ast.DontCare(self.next().location) if self.at("_") else self.expression()
            args.append(ast.Argument(location, name, value))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(args)

    # ------------------------------------------------------------------------------------------------ keysets
    def keyset(self) -> ast.Expr:
        """keysetExpression: a parenthesised list is a tuple of keysets."""
        if self.at("("):
            parsed = self.speculate(self._tuple_keyset)
            if parsed is not None:
                return parsed
        return self.simple_keyset()

    def _tuple_keyset(self) -> ast.TupleKeyset:
        location = self.expect("(").location
        items = [self.simple_keyset()]
        while self.accept(","):
            items.append(self.simple_keyset())
        self.expect(")")
        sole = len(items) == 1 and not isinstance(items[0], ast.MaskExpr | ast.RangeExpr | ast.DontCare)
        if sole or not self.at(":", ",", "@"):
            self.fail("not a tuple of keysets")
        return ast.TupleKeyset(location, tuple(items))

    def simple_keyset(self) -> ast.Expr:
        token = self.token
        if token.kind in ("_", "default"):
            self.next()
            return ast.DontCare(token.location)
        left = self.expression()
        if self.accept("&&&"):
            return ast.MaskExpr(left.loc, left, self.expression())
        if self.accept(".."):
            return ast.RangeExpr(left.loc, left, self.expression())
        return left

    # ------------------------------------------------------------------------------------------------ annotations
    def annotations(self) -> tuple[ast.Annotation, ...]:
        """optAnnotations."""
        found: list[ast.Annotation] = []
        while self.at("@"):
            self.next()
            token = self.next()
            if token.kind != IDENTIFIER and not token.text.isidentifier():
                self.fail("expected the annotation's name")
            if token.text == "pragma":
                found.append(ast.Annotation(token.location, token.text, tokens=self._rest_of_line(token)))
            elif self.at("("):
                found.append(ast.Annotation(token.location, token.text, tokens=self._annotation_tokens()))
            elif self.at("["):
                found.append(self._structured(token.location, token.text))
            else:
                found.append(ast.Annotation(token.location, token.text))
        return tuple(found)

    def _rest_of_line(self, first: Token) -> tuple[str, ...]:
        texts: list[str] = []
        while (self.token.file, self.token.line) == (first.file, first.line) and not self.at(END):
            texts.append(self.next().text)
        return tuple(texts)

    def _annotation_tokens(self) -> tuple[str, ...]:
        start = self.i
        self.expect("(")
        depth = 1
        texts: list[str] = []
        while True:
            if self.at(END):
                self._open_annotation(start)
            if self.at(BAD) and self.token.text.startswith(('"', "/*")):
                self._open_annotation(start)  # anything else may stand here
            token = self.next()
            depth += (token.kind == "(") - (token.kind == ")")
            if depth == 0:
                return tuple(texts)
            texts.append(token.text)

    def _open_annotation(self, start: int) -> NoReturn:
        """Report an annotation that is never closed, or the string in it that is not."""
        for token in self.tokens[start : self.i]:
            if spans_lines(token):
                self.open_string(token)
                raise ParseFailure
        self.fail("this annotation is never closed", "close it with )")

    def _structured(self, location: Location, name: str) -> ast.Annotation:
        self.expect("[")
        items: list[ast.Expr] = []
        pairs: list[ast.KeyValue] = []
        while not self.at("]"):
            if self.is_name(self.token) and self.peek().kind == "=":
                pairs.append(self.key_value())
            else:
                items.append(self.expression())
            if not self.accept(","):
                break
        self.expect("]")
        if items and pairs:
            self.report.error(location, f"annotation @{name} mixes expressions and key-value pairs")
        return ast.Annotation(location, name, items=tuple(items), pairs=tuple(pairs))
