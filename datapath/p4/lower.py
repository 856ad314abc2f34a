"""Typed tree to IR: the program's parser, its headers, the order on the wire, the checksums.

Fed by ``typecheck.py``; its ``Program`` goes to ``passes/``.  The way: find the parser (``architecture.py``), make the
instances of its parameters, lower its states (``lower_selects.py`` and what that stands on), read the deparser
(``deparser.py``) and the checksums (``checksums.py``).
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from datapath.ir import model as ir
from datapath.p4 import architecture, ast
from datapath.p4 import types as t
from datapath.p4.check_base import Info
from datapath.p4.checksums import find_checksums
from datapath.p4.deparser import Root, emit_order
from datapath.p4.jumps import is_jump
from datapath.p4.lower_base import Frame, LoweringFailure
from datapath.p4.lower_selects import LowerSelects
from datapath.p4.places import (
    InstancePlace,
    PacketPlace,
    Place,
    ReadOnly,
    ScalarPlace,
    StructPlace,
    is_provided,
)
from datapath.p4.source import Report


def lower(program: ast.SourceProgram, info: Info, report: Report, path: Path) -> ir.Program | None:
    """Return the IR of a program; None if it cannot be had, which is in the report then."""
    parts = architecture.find_parts(program, info, report, str(path))
    if parts is None:
        return None
    lowering = ProgramLowering(info, report)
    try:
        lowering.parser(parts)
    except LoweringFailure:
        assert report.n_errors
    if report.n_errors:
        return None
    report.forget([d for d in info.blocks if d is not parts.parser and d not in lowering.applied])
    root = Root(lowering, lowering.root, lowering.params, info)
    program_ir = ir.Program(
        name=path.stem,
        source=path.name,
        headers=tuple(lowering.headers),
        stacks=tuple(lowering.stacks),
        variables=tuple(lowering.variables.values()),
        errors=lowering.errors,
        states=tuple(lowering.states),
        emit_order=emit_order(parts, root, [h.path for h in lowering.headers]),
        checksums=find_checksums(parts, root, lowering.headers, report),
        value_sets=tuple(lowering.value_sets),
        skipped=_skipped(program, parts, lowering.applied, root),
    )
    return None if report.n_errors else program_ir


def _skipped(
    program: ast.SourceProgram, parts: architecture.Parts, applied: Set[ast.Node], root: Root
) -> tuple[ir.SkippedPart, ...]:
    """Return the parsers and controls that the switch does not run."""
    skipped = []
    for node in program.declarations:
        if isinstance(node, ast.ControlDecl):
            skipped.append(ir.SkippedPart("control", node.name, node.loc, tuple(root.used.get(node, ()))))
        elif isinstance(node, ast.ParserDecl) and node is not parts.parser and node not in applied:
            skipped.append(ir.SkippedPart("parser", node.name, node.loc))
    return tuple(skipped)


class ProgramLowering(LowerSelects):
    """The top level."""

    def __init__(self, info: Info, report: Report) -> None:
        super().__init__(info, report)
        self.root: Place | None = None  # the headers parameter
        self.params: dict[str, Place] = {}
        self._intrinsics: list[ir.Statement] = []  # metadata that starts with what the switch knows

    def parser(self, parts: architecture.Parts) -> None:
        """Lower the program's parser."""
        node = parts.parser
        block = parts.block
        generic = self.info.blocks[node]
        bound: dict[t.Type, t.Type] = {v: a for v, a in zip(generic.type_params, block.args, strict=False) if v != a}
        unbound = next((a for a in block.args if isinstance(a, t.TypeVar)), None)
        if unbound is not None:
            hint = "give it to a package, as in Package(P<headers_t>()) main"
            self.report.error(node.loc, f"nothing says what '{unbound}' of parser '{node.name}' is", hint=hint)
            raise LoweringFailure
        self.frame = Frame(node, "", bound=bound)
        self.active = [node]
        headers = architecture.headers_param(block.params)
        for param in sorted(block.params, key=lambda p: p is not headers):  # headers first: in the IR's order
            self._param(param, is_root=param is headers)
        defaults = [(param, None) for param in block.constructor_params if param.has_default]
        for param, value in parts.call.args if parts.call is not None else defaults:
            self.frame.env[param.node] = self.constructor_argument(param, value)
        self._states(node)

    def _param(self, param: t.Param, is_root: bool) -> None:
        location = param.node.loc
        type_ = param.type
        place: Place
        if isinstance(type_, t.Extern):
            place = PacketPlace() if type_.name == "packet_in" else self._given_extern(param)
        elif is_root:
            path = param.name if t.is_header(type_) or isinstance(type_, t.Array) else ""
            place = self.instance_place(type_, path, param.name, location, in_key=True)
            self.root = place
        else:
            written = param.direction in ("out", "inout")
            path = self._free_path(param.name)
            if is_provided(type_):
                place = self.local_place(type_, path, location)
            else:
                place = self.instance_place(type_, path, path, location, in_key=written)
            place = self._with_intrinsics(place, type_)
        self.frame.env[param.node] = place
        self.params[param.name] = place

    def _free_path(self, name: str) -> str:
        """Return a parameter's path in the key: its name, with a number if headers are called so."""
        taken = {re.split(r"[.\[]", header.path)[0] for header in self.headers}
        path, n = name, 1
        while path in taken:
            n += 1
            path = f"{name}_{n}"
        return path

    def _with_intrinsics(self, place: Place, type_: t.Type) -> Place:
        """Let the fields of architecture metadata that the switch knows stand for what it knows.

        One that the parser writes to is a variable, with that for its first value.
        """
        if not isinstance(place, StructPlace) or not isinstance(type_, t.Struct):
            return place
        parts = dict(place.parts)
        known: dict[str, ir.Expr] = {}
        if type_.name in architecture.IN_PORT_FIELDS:
            known[architecture.IN_PORT_FIELDS[type_.name]] = ir.InPort()
        if type_.name in architecture.LENGTH_FIELDS:
            known[architecture.LENGTH_FIELDS[type_.name]] = ir.PacketLength()
        written = _fields_written(self.info) if known else set()
        for name, value in known.items():
            part = parts.get(name)
            if isinstance(part, ScalarPlace):
                resized = self.resize(value, part.ref.width, part.ref.signed)
                if (type_, name) in written:
                    self._intrinsics.append(ir.Assign(part.ref, resized))
                else:
                    parts[name] = ReadOnly(resized)
        return replace(place, parts=parts)

    def _given_extern(self, param: t.Param) -> Place:
        return InstancePlace(param.type, param.node, param.name)

    def _states(self, node: ast.ParserDecl) -> None:
        """Lower the states; initial values of locals go before the start state's statements."""
        self.begin("start", node.loc)
        self.out = list(self._intrinsics)
        self.locals(node.locals)
        prologue = self._as_initial_values(self.out)
        names = {"start": self.unique_name("start")}
        looped = any("start" in _targets(s) for s in node.states)
        if prologue and (looped or any(map(is_jump, prologue))):
            names["start"] = self.unique_name("start_again") if looped else self.part_name()
            self.out = prologue
            self.finish(ir.Goto(names["start"]))
            prologue = []
        first = len(self.states)
        self.parser_states(node, self.frame, names)
        if prologue:
            start = self.states[first]
            self.states[first] = ir.State(start.name, (*prologue, *start.statements), start.transition, start.location)

    def _as_initial_values(self, statements: list[ir.Statement]) -> list[ir.Statement]:
        """Turn assignments of constants to whole variables into their initial values; return the rest."""
        rest: list[ir.Statement] = []
        for statement in statements:
            if (
                isinstance(statement, ir.Assign)
                and isinstance(statement.target, ir.VarRef)
                and isinstance(statement.value, ir.Const)
                and not rest
            ):
                old = self.variables[statement.target.name]
                self.variables[old.name] = ir.Variable(
                    old.name, old.width_bits, old.signed, old.in_key, statement.value.value, old.location
                )
            else:
                rest.append(statement)
        return rest


def _targets(state: ast.StateDecl) -> list[str]:
    if isinstance(state.transition, ast.Goto):
        return [state.transition.target]
    return [c.target for c in state.transition.cases] if state.transition is not None else []


def _fields_written(info: Info) -> set[tuple[t.Type, str]]:
    """Return the fields that parsers and functions assign to or pass on, with the types whose fields they are."""
    bodies: list[ast.Statement] = [function.body for function in info.functions.values()]
    parsers = [node for node in info.blocks if isinstance(node, ast.ParserDecl)]
    bodies += [statement for node in parsers for state in node.states for statement in state.statements]
    found: set[tuple[t.Type, str]] = set()
    for statement in (inner for body in bodies for inner in ast.walk_statements(body)):
        places: list[ast.Expr] = []
        if isinstance(statement, ast.AssignStmt):
            places = [statement.target]
        elif isinstance(statement, ast.CallStmt):
            places = [arg.value for arg in statement.call.args]
        for place in places:
            while isinstance(place, ast.SliceExpr | ast.PlusSliceExpr):
                place = place.base
            if isinstance(place, ast.Member):
                found.add((info.types.get(place.base, t.UNKNOWN), place.member))
    return found
