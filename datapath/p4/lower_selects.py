"""Transitions to IR: selects with their keysets.

Stands on ``lower_states.py``; ``lower.py`` drives it.  The IR's keysets are constants: a case that is known only at run
time becomes a comparison, which is one key more; as keysets are evaluated in order, the state is cut in front of it.

Source: P4_16 specification 1.2.5, sections 13.5 and 13.6 (transitions, select), 8.15 (sets).
"""

from __future__ import annotations

from collections.abc import Sequence

from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Info
from datapath.p4.lower_base import LoweringFailure, constant_of
from datapath.p4.lower_states import LowerStates
from datapath.p4.places import InstancePlace, n_scalars, part_types
from datapath.p4.source import Report


class LowerSelects(LowerStates):
    """Transitions."""

    def __init__(self, info: Info, report: Report) -> None:
        super().__init__(info, report)
        self._conditions: list[ir.Expr] = []  # what must hold beside the keysets of the case being lowered

    def transition(self, state: ast.StateDecl, names: dict[str, str]) -> ir.Transition:
        node = state.transition
        if node is None:
            return ir.Goto(ir.REJECT, state.loc)
        if isinstance(node, ast.Goto):
            return ir.Goto(names[node.target], node.loc)
        keys = [self.flatten(self.rvalue(key), key.loc) for key in node.keys]
        if not all(self._is_known(case.keyset) for case in node.cases):
            keys = [[self.kept(part, len(self.out), node.loc) for part in parts] for parts in keys]
        flat = [expr for parts in keys for expr in parts] or [ir.Const(0, 1)]  # without bits the first case holds
        select, cases = flat, list[ir.Case]()
        for case in node.cases:
            found = self._case(case, keys, node)
            if found is None:
                continue
            keysets, steps, conditions = found
            if conditions:
                rest = self.part_name()
                cases.append(ir.Case((ir.Any(),) * len(select), rest, node.loc))
                self.finish(ir.Select(tuple(select), tuple(cases), node.loc))
                self.begin(rest, node.loc)
                self.out = steps
                select, cases = [*flat, _all(conditions)], []
                keysets.append(ir.Masked(1, 1))
            keysets.extend([ir.Any()] * (len(select) - len(keysets)))
            cases.append(ir.Case(tuple(keysets), names[case.target], case.loc))
        return ir.Select(tuple(select), tuple(cases), node.loc)

    def _is_known(self, node: ast.Expr) -> bool:
        """Is a keyset surely the same for every packet?"""
        if isinstance(node, ast.TupleKeyset | ast.ListExpr):
            return all(map(self._is_known, node.items))
        if isinstance(node, ast.MaskExpr):
            return self._is_known(node.value) and self._is_known(node.mask)
        if isinstance(node, ast.RangeExpr):
            return self._is_known(node.low) and self._is_known(node.high)
        symbol = self.info.symbols.get(node)
        is_constant = node in self.info.values or (symbol is not None and symbol.kind == "const")
        return is_constant or isinstance(node, ast.DontCare) or isinstance(self.type_of(node), t.SetOf)

    def _case(
        self, case: ast.SelectCase, keys: list[list[ir.Expr]], node: ast.SelectExpr
    ) -> tuple[list[ir.Keyset], list[ir.Statement], list[ir.Expr]] | None:
        """Lower the keyset of a case; None if there is a fault in it.

        Returns:
            An IR keyset a key (a single one if the keys have no bits), what is to be done before, and what must hold
            beside the keysets.
        """
        outer, self.out, self._conditions = self.out, [], []
        try:
            keysets = self._keysets(case.keyset, [self.type_of(key) for key in node.keys], keys)
        except LoweringFailure:
            if not self.report.n_errors:
                raise
            return None
        finally:
            steps, self.out = self.out, outer
        return list(keysets) or [ir.Any()], steps, self._conditions

    def _keysets(self, node: ast.Expr, types: list[t.Type], keys: list[list[ir.Expr]]) -> tuple[ir.Keyset, ...]:
        """Lower the keyset of a case: one IR keyset a flat key."""
        n_flat = sum(map(len, keys))
        if isinstance(node, ast.DontCare):
            return (ir.Any(),) * n_flat
        if isinstance(self.type_of(node), t.SetOf):
            return self._in_value_set(node, n_flat)
        items: Sequence[ast.Expr] = [node]
        if isinstance(node, ast.TupleKeyset) or (isinstance(node, ast.ListExpr) and len(types) > 1):
            items = node.items
        if len(items) > 1 and len(types) == 1:
            return self._spread(items, types[0], keys[0])
        return tuple(
            keyset
            for item, type_, parts in zip(items, types, keys, strict=True)
            for keyset in self._keyset(item, type_, parts)
        )

    def _spread(self, items: Sequence[ast.Expr], type_: t.Type, parts: list[ir.Expr]) -> tuple[ir.Keyset, ...]:
        """A tuple of keysets for a single key that is itself a tuple or struct."""
        types = [part for _, part in part_types(type_)]
        rest = iter(parts)
        keys = [[next(rest) for _ in range(n_scalars(part))] for part in types]
        return self._keysets(ast.TupleKeyset(items[0].loc, tuple(items)), types, keys)

    def _keyset(self, node: ast.Expr, type_: t.Type, parts: list[ir.Expr]) -> tuple[ir.Keyset, ...]:
        if isinstance(node, ast.DontCare):
            return (ir.Any(),) * len(parts)
        if isinstance(node, ast.TupleKeyset):
            return self._keysets(node, [type_], [parts])
        if isinstance(self.type_of(node), t.SetOf):
            return self._in_value_set(node, len(parts))
        if not parts:
            return ()
        if isinstance(node, ast.MaskExpr):
            return (self._masked(node, parts[0]),)
        if isinstance(node, ast.RangeExpr):
            return (self._between(node, parts[0]),)
        values = self.flatten(self.rvalue(node), node.loc)
        if len(values) != len(parts):
            self.unsupported(node.loc, "this keyset")
        return tuple(self._value(self._as(value, key), key) for value, key in zip(values, parts, strict=True))

    def _as(self, value: ir.Expr, key: ir.Expr) -> ir.Expr:
        return self.resize(value, key.width, key.signed)

    def _value(self, value: ir.Expr, key: ir.Expr) -> ir.Keyset:
        known = constant_of(value)
        if known is not None:
            return ir.Masked(known, (1 << key.width) - 1)
        self._conditions.append(ir.Binary("==", key, value, 1))
        return ir.Any()

    def _masked(self, node: ast.MaskExpr, key: ir.Expr) -> ir.Keyset:
        value, mask = (self._as(self.scalar(part), key) for part in (node.value, node.mask))
        known, known_mask = constant_of(value), constant_of(mask)
        if known is not None and known_mask is not None:
            return ir.Masked(known & known_mask, known_mask)
        left, right = (ir.Binary("&", side, mask, key.width, key.signed) for side in (key, value))
        self._conditions.append(ir.Binary("==", left, right, 1))
        return ir.Any()

    def _between(self, node: ast.RangeExpr, key: ir.Expr) -> ir.Keyset:
        low, high = (self._as(self.scalar(part), key) for part in (node.low, node.high))
        known_low, known_high = constant_of(low), constant_of(high)
        if known_low is not None and known_high is not None:
            return ir.Range(known_low, known_high)
        self._conditions += [ir.Binary("<=", low, key, 1), ir.Binary("<=", key, high, 1)]
        return ir.Any()

    def _in_value_set(self, node: ast.Expr, n_keys: int) -> tuple[ir.Keyset, ...]:
        place = self.place(node)
        assert isinstance(place, InstancePlace)
        return (ir.InValueSet(place.name), *(ir.Any(),) * (n_keys - 1))


def _all(conditions: Sequence[ir.Expr]) -> ir.Expr:
    """Return whether all hold; all are evaluated, as a keyset is before it is asked."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = ir.Binary("&", result, condition, 1)
    return result
