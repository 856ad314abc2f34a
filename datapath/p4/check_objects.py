"""Checks instances with a body: the methods that an extern leaves abstract.  Stands on ``check_controls.py``.

Source: P4_16 specification 1.2.5, section 11.3 (instantiations), abstract methods.
"""

from __future__ import annotations

from collections.abc import Mapping

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_controls import ControlChecker
from datapath.p4.source import did_you_mean


class ObjectChecker(ControlChecker):
    """Bodies of instances."""

    def prototype(self, node: ast.Prototype, result: t.Type | None = None) -> t.Function:
        raise NotImplementedError

    def object_body(self, node: ast.Instantiation, made: t.Type) -> None:
        if not isinstance(made, t.Extern):
            if node.body is not None and made != t.UNKNOWN:
                self.report.error(node.loc, f"'{made}' is no extern: its instance has no body to give")
            return
        abstract = {m.name: m for m in made.methods if _prototype_of(m).is_abstract}
        given: set[str] = set()
        with self.scope():
            for item in node.body or ():
                if isinstance(item, ast.FunctionDecl):
                    given.add(item.name)
                    self._implementation(item, made, abstract)
                else:
                    self.instantiation(item)
        self.no_abstract_left(node.loc, made, given)

    def no_abstract_left(self, location: Location, made: t.Extern, given: set[str]) -> None:
        for method in made.methods:
            node = _prototype_of(method)
            if (
                node.is_abstract
                and method.name not in given
                and not any(a.name == "optional" for a in node.annotations)
            ):
                notes = [(method.node.loc, "declared here")]
                hint = f"declare an instance with a body: {made}(...) name = {{ ... }};"
                self.report.error(location, f"abstract method '{method.name}' is not implemented", hint, notes)

    def _implementation(self, node: ast.FunctionDecl, made: t.Extern, abstract: Mapping[str, t.Function]) -> None:
        function = self.prototype(node.prototype)
        self.info.functions[node.prototype] = node
        outer, self.this = self.this, made
        self.function_body(node, function)
        self.this = outer
        asked = abstract.get(node.name)
        if asked is None:
            hint = did_you_mean(node.name, abstract)
            notes = [(made.node.loc, f"'{made.name}' is declared here")]
            self.report.error(node.loc, f"'{made}' has no abstract method '{node.name}'", hint, notes)
        elif not _alike(function, asked):
            notes = [(asked.node.loc, "declared here")]
            message = f"method '{node.name}' is '{_signature(function)}', '{_signature(asked)}' is asked for"
            self.report.error(node.loc, message, notes=notes)


def _prototype_of(method: t.Function) -> ast.Prototype:
    assert isinstance(method.node, ast.Prototype)
    return method.node


def _alike(mine: t.Function, asked: t.Function) -> bool:
    """Does a method have the signature asked for?  Optional parameters at its end may be left out."""
    params = list(asked.params)
    while len(params) > len(mine.params) and params[-1].has_default:
        params.pop()
    if len(mine.params) != len(params):
        return False
    pairs = [(mine.result, asked.result), *((a.type, b.type) for a, b in zip(mine.params, params, strict=True))]
    directions = all(a.direction == b.direction for a, b in zip(mine.params, params, strict=True))
    return directions and all(a == b or _is_open(a) or _is_open(b) for a, b in pairs)


def _is_open(type_: t.Type) -> bool:
    return type_ in (t.UNKNOWN, t.ANY) or isinstance(type_, t.TypeVar)


def _signature(function: t.Function) -> str:
    params = ", ".join(f"{p.direction} {p.type}".strip() for p in function.params)
    return f"{function.result} {function.name}({params})"
