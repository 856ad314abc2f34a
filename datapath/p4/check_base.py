"""The ground under the type checker: scopes, what is found out about each node, and the resolution of types.

On it stand, one class upon the other, ``check_operators.py``, ``check_expressions.py``, ``check_calls.py``,
``check_statements.py``, ``check_controls.py``, ``check_objects.py`` and ``typecheck.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.hints import unknown_hint
from datapath.p4.signatures import CALLABLE, check_param
from datapath.p4.source import Report

MAX_WIDTH = 65535  # bits, of a field or a number
MAX_ELEMENTS = 4096  # of an array


@dataclass
class Symbol:
    """What a name means.

    ``kind``: type, const, var, param, instance, function, action, table, value_set.  A constructor parameter is a const
    without ``value``.
    """

    name: str
    kind: str
    type: t.Type
    node: ast.Node
    location: Location
    value: t.Value | None = None
    direction: str = ""  # of a param
    functions: list[t.Function] = field(default_factory=list)  # an action has one
    packages: list[t.Block] = field(default_factory=list)  # of one name, told apart by their parameters


@dataclass(frozen=True)
class Call:
    """A resolved call: the function, its type arguments, and for each parameter its argument (None: the default).

    ``kind``: function, action, method (of an extern), builtin (of a header or stack), constructor, apply (of a parser
    or control), type (minSizeInBits).
    """

    kind: str
    name: str
    function: t.Function | None
    bound: Mapping[t.Type, t.Type]
    args: tuple[tuple[t.Param, ast.Expr | None], ...]
    block: t.Block | None = None  # the parser or control that is applied


@dataclass
class Info:
    """What the type checker knows about a program; keys are nodes of its tree."""

    types: dict[ast.Node, t.Type] = field(default_factory=dict)  # of expressions, and of what type nodes name
    values: dict[ast.Node, t.Value] = field(default_factory=dict)  # of expressions known at compile time
    written: list[ast.Node] = field(default_factory=list)  # the variables that are written to, write by write
    written_in: dict[ast.Node, frozenset[ast.Node]] = field(default_factory=dict)  # by a loop, its counting left out
    symbols: dict[ast.Node, Symbol] = field(default_factory=dict)  # what Names and declarations stand for
    calls: dict[ast.Node, Call] = field(default_factory=dict)
    blocks: dict[ast.Node, t.Block] = field(default_factory=dict)  # of parser and control declarations
    functions: dict[ast.Node, ast.FunctionDecl] = field(default_factory=dict)  # prototype -> declaration
    errors: list[str] = field(default_factory=list)  # members of ``error``, in order
    instances: dict[str, ast.Instantiation] = field(default_factory=dict)  # top level


@dataclass(frozen=True)
class Body:
    """What the statements being checked belong to: it decides what may stand and be called there.

    ``kind``: program (nothing yet), parser, control, action, function (a method too).
    """

    kind: str
    result: t.Type = t.VOID  # what ``return`` takes
    n_loops: int = 0  # around the statement

    @property
    def is_skipped(self) -> bool:
        """Is this a part that the switch does not run?"""
        return self.kind in ("control", "action")

    def __str__(self) -> str:
        return "an action" if self.kind == "action" else f"a {self.kind}"


class CheckBase:
    """Scopes and types."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.info = Info()
        self.scopes: list[dict[str, Symbol]] = [{}]
        self.error_nodes: dict[str, Location] = {}
        self.match_kinds: dict[str, Location] = {}
        self.later: dict[str, Location] = {}  # names that are declared at the top level further down
        self._n_type_vars = 0
        self.callees: dict[Hashable | None, set[ast.Node]] = {}  # part (None: what is used) -> functions called there
        self.body = Body("program")
        self.this: t.Type = t.UNKNOWN  # in a method

    # ------------------------------------------------------------------------------------------------ scopes
    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()

    @contextmanager
    def within(self, body: Body) -> Iterator[None]:
        """Check a body; its statements have a scope of their own."""
        outer, self.body = self.body, body
        try:
            with self.scope():
                yield
        finally:
            self.body = outer

    def find(self, name: str, absolute: bool = False) -> Symbol | None:
        for scope in reversed(self.scopes[:1] if absolute else self.scopes):
            if name in scope:
                return scope[name]
        return None

    def declare(self, symbol: Symbol) -> None:
        scope = self.scopes[-1]
        earlier = scope.get(symbol.name)
        if earlier is None:
            scope[symbol.name] = symbol
        elif earlier.kind == symbol.kind == "function":
            self._overload(earlier, symbol)
        elif earlier.packages and symbol.packages:
            earlier.packages.extend(symbol.packages)
        else:
            notes = [(earlier.location, "declared here before")]
            self.report.error(symbol.location, f"'{symbol.name}' is declared twice", notes=notes)
        self.info.symbols[symbol.node] = symbol

    def _overload(self, earlier: Symbol, symbol: Symbol) -> None:
        """Functions may share a name if their numbers of parameters differ (or the names of those do)."""
        for new in symbol.functions:
            names = [p.name for p in new.params]
            for old in earlier.functions:
                if [p.name for p in old.params] == names:
                    notes = [(old.node.loc, "declared here before")]
                    self.report.error(symbol.location, f"function '{symbol.name}' is declared twice", notes=notes)
        earlier.functions.extend(symbol.functions)

    def visible_names(self, kinds: tuple[str, ...] = ()) -> list[str]:
        return [n for scope in self.scopes for n, s in scope.items() if not kinds or s.kind in kinds]

    def unknown_name(self, location: Location, name: str, what: str, kinds: tuple[str, ...] = ()) -> None:
        message = f"unknown {what} '{name}'"
        if name in self.later:
            notes = [(self.later[name], "declared here, behind its use")]
            self.report.error(location, message, "declare it before it is used", notes)
        else:
            hint = self._method_hint(name) if what == "name" else ""
            hint = hint or unknown_hint(name, self.visible_names(kinds), self.body.kind == "parser")
            self.report.error(location, message, hint)

    def _method_hint(self, name: str) -> str:
        """Say whose method it is, if an object in sight has one of this name."""
        for symbol in (s for scope in reversed(self.scopes) for s in scope.values()):
            methods = symbol.type.methods if symbol.kind != "type" and isinstance(symbol.type, t.Extern) else ()
            if any(m.name == name for m in methods):
                return f"write {symbol.name}.{name}(...)"
        return ""

    def type_vars(self, names: tuple[str, ...], node: ast.Node) -> tuple[t.TypeVar, ...]:
        """Make type variables and declare them in the current scope."""
        made = []
        for name in names:
            if name in self.scopes[-1]:
                self.report.error(node.loc, f"two type parameters are named '{name}'")
            self._n_type_vars += 1
            variable = t.TypeVar(name, self._n_type_vars)
            made.append(variable)
            self.scopes[-1][name] = Symbol(name, "type", variable, node, node.loc)
        return tuple(made)

    # ------------------------------------------------------------------------------------------------ types
    def check(self, node: ast.Expr, want: t.Type | None = None) -> t.Type:
        raise NotImplementedError

    def constant_int(self, node: ast.Expr, what: str, least: int, most: int = MAX_WIDTH) -> int | None:
        """Evaluate an expression that must be a number known at compile time; report if it is not."""
        type_ = self.check(node)
        value = self.info.values.get(node)
        if isinstance(value, int) and not isinstance(value, bool):
            if least <= value <= most:
                return value
            self.report.error(node.loc, f"{what} is {value}, it must be {least} to {most}")
        elif type_ != t.UNKNOWN:
            self.report.error(node.loc, f"{what} must be a number known at compile time")
        return None

    def resolve(self, node: ast.TypeNode) -> t.Type:
        """Return the type that a type node names; unknown ones are reported."""
        if node not in self.info.types:
            self.info.types[node] = self._resolve(node)
        return self.info.types[node]

    def _resolve(self, node: ast.TypeNode) -> t.Type:
        if isinstance(node, ast.BaseType):
            return self._base_type(node)
        if isinstance(node, ast.NamedType):
            return self._named_type(node)
        if isinstance(node, ast.ArrayType):
            return self._array_type(node)
        if isinstance(node, ast.TupleTypeNode):
            items = tuple(self._tuple_item(a) for a in node.args)
            return t.UNKNOWN if t.UNKNOWN in items else t.Tuple(items)
        if isinstance(node, ast.ListTypeNode):
            return t.List(self.resolve(node.element))
        return t.ANY

    def _tuple_item(self, node: ast.TypeNode) -> t.Type:
        type_ = self.resolve(node)
        if isinstance(type_, t.Extern | t.Block) or type_ in (t.VOID, t.ANY):
            self.report.error(node.loc, f"a tuple cannot have an element of type '{type_}'")
            return t.UNKNOWN
        return type_

    def _base_type(self, node: ast.BaseType) -> t.Type:
        if node.kind not in ("bit", "sint", "varbit"):
            return t.Simple(node.kind)
        if node.width is None:
            return t.Bits(1)
        name = {"sint": "int"}.get(node.kind, node.kind)
        width = self.constant_int(node.width, f"the width of {name}", 1 if name == "int" else 0)
        if width is None:
            return t.UNKNOWN
        if node.kind == "varbit":
            return t.Varbit(width)
        return t.Bits(width, node.kind == "sint")

    def _array_type(self, node: ast.ArrayType) -> t.Type:
        element = self.resolve(node.element)
        size = self.constant_int(node.size, "the size of an array", 0 if self.body.is_skipped else 1, MAX_ELEMENTS)
        if element == t.UNKNOWN or size is None:
            return t.UNKNOWN
        if not _fits_array(element):
            self.report.error(node.loc, f"an array cannot have elements of type '{element}'")
            return t.UNKNOWN
        return t.array_of(element, size)

    def _named_type(self, node: ast.NamedType) -> t.Type:
        symbol = self.find(node.name)
        if symbol is None:
            self.unknown_name(node.loc, node.name, "type", ("type",))
            return t.UNKNOWN
        if symbol.kind != "type":
            notes = [(symbol.location, "declared here")]
            self.report.error(node.loc, f"'{node.name}' is not a type", notes=notes)
            return t.UNKNOWN
        args = tuple(self.resolve(a) for a in node.args) if node.args is not None else None
        of_size = [p for p in symbol.packages if args is not None and len(p.args) == len(args)]
        return self._specialize(node, of_size[0] if of_size else symbol.type, args)

    def _specialize(self, node: ast.NamedType, type_: t.Type, args: tuple[t.Type, ...] | None) -> t.Type:
        params: tuple[t.Type, ...] = ()
        if isinstance(type_, t.Struct | t.Extern | t.Block):
            params = type_.args
        if args is None:
            if isinstance(type_, t.Struct) and params and all(isinstance(p, t.TypeVar) for p in params):
                names = ", ".join(map(str, params))
                self.report.error(node.loc, f"'{node.name}' needs type arguments", hint=f"write {node.name}<{names}>")
                return t.UNKNOWN
            return type_  # a generic extern or block without arguments: they are inferred
        if len(args) != len(params):
            self.report.error(node.loc, f"'{node.name}' takes {len(params)} type arguments, {len(args)} given")
            return t.UNKNOWN
        made = t.substitute(type_, dict(zip(params, args, strict=True)))
        if isinstance(made, t.Struct):
            self._check_struct_args(node, made)
        return made

    def _check_struct_args(self, node: ast.NamedType, made: t.Struct) -> None:
        """Check that the fields of a generic struct or header still fit it."""
        for arg in made.args:
            if isinstance(arg, t.Extern | t.Block) or arg == t.VOID:
                self.report.error(node.loc, f"'{arg}' cannot be a type argument of '{node.name}'")
                return
        for item in made.fields:
            if not t.fits_struct(made.kind, item.type):
                assert item.node is not None
                notes = [(item.node.loc, f"field '{item.name}' is declared here")]
                message = f"a {made.kind.replace('_', ' ')} cannot have a field of type '{item.type}'"
                self.report.error(node.loc, message, notes=notes)

    def params(self, nodes: tuple[ast.Param, ...], of: str = CALLABLE) -> tuple[t.Param, ...]:
        """Resolve parameters; ``of`` says whose they are (``signatures.py``)."""
        made: list[t.Param] = []
        seen: dict[str, Location] = {}
        for node in nodes:
            if node.name in seen:
                notes = [(seen[node.name], "declared here before")]
                self.report.error(node.loc, f"two parameters are named '{node.name}'", notes=notes)
            seen[node.name] = node.loc
            optional = node.default is not None or any(a.name == "optional" for a in node.annotations)
            type_ = self.resolve(node.type)
            if node.default is not None:
                self.check(node.default, None if isinstance(type_, t.Block) else type_)
            made.append(t.Param(node.name, node.direction, type_, optional, node))
            check_param(self.report, made[-1], of)
        return tuple(made)


def _fits_array(type_: t.Type) -> bool:
    """Source: P4_16 specification 1.2.5, the table of section 7.2.8."""
    if isinstance(type_, t.Array):
        return not isinstance(type_, t.Stack) or isinstance(type_.element, t.TypeVar)
    return type_ == t.BOOL or isinstance(type_, t.Bits | t.Varbit | t.Enum | t.Newtype | t.Struct | t.TypeVar)
