"""Arguments of calls to IR: what the parameters of an inlined body stand for.  Stands on ``lower_loops.py``.

Source: P4_16 specification 1.2.5, section 6.8 (calling convention).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.jumps import Block, Enter, Leave, Loop, Step
from datapath.p4.lower_base import Frame
from datapath.p4.lower_loops import LowerLoops
from datapath.p4.places import (
    ChoicePlace,
    Compound,
    HeaderPlace,
    Place,
    ReadOnly,
    ScalarPlace,
    StackPlace,
    StructPlace,
    VarbitPlace,
    is_provided,
    roots,
)

LEFT_VALUES = (ast.Name, ast.Member, ast.IndexExpr, ast.SliceExpr, ast.PlusSliceExpr)


@dataclass(frozen=True)
class CopyOut:
    """After a call, ``source`` goes to ``target``."""

    target: Place
    source: Place


@dataclass(frozen=True)
class _Argument:
    """An evaluated argument: ``n_before`` statements had been emitted when it was."""

    param: t.Param
    place: Place
    n_before: int
    is_own: bool  # the place is the parameter's alone

    @property
    def is_written(self) -> bool:
        return self.param.direction in ("out", "inout")


class LowerArguments(LowerLoops):
    """Arguments."""

    def bind(self, args: Sequence[tuple[t.Param, ast.Expr | None]], frame: Frame, location: Location) -> list[CopyOut]:
        """Give the parameters of a body to be inlined their places.

        P4 copies in and out; here a parameter stands for its argument itself wherever no other argument of the call
        can reach the same place, which nobody can tell apart since a body sees nothing but its parameters.
        """
        given = [self._argument(param, value, frame, location) for param, value in args]
        copies: list[CopyOut] = []
        for argument in reversed(given):  # in this order, as a copy may be put among the statements
            place = argument.place
            if not argument.is_own and self._is_reached_by_others(argument, given):
                place = self.local_place(self.subst(argument.param.type), frame.prefix + argument.param.name, location)
                if argument.param.direction != "out":
                    later = self.out[argument.n_before :]
                    del self.out[argument.n_before :]
                    self.store(place, self.read(argument.place, location), location)
                    self.out.extend(later)
                if argument.is_written:
                    copies.insert(0, CopyOut(argument.place, place))
            frame.env[argument.param.node] = place
        for argument in given:
            if argument.param.direction == "out":
                self._reset(frame.env[argument.param.node], argument.param, location)
        return copies

    def _is_reached_by_others(self, argument: _Argument, given: Sequence[_Argument]) -> bool:
        """Tell whether the place may be changed under another name.

        One that is only read is copied then, so that whoever changes it may do so in place.
        """
        mine = roots(argument.place)
        rivals = [a for a in given if a is not argument and not a.is_own and a.is_written]
        if any(mine & roots(rival.place) for rival in rivals):
            return True
        return argument.param.direction != "out" and _may_write(self.out[argument.n_before :], mine)

    def _argument(self, param: t.Param, value: ast.Expr | None, frame: Frame, location: Location) -> _Argument:
        """Evaluate an argument; one that is no place, or not always the same one, is copied into a place of its own."""
        type_ = self.subst(param.type)
        if value is not None and isinstance(type_, t.Extern | t.Block | t.SetOf):
            return _Argument(param, self.place(value), len(self.out), is_own=True)
        if isinstance(value, LEFT_VALUES):
            place = self.place(value)
            if param.direction in ("out", "inout"):
                return _Argument(param, self._settled(place, value.loc), len(self.out), is_own=False)
            if _stays(place):
                self._evaluate(place, value.loc)
                return _Argument(param, place, len(self.out), is_own=False)
        elif value in self.info.values and value is not None:
            known = self.rvalue(value)
            if isinstance(known, ir.Expr | Compound):
                return _Argument(param, ReadOnly(known), len(self.out), is_own=True)
        copy = self.local_place(type_, frame.prefix + param.name, location)
        if value is None or isinstance(value, ast.DontCare):
            value = param.node.default
        if param.direction != "out" and value is not None:
            self.store(copy, self.rvalue(value), location)
        elif param.direction != "out":
            self._reset(copy, param, location)
        return _Argument(param, copy, len(self.out), is_own=True)

    def _settled(self, place: Place, location: Location) -> Place:
        """Return the place that a left value names now, whatever the call does to its indexes."""
        place = self.with_indexes_kept(place, len(self.out), location)
        if isinstance(place, ChoicePlace):
            self.check_choice(place, location)
            return ChoicePlace(place.index, place.choices)
        if isinstance(place, HeaderPlace):
            return replace(place, at=self._settled_header(place.at, location))
        if isinstance(place, ScalarPlace):
            ref = self._settled_ref(place.ref, location)
            assert isinstance(ref, ir.VarRef | ir.FieldRef | ir.Slice)
            return ScalarPlace(ref)
        return place

    def _settled_ref(self, ref: ir.Expr, location: Location) -> ir.Expr:
        if isinstance(ref, ir.Slice):
            return replace(ref, operand=self._settled_ref(ref.operand, location))
        if isinstance(ref, ir.FieldRef):
            return replace(ref, header=self._settled_header(ref.header, location))
        return ref

    def _settled_header(self, at: ir.HeaderAt, location: Location) -> ir.HeaderAt:
        if at.select not in ("next", "last"):
            return at
        self._check_stack(at, location)
        index = ir.StackLastIndex(at.path, next=at.select == "next")
        return ir.HeaderAt(at.path, "index", self.temporary(index, location))

    def _evaluate(self, place: Place, location: Location) -> None:
        """Reject the packet where there is no such element."""
        if isinstance(place, HeaderPlace) and place.at.select in ("next", "last"):
            self._check_stack(place.at, location)

    def _check_stack(self, at: ir.HeaderAt, location: Location) -> None:
        size = next(s.size for s in self.stacks if s.path == at.path)
        bound = ir.Binary("<", ir.StackLastIndex(at.path, next=at.select == "next"), ir.Const(size, 32), 1)
        error = ir.CORE_ERRORS.index("StackOutOfBounds")
        self.emit(ir.Verify(bound, ir.Const(error, 32), location))

    def _reset(self, place: Place, param: t.Param, location: Location) -> None:
        """Give an ``out`` parameter its first value: headers invalid, everything else zero."""
        if isinstance(place, ScalarPlace):
            zero = ir.Const(0, place.ref.width, place.ref.signed)
            self.emit(ir.Assign(place.ref, zero, location))
        elif isinstance(place, HeaderPlace):
            self.set_valid(place, False, location)
        elif isinstance(place, ChoicePlace):
            self.choose(place, location, lambda choice: self._reset(choice, param, location))
        elif isinstance(place, StackPlace):
            for element in place.elements:
                self._reset(element, param, location)
            self.set_next(place, ir.Const(0, 32), location)
        elif isinstance(place, StructPlace) and not is_provided(place.type):
            if place.valid is not None:
                self.set_valid(place, False, location)
            for part in place.parts.values():
                if not isinstance(part, VarbitPlace):
                    self._reset(part, param, location)

    def copy_out(self, copies: Sequence[CopyOut], location: Location) -> None:
        for copy in copies:
            self.store(copy.target, self.read(copy.source, location), location)


def _stays(place: Place) -> bool:
    """Tell whether a body may read a place instead of a copy of it: it is the same one, and as cheap, later on."""
    if isinstance(place, ReadOnly):
        return isinstance(place.value, ir.Const)
    if isinstance(place, ScalarPlace):
        ref: ir.Expr = place.ref
        while isinstance(ref, ir.Slice):
            ref = ref.operand
        return not isinstance(ref, ir.FieldRef) or ref.header.select == "path"
    if isinstance(place, HeaderPlace):
        return place.at.select != "index"
    return not isinstance(place, ChoicePlace)


def _may_write(steps: Iterable[Step], places: set[str]) -> bool:
    """Tell whether statements may write to one of the places, which are ``roots``."""
    for step in steps:
        if isinstance(step, ir.If):
            written = _may_write((*step.then, *step.otherwise), places)
        elif isinstance(step, Block | Loop):
            written = _may_write(step.steps, places)
        elif isinstance(step, ir.Assign):
            written = bool(roots(ScalarPlace(step.target)) & places)
        elif isinstance(step, Enter):
            written = True
        else:
            written = not isinstance(step, ir.Verify | ir.Evaluate | ir.Advance | Leave)
        if written:
            return True
    return False
