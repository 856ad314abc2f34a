"""Checks the bodies of functions, actions and controls, and tables.  Stands on ``check_statements.py``.

Source: P4_16 specification 1.2.5, chapters 10 (functions) and 14 (control blocks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Body, Symbol
from datapath.p4.check_entries import check_keysets, check_priorities
from datapath.p4.check_statements import StatementChecker
from datapath.p4.signatures import DATA, check_order
from datapath.p4.source import did_you_mean


class ControlChecker(StatementChecker):
    """Bodies of functions, actions and controls."""

    def declare_params(self, params: Sequence[t.Param], kind: str = "param") -> None:
        for param in params:
            symbol = Symbol(param.name, kind, param.type, param.node, param.node.loc, direction=param.direction)
            earlier = self.scopes[-1].get(param.name)
            if earlier is not None and earlier.kind != kind:
                notes = [(earlier.location, "declared here before")]
                self.report.error(param.node.loc, f"'{param.name}' is declared twice", notes=notes)
            self.scopes[-1].setdefault(param.name, symbol)
            self.info.symbols[param.node] = symbol

    def function_body(self, node: ast.FunctionDecl, function: t.Function) -> None:
        """Check the body of a function or method."""
        with self.scope():
            for variable in function.type_params:
                self.scopes[-1][variable.name] = Symbol(variable.name, "type", variable, node, node.loc)
            self.declare_params(function.params)
            with self.within(Body("function", function.result)):
                for statement in node.body.statements:
                    self.statement(statement)
        if function.result not in (t.VOID, t.UNKNOWN) and not _returns(node.body):
            self.report.error(node.loc, f"function '{node.name}' may end without 'return'")

    def action(self, node: ast.ActionDecl) -> None:
        with self.scope():
            params = self.params(node.params, DATA)
            check_order(self.report, params)
            self.declare_params(params)
            with self.within(Body("action")):
                for statement in node.body.statements:
                    self.statement(statement)
        function = t.Function(node.name, (), params, t.VOID, node)
        self.declare(Symbol(node.name, "action", function, node, node.loc, functions=[function]))

    def control_body(self, node: ast.ControlDecl) -> None:
        """Check a control whose parameters are declared."""
        with self.within(Body("control")), self.report.reading(node):
            for local in node.locals:
                if isinstance(local, ast.ActionDecl):
                    self.action(local)
                elif isinstance(local, ast.TableDecl):
                    self.table(local)
                else:
                    self.local(local)
            self.statement(node.body)

    # ------------------------------------------------------------------------------------------------ tables
    def table(self, node: ast.TableDecl) -> None:
        properties: dict[str, ast.TableProperty] = {}
        for item in node.properties:
            if item.name in properties:
                notes = [(properties[item.name].loc, "first here")]
                self.report.error(item.loc, f"table '{node.name}' has two properties '{item.name}'", notes=notes)
            else:
                properties[item.name] = item
        keys = self._table_keys(properties.get("key"))
        listed = self._table_actions(node, properties.get("actions"))
        made = t.Table(node.name, node, {name: ref for name, (ref, _) in listed.items()})
        self._property_order(properties)
        self._default_action(made, listed, properties.get("default_action"))
        for name, item in properties.items():
            if item.value is not None and name != "default_action":
                self._table_property(item, item.value)
        self._entries(made, listed, keys, properties)
        self.declare(Symbol(node.name, "table", made, node, node.loc))

    def _property_order(self, properties: Mapping[str, ast.TableProperty]) -> None:
        order = list(properties)
        for early, late in (("actions", "default_action"), ("key", "entries"), ("actions", "entries")):
            if early in properties and late in properties and order.index(late) < order.index(early):
                notes = [(properties[early].loc, f"'{early}' is here")]
                self.report.error(properties[late].loc, f"'{late}' must stand behind '{early}'", notes=notes)

    def _table_keys(self, item: ast.TableProperty | None) -> list[tuple[ast.KeyElement, t.Type]]:
        keys = []
        for element in item.keys if item is not None else ():
            type_ = self.check(element.value)
            if not _can_be_key(type_):
                self.report.error(element.loc, f"a key cannot be of type '{type_}'")
                type_ = t.UNKNOWN
            if element.match_kind not in self.match_kinds:
                hint = did_you_mean(element.match_kind, self.match_kinds)
                self.report.error(element.match_kind_loc, f"unknown match kind '{element.match_kind}'", hint=hint)
            keys.append((element, type_))
        return keys

    def _table_actions(
        self, node: ast.TableDecl, item: ast.TableProperty | None
    ) -> dict[str, tuple[ast.ActionRef, t.Function | None]]:
        if item is None:
            self.report.error(node.loc, f"table '{node.name}' has no actions", hint="write: actions = { ... }")
            return {}
        listed: dict[str, tuple[ast.ActionRef, t.Function | None]] = {}
        for ref in item.actions:
            if ref.name in listed:
                notes = [(listed[ref.name][0].loc, "first here")]
                self.report.error(ref.loc, f"action '{ref.name}' is listed twice", notes=notes)
                continue
            listed[ref.name] = ref, self._listed_action(ref)
        return listed

    def _listed_action(self, ref: ast.ActionRef) -> t.Function | None:
        """Check an action in the list of a table: exactly its parameters with a direction are given."""
        symbol = self.find(ref.name, ref.absolute)
        if symbol is None:
            self.unknown_name(ref.loc, ref.name, "action", ("action",))
        elif symbol.kind != "action":
            notes = [(symbol.location, "declared here")]
            self.report.error(ref.loc, f"'{ref.name}' is not an action", notes=notes)
        if symbol is None or symbol.kind != "action":
            self.check_all(ref.args)
            return None
        function = symbol.functions[0]
        directed = [p for p in function.params if p.direction]
        matched = self.match_args(directed, ref.args)
        notes = [(symbol.location, "declared here")]
        missing = next((p for p, value in matched if value is None and not p.has_default), None)
        if missing is not None:
            what = f"parameter '{missing.name}' of action '{ref.name}'"
            message = f"{what} needs a value here: it is '{missing.direction}'"
            self.report.error(ref.loc, message, notes=notes)
        elif len(ref.args) > len(directed):
            self.check_all(ref.args)
            hint = "parameters without a direction are set by the control plane"
            self.report.error(ref.loc, f"action '{ref.name}' takes {len(directed)} values here", hint, notes)
        self.check_args(matched, {})
        return function

    def _table_property(self, item: ast.TableProperty, value: ast.Expr) -> None:
        type_ = self.check(value)
        if type_ == t.UNKNOWN:
            return
        if item.name == "size":
            if type_ != t.INT and not isinstance(type_, t.Bits):
                self.report.error(value.loc, f"the size of a table is a number, not '{type_}'")
        elif item.name == "largest_priority_wins":
            self.coerce(value, type_, t.BOOL, f"'{item.name}'")
        elif item.name == "priority_delta":
            self.constant_int(value, f"'{item.name}'", 1, 1 << 31)

    # ------------------------------------------------------------------------------------------------ entries
    def _default_action(
        self,
        table: t.Table,
        listed: Mapping[str, tuple[ast.ActionRef, t.Function | None]],
        item: ast.TableProperty | None,
    ) -> None:
        value = item.value if item is not None else None
        if value is None:
            return
        callee = value.callee if isinstance(value, ast.CallExpr) else value
        if not isinstance(callee, ast.Name):
            self.report.error(value.loc, "the default action is an action of the table, with its arguments")
            return
        args = value.args if isinstance(value, ast.CallExpr) else ()
        chosen = ast.ActionRef(callee.loc, callee.name, args, callee.absolute)
        self._chosen_action(table, listed, chosen, "tableonly")

    def _chosen_action(
        self,
        table: t.Table,
        listed: Mapping[str, tuple[ast.ActionRef, t.Function | None]],
        chosen: ast.ActionRef,
        barred: str,
    ) -> None:
        """Check the default action, or that of an entry: one of those listed, with all its parameters.

        ``barred`` is the annotation in the list that forbids it here.
        """
        name, location = chosen.name, chosen.loc
        self.check_all(chosen.args)
        if name not in listed:
            notes = [(table.node.loc, f"'{table.name}' is declared here")]
            message = f"'{name}' is not among the actions of table '{table.name}'"
            self.report.error(location, message, did_you_mean(name, listed), notes)
            return
        ref, function = listed[name]
        if function is None:
            return
        if any(a.name == barred for a in ref.annotations):
            notes = [(ref.loc, "listed here")]
            self.report.error(location, f"action '{name}' is '@{barred}': it cannot be used here", notes=notes)
        symbol = self.find(name, chosen.absolute)
        if symbol is not None and symbol.functions and symbol.functions[0].node is not function.node:
            notes = [(ref.loc, "listed here"), (function.node.loc, "which is this one")]
            self.report.error(location, f"this '{name}' is not the one among the table's actions", notes=notes)
        self._chosen_args(ref, function, chosen)

    def _chosen_args(self, ref: ast.ActionRef, function: t.Function, chosen: ast.ActionRef) -> None:
        """Check the arguments of a chosen action: those that the list gives are the same, the others are known."""
        name, args, location = chosen.name, chosen.args, chosen.loc
        matched = self.match_args(function.params, args)
        notes = [(function.node.loc, "declared here")]
        missing = next((p for p, value in matched if value is None and not p.has_default), None)
        if missing is not None:
            self.report.error(location, f"parameter '{missing.name}' of action '{name}' needs a value", notes=notes)
        elif len(args) > len(function.params):
            message = f"action '{name}' takes {len(function.params)} arguments, {len(args)} given"
            self.report.error(location, message, notes=notes)
        bound = dict(self.match_args([p for p in function.params if p.direction], ref.args))
        for param, value in self.check_args(matched, {}):
            if value is None:
                continue
            if param.direction:
                given = next((v for p, v in bound.items() if p.name == param.name), None)
                if given is not None and not _same(given, value):
                    notes = [(given.loc, "this is given there")]
                    message = f"argument '{param.name}' differs from that in the list of actions"
                    self.report.error(value.loc, message, notes=notes)
            elif not self.is_known(value):
                message = f"argument '{param.name}' must be known at compile time: it has no direction"
                self.report.error(value.loc, message)

    def _entries(
        self,
        table: t.Table,
        listed: Mapping[str, tuple[ast.ActionRef, t.Function | None]],
        keys: Sequence[tuple[ast.KeyElement, t.Type]],
        properties: Mapping[str, ast.TableProperty],
    ) -> None:
        item = properties.get("entries")
        largest, step = properties.get("largest_priority_wins"), properties.get("priority_delta")
        if item is None:
            return
        if not keys and item.entries:
            self.report.error(item.loc, f"table '{table.name}' has no key, so it can have no entries")
            return
        for entry in item.entries:
            if entry.priority is not None:
                if item.is_const:
                    hint = "their order in the program says which one wins"
                    self.report.error(entry.priority.loc, "entries of 'const entries' have no priority", hint=hint)
                self.constant_int(entry.priority, "a priority", 0, 1 << 31)
            self.keyset(entry.keyset, tuple(type_ for _, type_ in keys), "table entry")
            self._chosen_action(table, listed, entry.action, "defaultonly")
        values = self.info.values
        wins, delta = (values.get(p.value) if p and p.value else None for p in (largest, step))
        check_priorities(self.report, values, item, wins is not False, delta if isinstance(delta, int) else 1)
        check_keysets(self.report, self.info.values, item.entries, [element for element, _ in keys])


def _can_be_key(type_: t.Type) -> bool:
    plain = t.underlying(type_)
    return isinstance(plain, t.Bits | t.Enum | t.Varbit | t.TypeVar) or plain in (t.BOOL, t.ERROR, t.UNKNOWN)


def _in_order(fields: Sequence[ast.KeyValue]) -> tuple[ast.KeyValue, ...]:
    return tuple(sorted(fields, key=lambda f: f.name))


def _same(a: object, b: object) -> bool:
    """Are two expressions written alike?"""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, ast.StructExpr) and isinstance(b, ast.StructExpr):
        return _same(_in_order(a.fields), _in_order(b.fields)) and a.dots == b.dots
    if isinstance(a, ast.Node):
        names = [f.name for f in fields(a) if f.name != "loc"]
        return type(a) is type(b) and all(_same(getattr(a, n), getattr(b, n)) for n in names)
    return a == b


def _returns(node: ast.Statement) -> bool:
    """Does every way through the statement end in ``return``?"""
    if isinstance(node, ast.ReturnStmt):
        return True
    if isinstance(node, ast.BlockStmt):
        return any(map(_returns, node.statements))
    if isinstance(node, ast.IfStmt):
        return node.otherwise is not None and _returns(node.then) and _returns(node.otherwise)
    if isinstance(node, ast.SwitchStmt):
        covers_all = any(isinstance(c.label, ast.DontCare) for c in node.cases)
        return covers_all and all(c.body is None or _returns(c.body) for c in node.cases)
    return False
