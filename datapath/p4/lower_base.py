"""The ground under lowering: instances, variables, the statements being collected, places, constants.

On it stand, one class upon the other, ``lower_expressions.py``, ``lower_statements.py``, ``lower_loops.py``,
``lower_arguments.py``, ``lower_calls.py``, ``lower_algorithms.py``, ``lower_externs.py``, ``lower_states.py`` and
``lower_selects.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, cast

from datapath.errors import Location
from datapath.ir import evaluate
from datapath.ir import model as ir
from datapath.ir.size import MAX_NODES, n_nodes
from datapath.p4 import ast, constants
from datapath.p4 import types as t
from datapath.p4.check_base import Info
from datapath.p4.jumps import Step
from datapath.p4.places import (
    Compound,
    HeaderPlace,
    Place,
    RValue,
    ScalarPlace,
    StackPlace,
    StructPlace,
    VarbitPlace,
    as_union,
    header_fields,
    is_signed,
    part_types,
    scalar_width,
)
from datapath.p4.source import Report, StopCompilationError

MAX_NOTES = 6  # of loops and calls, one in the other
STEPS_A_VARIABLE = 4
MAX_STEPS = 60_000  # of lowering: what makes no IR takes time all the same


class LoweringFailure(Exception):
    """A construct has no translation."""


@dataclass
class Frame:
    """One inlined body: what its names stand for, and the types that its type parameters are."""

    node: ast.Node
    prefix: str  # of the names of its states and variables
    env: dict[ast.Node, Place] = field(default_factory=dict)
    bound: Mapping[t.Type, t.Type] = field(default_factory=dict)
    instance: tuple[ast.Node, ...] = ()  # that is applied, by its declarations, outermost first
    accept: str = ir.ACCEPT  # where ``accept`` leads
    result: Place | None = None  # of a function
    leave: int | None = None  # the label of a function that returns from inside a loop


class LowerBase:
    """Instances, variables, places."""

    def __init__(self, info: Info, report: Report) -> None:
        self.info = info
        self.report = report
        self.headers: list[ir.Header] = []
        self.stacks: list[ir.Stack] = []
        self.variables: dict[str, ir.Variable] = {}
        self._of_headers: set[str] = set()  # paths that no variable may have
        self._n_called: dict[str, int] = {}  # variables that were to have a name: where to look for a free one
        self.value_sets: list[ir.ValueSet] = []
        self.errors = (*ir.CORE_ERRORS, *(e for e in info.errors if e not in ir.CORE_ERRORS))
        self.out: list[ir.Statement] = []
        self.frame = Frame(ast.BlockStmt(Location("", 0, 0), ()), "")
        self.active: list[ast.Node] = []  # declarations being inlined, outermost first
        self._multiplied: list[tuple[Location, str]] = []  # loops and calls being written out, outermost first
        self._n_nodes = 0
        self._n_steps = 0

    # ------------------------------------------------------------------------------------------------ faults
    def unsupported(
        self, location: Location, message: str, hint: str = "", notes: Iterable[tuple[Location, str]] = ()
    ) -> NoReturn:
        self.report.unsupported(location, message, hint, notes)
        raise LoweringFailure

    def emit(self, statement: ir.Statement) -> None:
        self._n_nodes += n_nodes(statement)
        self.step(getattr(statement, "location", None) or self.frame.node.loc)
        self.out.append(statement)

    def emit_step(self, step: Step) -> None:
        """Emit what is taken apart before it would be seen as IR (``lower_states.py``)."""
        self.emit(cast(ir.Statement, step))

    # ------------------------------------------------------------------------------------------------ size
    def step(self, location: Location, n_steps: int = 1) -> None:
        """Count what has been done; give up, at the outermost loop or call, when it is too much."""
        self._n_steps += n_steps
        if self._n_nodes > MAX_NODES:
            self.too_large(location, f"more than {MAX_NODES} statements and expressions")
        if self._n_steps > MAX_STEPS:
            self.too_large(location, f"more than {MAX_STEPS} steps of the compiler")

    def too_large(self, location: Location, what: str) -> NoReturn:
        """End the compilation: going on with the next statement would take as long again."""
        first, *inner = self._multiplied or [(location, "")]
        hint = "fewer rounds, fewer calls, or fewer elements that a run-time index chooses from"
        self.report.unsupported(first[0], f"this makes {what} when all is written out", hint, inner[:MAX_NOTES])
        raise StopCompilationError

    @contextmanager
    def multiplied(self, location: Location, what: str) -> Iterator[None]:
        """Remember, while something is written out, where that is."""
        self._multiplied.append((location, what))
        try:
            yield
        finally:
            self._multiplied.pop()

    # ------------------------------------------------------------------------------------------------ types
    def type_of(self, node: ast.Expr | ast.TypeNode) -> t.Type:
        return t.substitute(self.info.types.get(node, t.UNKNOWN), self.frame.bound)

    def subst(self, type_: t.Type) -> t.Type:
        return t.substitute(type_, self.frame.bound)

    # ------------------------------------------------------------------------------------------------ variables
    def variable(
        self, name: str, width: int, signed: bool = False, in_key: bool = False, location: Location | None = None
    ) -> ir.VarRef:
        """Make a variable; a name in use gets a number."""
        self.step(location or self.frame.node.loc, STEPS_A_VARIABLE)
        unique, n = name, self._n_called.get(name, 1)
        while unique in self.variables or unique in self._of_headers:
            n += 1
            unique = f"{name}_{n}"
        self._n_called[name] = n
        self.variables[unique] = ir.Variable(unique, width, signed, in_key, location=location)
        return ir.VarRef(unique, width, signed)

    def temporary(self, value: ir.Expr, location: Location | None) -> ir.VarRef:
        """Keep a value in a new variable."""
        ref = self.variable("tmp", value.width, value.signed)
        self.emit(ir.Assign(ref, value, location))
        return ref

    def local_place(
        self, type_: t.Type, name: str, location: Location, in_key: bool = False, declared: Location | None = None
    ) -> Place:
        """Make variables for something of ``type_``; ``declared`` is its declaration, if the program has one."""
        width = scalar_width(type_)
        if width is not None:
            return ScalarPlace(self.variable(name, width, is_signed(type_), in_key, declared))
        if t.is_empty(type_):
            return StructPlace(type_, {})
        if isinstance(type_, t.Varbit):
            return VarbitPlace(None, name)
        if isinstance(type_, t.Stack):
            parts = (self.local_place(type_.element, f"{name}[{i}]", location) for i in range(type_.size))
            return StackPlace("", type_, tuple(parts), self.variable(f"{name}.$next", 32))
        if isinstance(type_, t.Array):
            elements = {
                n: self.local_place(p, f"{name}[{n}]", location, in_key, declared) for n, p in part_types(type_)
            }
            return StructPlace(type_, elements)
        if isinstance(type_, t.Struct | t.Tuple):
            made = {
                n: self.local_place(p, f"{name}.{n}", location, in_key, _declared(type_, n, in_key, declared))
                for n, p in part_types(type_)
            }
            valid = ScalarPlace(self.variable(f"{name}.$valid", 1)) if t.is_header(type_) else None
            return StructPlace(type_, as_union(made) if t.is_union(type_) else made, valid)
        self.unsupported(location, f"a variable of type '{type_}'")

    # ------------------------------------------------------------------------------------------------ instances
    def instance_place(
        self, type_: t.Type, path: str, name: str, location: Location, in_key: bool, union: str = ""
    ) -> Place:
        """Make the instances of a parameter: headers under ``path``, everything else as variables under ``name``."""
        if t.is_header(type_):
            assert isinstance(type_, t.Struct)
            self.add_header(ir.Header(path, type_.name, header_fields(type_), union=union, location=location))
            return HeaderPlace(ir.HeaderAt(path), type_)
        if isinstance(type_, t.Stack):
            return self._stack_place(type_, path, name, location, in_key)
        if isinstance(type_, t.Array) and t.has_headers(type_):
            elements = {
                n: self.instance_place(p, f"{path}[{n}]", f"{name}[{n}]", location, in_key)
                for n, p in part_types(type_)
            }
            return StructPlace(type_, elements)
        if isinstance(type_, t.Struct) and t.has_headers(type_):
            inner_union = path if t.is_union(type_) else ""
            dot = "." if path else ""
            parts = {}
            for item in type_.fields:
                place_of = item.node.loc if item.node else location
                parts[item.name] = self.instance_place(
                    item.type, f"{path}{dot}{item.name}", f"{name}.{item.name}", place_of, in_key, inner_union
                )
            return StructPlace(type_, as_union(parts) if t.is_union(type_) else parts)
        return self.local_place(type_, name, location, in_key, declared=location if in_key else None)

    def _stack_place(self, type_: t.Stack, path: str, name: str, location: Location, in_key: bool) -> StackPlace:
        element = type_.element
        if not t.is_header(element):
            paths = [(f"{path}[{i}]", f"{name}[{i}]") for i in range(type_.size)]
            parts = [self.instance_place(element, p, n, location, in_key) for p, n in paths]
            return StackPlace("", type_, tuple(parts), self.variable(f"{name}.$next", 32))
        assert isinstance(element, t.Struct)
        self.stacks.append(ir.Stack(path, element.name, type_.size))
        places: list[Place] = []
        for i in range(type_.size):
            one = f"{path}[{i}]"
            fields = header_fields(element)
            self.add_header(ir.Header(one, element.name, fields, stack=path, index=i, location=location))
            places.append(HeaderPlace(ir.HeaderAt(one), element))
        return StackPlace(path, type_, tuple(places))

    def add_header(self, header: ir.Header) -> None:
        self.step(header.location or self.frame.node.loc)
        self.headers.append(header)
        self._of_headers |= {f"{header.path}.{name}" for name in ("$valid", *(f.name for f in header.fields))}

    # ------------------------------------------------------------------------------------------------ constants
    def constant(self, value: t.Value, type_: t.Type, location: Location) -> ir.Const | Compound:
        """Return a compile-time value as an IR constant."""
        if isinstance(value, t.EnumValue):
            if value.type == t.ERROR:
                return ir.Const(self.errors.index(value.member), 32)
            assert isinstance(value.type, t.Enum)
            return ir.Const(value.type.members.index(value.member), 32)
        if isinstance(value, tuple):
            parts = zip(part_types(type_), value, strict=False)
            return Compound(type_, {n: self.constant(v, p, location) for (n, p), v in parts}, _valid_if_header(type_))
        if isinstance(value, str):
            self.unsupported(location, "a string in a parser")
        if t.is_empty(type_):
            return Compound(type_, {})
        width = scalar_width(type_)
        if width is None:  # an int: as wide as it needs, for a shift or an index
            width = max(32, value.bit_length() + 1)
        return ir.Const(constants.pattern(value, width), width, is_signed(type_))

    def zero(self, type_: t.Type, location: Location) -> RValue:
        """Return the default value of a type: zeros, invalid headers."""
        width = scalar_width(type_)
        if width is not None:
            return ir.Const(0, width, is_signed(type_))
        self.step(location)
        if isinstance(type_, t.Struct | t.Tuple | t.Array | t.Varbit) or t.is_empty(type_):
            valid = ir.Const(0, 1) if t.is_header(type_) else None
            return Compound(type_, {n: self.zero(p, location) for n, p in part_types(type_)}, valid)
        self.unsupported(location, f"a default value of type '{type_}'")


def _declared(type_: t.Type, name: str, in_key: bool, whole: Location | None) -> Location | None:
    """Return where a part is declared: metadata field by field, a local variable as a whole."""
    part = type_.field(name) if in_key and isinstance(type_, t.Struct) else None
    return part.node.loc if part is not None and part.node is not None else whole


def _valid_if_header(type_: t.Type) -> ir.Const | None:
    return ir.Const(1, 1) if t.is_header(type_) else None


def constant_of(expr: ir.Expr) -> int | None:
    """Return the bit pattern of an expression made of constants only, else None."""
    if isinstance(expr, ir.Const):
        return expr.value
    if isinstance(expr, ir.Resize):
        value = constant_of(expr.operand)
        if value is None:
            return None
        return evaluate.number(value, expr.operand.width, expr.operand.signed) & ((1 << expr.width) - 1)
    if isinstance(expr, ir.Slice):
        value = constant_of(expr.operand)
        return None if value is None else (value >> expr.low) & ((1 << expr.width) - 1)
    if isinstance(expr, ir.Unary):
        value = constant_of(expr.operand)
        return None if value is None else evaluate.unary(expr.op, value, expr.width)
    if isinstance(expr, ir.Binary):
        left, right = constant_of(expr.left), constant_of(expr.right)
        if left is None or right is None:
            return None
        return evaluate.binary(expr.op, left, right, expr.left.width, expr.left.signed)
    if isinstance(expr, ir.Concat):
        total = 0
        for part in expr.parts:
            value = constant_of(part)
            if value is None:
                return None
            total = total << part.width | value
        return total
    return None
