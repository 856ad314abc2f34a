"""Reads the order of headers on the wire off the deparser, and paths of header fields out of controls.

Used by ``lower.py`` and ``checksums.py``.  Nothing of a control is lowered: a name is a parameter here, a member is a
path, and what cannot be followed is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.architecture import Parts
from datapath.p4.check_base import Info
from datapath.p4.lower_expressions import LowerExpressions
from datapath.p4.places import HeaderPlace, Place, ScalarPlace, StackPlace, StructPlace, headers_in, part_types

MAX_DEPTH = 16  # of controls that apply controls


@dataclass(frozen=True)
class View:
    """A control's body with the places that its parameters stand for."""

    control: ast.ControlDecl
    places: dict[str, Place]


class Root:
    """The headers (and other parameters) of the parser, to be given to controls by their types."""

    def __init__(self, lowering: LowerExpressions, root: Place | None, params: dict[str, Place], info: Info) -> None:
        self.lowering = lowering
        self.root = root
        self.params = params
        self.info = info
        self.used: dict[ast.ControlDecl, dict[str, None]] = {}  # what each control tells, in order

    def use(self, view: View, what: str) -> None:
        """Remember that something was read off a control."""
        self.used.setdefault(view.control, {})[what] = None

    def view(self, control: ast.ControlDecl) -> View:
        """Give a control's parameters the parser's places of the same types."""
        places: dict[str, Place] = {}
        for param in self.info.blocks[control].params:
            for place in (self.root, *self.params.values()):
                if place is not None and _type_of(place) == param.type:
                    places[param.name] = place
                    break
        return View(control, places)

    def place(self, view: View, node: ast.Expr) -> Place | None:
        """Return the place that an expression in a control names, None if it names none."""
        if isinstance(node, ast.Name):
            return view.places.get(node.name)
        if isinstance(node, ast.CastExpr):
            return self.place(view, node.operand)
        if isinstance(node, ast.Member):
            return self._member(self.place(view, node.base), node)
        if isinstance(node, ast.IndexExpr):
            base = self.place(view, node.base)
            type_ = _type_of(base) if base is not None else None
            if base is not None and isinstance(type_, t.Array) and isinstance(node.index, ast.IntLiteral):
                index = node.index.value
                return self.lowering.part_place(base, str(index), node.loc) if index < type_.size else None
        return None

    def _member(self, base: Place | None, node: ast.Member) -> Place | None:
        if isinstance(base, HeaderPlace) and node.member in dict(part_types(base.type)):
            return self.lowering.member(base, node.member, node.loc)
        if isinstance(base, StructPlace):
            return base.parts.get(node.member)
        return None

    def applied(self, view: View, call: ast.CallExpr) -> View | None:
        """Return the view of a control that is applied in another one."""
        callee = call.callee
        if not isinstance(callee, ast.Member) or callee.member != "apply":
            return None
        control = self._control(view, callee.base)
        if control is None:
            return None
        places: dict[str, Place] = {}
        for param, arg in zip(control.params, call.args, strict=False):
            found = self.place(view, arg.value)
            if found is not None:
                places[param.name] = found
        return View(control, places)

    def _control(self, view: View, node: ast.Expr) -> ast.ControlDecl | None:
        type_node: ast.TypeNode | None = None
        if isinstance(node, ast.TypeExpr):
            type_node = node.type
        elif isinstance(node, ast.Name):
            instances = [i for i in view.control.locals if isinstance(i, ast.Instantiation) and i.name == node.name]
            type_node = instances[0].type if instances else None
        if not isinstance(type_node, ast.NamedType):
            return None
        return next((c for c in self.info.blocks if isinstance(c, ast.ControlDecl) and c.name == type_node.name), None)

    def statements(self, view: View, depth: int = 0) -> Iterator[tuple[View, ast.Statement]]:
        """Yield all statements of a control in order, those of controls that it applies included."""
        actions = {a.name: a for a in view.control.locals if isinstance(a, ast.ActionDecl)}
        for statement in ast.walk_statements(view.control.body):
            yield view, statement
            if not isinstance(statement, ast.CallStmt) or depth >= MAX_DEPTH:
                continue
            inner = self.applied(view, statement.call)
            if inner is not None:
                yield from self.statements(inner, depth + 1)
            callee = statement.call.callee
            if isinstance(callee, ast.Name) and callee.name in actions:
                for nested in ast.walk_statements(actions[callee.name].body):
                    yield view, nested


def _type_of(place: Place) -> t.Type | None:
    return place.type if isinstance(place, HeaderPlace | StackPlace | StructPlace) else None


def emit_order(parts: Parts, root: Root, all_headers: list[str]) -> tuple[str, ...]:
    """Return header paths in the order in which the deparser emits them, all others behind, as declared."""
    order: dict[str, None] = {}
    if parts.deparser is not None:
        for view, statement in root.statements(root.view(parts.deparser)):
            if not isinstance(statement, ast.CallStmt):
                continue
            callee = statement.call.callee
            if isinstance(callee, ast.Member) and callee.member == "emit" and statement.call.args:
                place = root.place(view, statement.call.args[0].value)
                if place is not None:
                    root.use(view, ir.HEADER_ORDER)
                for header in headers_in(place) if place is not None else ():
                    order.setdefault(header.at.path)
    for path in all_headers:
        order.setdefault(path)
    return tuple(order)


def scalar_field(place: Place | None) -> tuple[str, str] | None:
    """Return header path and field name of a place that is a whole header field."""
    if isinstance(place, ScalarPlace) and isinstance(place.ref, ir.FieldRef) and place.ref.header.select == "path":
        return place.ref.header.path, place.ref.field
    return None
