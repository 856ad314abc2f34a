"""Loops to IR.  Stands on ``lower_statements.py``.

A loop whose rounds are known is written out, round after round.  Any other becomes a loop of states, each round of
which counts as the visit of a state (``ir/graph.counted_states``).

Source: P4_16 specification 1.2.5, section 12.8 (for statement).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datapath.errors import Location
from datapath.ir import evaluate
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.jumps import Block, Leave, Loop, leaves
from datapath.p4.lower_base import constant_of
from datapath.p4.lower_statements import LowerStatements
from datapath.p4.places import Compound, ReadOnly, RValue, is_signed, part_types, scalar_width

MAX_UNROLLED = 1024  # rounds that are written out; a loop of more is one whose rounds are not known
Counters = Mapping[ast.Node, ir.Expr]  # the variables that count a loop's rounds, by their declarations


@dataclass(frozen=True)
class _Labels:
    """Where the jumps in a loop's body lead."""

    leave: int
    again: int


class LowerLoops(LowerStatements):
    """Loops and jumps."""

    loops_around: tuple[_Labels, ...] = ()  # what is being lowered, outermost first
    _n_labels = 0

    # ------------------------------------------------------------------------------------------------ blocks, jumps
    def block(self, act: Callable[[int], None], location: Location) -> None:
        """Emit a block of what ``act`` emits, which gets the block's label; no block if nothing leaves it."""
        self._n_labels += 1
        label = self._n_labels
        outer, self.out = self.out, []
        act(label)
        inner, self.out = self.out, outer
        if leaves(inner, label):
            self.emit_step(Block(label, tuple(inner), location))
        else:
            self.out.extend(inner)

    def loop(self, act: Callable[[], None], location: Location) -> None:
        """Emit an endless loop of what ``act`` emits."""
        outer, self.out = self.out, []
        act()
        inner, self.out = self.out, outer
        self.emit_step(Loop(tuple(inner), location))

    def leave_unless(self, condition: ir.Expr, label: int, location: Location) -> None:
        outer, self.out = self.out, []
        self.emit_step(Leave(label))
        inner, self.out = self.out, outer
        self.emit(ir.If(condition, (), tuple(inner), location))

    def jump(self, node: ast.JumpStmt) -> None:
        labels = self.loops_around[-1]
        self.emit_step(Leave(labels.leave if node.kind == "break" else labels.again))

    def _body(self, node: ast.ForStmt | ast.ForInStmt, leave: int) -> None:
        """One round, without what moves on to the next."""

        def act(again: int) -> None:
            outer, self.loops_around = self.loops_around, (*self.loops_around, _Labels(leave, again))
            self.statements([node.body])
            self.loops_around = outer

        with self.multiplied(node.loc, "with this loop in it"):
            self.block(act, node.loc)

    # ------------------------------------------------------------------------------------------------ three clauses
    def for_loop(self, node: ast.ForStmt) -> None:
        values = self._begin(node)
        rounds = self._rounds(node, values)
        if rounds is not None:
            self._unrolled(node, rounds)
            return
        for part in node.init:
            if isinstance(part, ast.VarDecl) and part in values:
                self.statement(part)
        self.block(lambda leave: self._conditional(node, leave), node.loc)

    def _begin(self, node: ast.ForStmt) -> dict[ast.Node, ir.Expr]:
        """Lower the first clause but for constants that it declares; return what it sets to a known value."""
        values: dict[ast.Node, ir.Expr] = {}
        for part in node.init:
            declared = part if isinstance(part, ast.VarDecl) else self._assigned(part)
            value = part.value if isinstance(part, ast.VarDecl | ast.AssignStmt) else None
            known = None
            if declared is not None and declared not in self.info.written_in[node] and value is not None:
                known = self._quietly(value) if scalar_width(self.type_of(value)) is not None else None
            if known is None or not isinstance(part, ast.VarDecl):
                self.statement(part)
            if declared is not None and known is not None:
                values[declared] = known
        return values

    def _conditional(self, node: ast.ForStmt, leave: int) -> None:
        """Ask before the first round, then behind each: a round is what the loop's head counts."""

        def act() -> None:
            self._body(node, leave)
            for part in node.update:
                self.statement(part)
            self.leave_unless(self.scalar(node.condition), leave, node.loc)

        self.leave_unless(self.scalar(node.condition), leave, node.loc)
        self.loop(act, node.loc)

    def _unrolled(self, node: ast.ForStmt, rounds: Sequence[Counters]) -> None:
        """Write the rounds out, the last entry of which is what the counters end with."""
        outer = {counter: self.frame.env[counter] for counter in rounds[0] if counter not in node.init}

        def act(leave: int) -> None:
            for i, values in enumerate(rounds):
                for counter, value in values.items():
                    if counter in outer:  # declared outside: what is behind the loop may read it
                        self.store(outer[counter], value, node.loc)
                    self.frame.env[counter] = ReadOnly(value)
                if i + 1 < len(rounds):
                    self._body(node, leave)
                    for part in node.update:
                        self._update(part, rounds[i + 1])

        self.block(act, node.loc)
        for counter in rounds[0]:
            del self.frame.env[counter]  # or the loop, lowered again, would find its counter known
        self.frame.env.update(outer)

    def _update(self, part: ast.Statement, after: Counters) -> None:
        """Lower a part of the third clause; a counter has its new value from there on."""
        counter = self._assigned(part)
        if counter is not None and counter in after:
            self.frame.env[counter] = ReadOnly(after[counter])
        else:
            self.statement(part)

    def _rounds(self, node: ast.ForStmt, values: Counters) -> list[Counters] | None:
        """Count the rounds as the program would, with nothing but the counters known.

        Returns:
            The counters of each round and of the end; None if they are not known at compile time.
        """
        outer = dict(self.frame.env)
        rounds: list[Counters] = []
        try:
            while len(rounds) <= MAX_UNROLLED:
                self.frame.env.update({c: ReadOnly(v) for c, v in values.items()})
                rounds.append(values)
                self.step(node.loc)
                goes_on = self._quietly(node.condition)
                if goes_on is None:
                    return None
                if not constant_of(goes_on):
                    return rounds
                values = dict(values)
                for part in node.update:
                    counter = self._assigned(part)
                    if isinstance(part, ast.AssignStmt) and counter is not None and counter in values:
                        value = self._counted(part)
                        if value is None:
                            return None
                        values[counter] = value
                        self.frame.env[counter] = ReadOnly(value)
            return None
        finally:
            self.frame.env.clear()
            self.frame.env.update(outer)

    def _counted(self, part: ast.AssignStmt) -> ir.Const | None:
        """Return what a counter is set to, if that is known."""
        value, old = self._quietly(part.value), self._quietly(part.target)
        if part.op == "=" or value is None or old is None:
            return value
        known = constant_of(ir.Binary(part.op, old, value, old.width, old.signed))
        return None if known is None else ir.Const(known, old.width, old.signed)

    def _assigned(self, part: ast.Statement) -> ast.Node | None:
        """Return the declaration of the variable that a statement assigns to."""
        if not isinstance(part, ast.AssignStmt) or not isinstance(part.target, ast.Name):
            return None
        symbol = self.info.symbols.get(part.target)
        return symbol.node if symbol is not None else None

    def _quietly(self, node: ast.Expr) -> ir.Const | None:
        """Return the value of an expression, if it is known and takes no statements."""
        outer, self.out = self.out, []
        value = self.scalar(node)
        inner, self.out = self.out, outer
        known = constant_of(value)
        return None if inner or known is None else ir.Const(known, value.width, value.signed)

    # ------------------------------------------------------------------------------------------------ in
    def for_in_loop(self, node: ast.ForInStmt) -> None:
        type_ = self.type_of(node.type)
        if not isinstance(node.collection, ast.RangeExpr):
            self._each(node, self._elements(node))
            return
        low, high = self.scalar(node.collection.low), self.scalar(node.collection.high)
        width, signed = _number(type_)
        first, last = constant_of(self.resize(low, width, signed)), constant_of(self.resize(high, width, signed))
        if first is not None and last is not None:
            first, last = evaluate.number(first, width, signed), evaluate.number(last, width, signed)
            if last - first < MAX_UNROLLED:
                self._each(node, [self.constant(i, type_, node.loc) for i in range(first, last + 1)])
                return
        self._range(node, self.temporary(low, node.loc), self.temporary(high, node.loc))

    def _elements(self, node: ast.ForInStmt) -> list[RValue]:
        """Return what is in a collection before the first round: the body may change what it was made of."""
        value = self.rvalue(node.collection)
        assert not isinstance(value, ir.Expr)
        if isinstance(value, Compound):
            return list(value.parts.values())
        type_ = self.type_of(node.collection)
        copy = self.local_place(type_, f"{self.frame.prefix}{node.name}s", node.loc)
        self.store(copy, value, node.loc)
        return [self.part(copy, name, node.loc) for name, _ in part_types(type_)]

    def _each(self, node: ast.ForInStmt, values: Sequence[RValue]) -> None:
        """Write one round out for each value."""

        def act(leave: int) -> None:
            for value in values:
                self._set_variable(node, value)
                self._body(node, leave)

        self.block(act, node.loc)

    def _set_variable(self, node: ast.ForInStmt, value: RValue) -> None:
        """Begin a round with a value: known by its name alone, unless the body writes to the variable."""
        if node not in self.info.written_in[node]:
            self.frame.env[node] = ReadOnly(value) if isinstance(value, ir.Expr | Compound) else value
            return
        place = self.local_place(self.type_of(node.type), self.frame.prefix + node.name, node.loc)
        self.store(place, value, node.loc)
        self.frame.env[node] = place

    def _range(self, node: ast.ForInStmt, value: ir.VarRef, high: ir.VarRef) -> None:
        """A range that is known at run time only; its end may be the greatest number there is."""

        def act(leave: int) -> None:
            self.leave_unless(ir.Binary("<=", value, high, 1), leave, node.loc)
            self.loop(lambda: one_round(leave), node.loc)

        def one_round(leave: int) -> None:
            self._set_variable(node, value)
            self._body(node, leave)
            self.leave_unless(ir.Binary("!=", value, high, 1), leave, node.loc)
            one = ir.Const(1, value.width, value.signed)
            self.emit(ir.Assign(value, ir.Binary("+", value, one, value.width, value.signed), node.loc))

        self.block(act, node.loc)


def _number(type_: t.Type) -> tuple[int, bool]:
    width = scalar_width(type_)
    assert width is not None
    return width, is_signed(type_)
