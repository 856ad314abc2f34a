"""Checks statements, parser states and select expressions.  Stands on ``check_calls.py``.

Source: P4_16 specification 1.2.5, chapters 12 (statements) and 13 (packet parsing).
"""

from __future__ import annotations

from dataclasses import replace

from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import MAX_ELEMENTS, Symbol
from datapath.p4.check_calls import CallChecker
from datapath.p4.source import did_you_mean

CHECKSUM_CALLS = (  # of v1model
    "verify_checksum",
    "update_checksum",
    "verify_checksum_with_payload",
    "update_checksum_with_payload",
)
FINAL_STATES = ("accept", "reject")


class StatementChecker(CallChecker):
    """Statements."""

    def statement(self, node: ast.Statement) -> None:
        if isinstance(node, ast.AssignStmt):
            self._assign(node)
        elif isinstance(node, ast.CallStmt):
            with self.report.reading(None if self._is_read(node.call) else self.report.part):
                self.check(node.call)
        elif isinstance(node, ast.BlockStmt):
            with self.scope():
                for inner in node.statements:
                    self.statement(inner)
        elif isinstance(node, ast.IfStmt):
            self._if(node)
        elif isinstance(node, ast.VarDecl | ast.ConstDecl):
            self.local(node)
        elif isinstance(node, ast.Instantiation):
            hint = "declare it before the states" if self.body.kind == "parser" else "declare it in the control"
            self.report.error(node.loc, f"'{node.name}' cannot be instantiated among statements", hint=hint)
            self.local(node)
        elif isinstance(node, ast.ReturnStmt):
            self._return(node)
        elif isinstance(node, ast.SwitchStmt):
            self._switch(node)
        elif isinstance(node, ast.ForStmt | ast.ForInStmt):
            self._for(node)
        elif isinstance(node, ast.JumpStmt):
            self._jump(node)

    def _is_read(self, call: ast.CallExpr) -> bool:
        """Is this a call in a skipped part that tells of headers or checksums, so that it must be right?"""
        if not self.body.is_skipped:
            return False
        callee = call.callee
        if isinstance(callee, ast.Member):
            base = self.check(callee.base) if callee.member == "emit" else t.UNKNOWN
            return isinstance(base, t.Extern) and base.name == "packet_out"
        return isinstance(callee, ast.Name) and callee.name in CHECKSUM_CALLS

    def _assign(self, node: ast.AssignStmt) -> None:
        target = self.check(node.target)
        if node.op == "=":
            self.check(node.value, target)
        elif node.op in ("<<", ">>"):
            self._shift_amount(node)
        else:
            self.check(node.value, target)
            if not isinstance(t.underlying(target), t.Bits) and target != t.UNKNOWN:
                self.report.error(node.loc, f"'{node.op}=' is not defined for '{target}'")
        if target != t.UNKNOWN:
            self.check_lvalue(node.target, "the left side of an assignment")

    def _shift_amount(self, node: ast.AssignStmt) -> None:
        amount = self.check(node.value)
        if amount != t.UNKNOWN and not self.is_shift_amount(node.value, amount):
            self.report.error(node.value.loc, f"a shift takes a bit<W> or a constant, not '{amount}'")

    def _if(self, node: ast.IfStmt) -> None:
        self.check(node.condition, t.BOOL)
        for branch in (node.then, node.otherwise):
            if branch is not None:
                with self.scope():
                    self.statement(branch)

    def _return(self, node: ast.ReturnStmt) -> None:
        result = self.body.result
        if self.body.kind == "parser":
            self.report.error(node.loc, "'return' cannot stand in a parser")
        elif node.value is None:
            if result not in (t.VOID, t.UNKNOWN):
                self.report.error(node.loc, f"a value of type '{result}' must be returned")
        elif result == t.VOID:
            self.check(node.value)
            what = "this function" if self.body.kind == "function" else str(self.body)
            self.report.error(node.loc, f"{what} returns nothing")
        else:
            self.check(node.value, result)

    def _jump(self, node: ast.JumpStmt) -> None:
        if node.kind == "exit":
            if self.body.kind not in ("control", "action"):
                self.report.error(node.loc, f"'exit' cannot stand in {self.body}")
        elif not self.body.n_loops:
            self.report.error(node.loc, f"'{node.kind}' cannot stand outside of a loop")

    def _switch(self, node: ast.SwitchStmt) -> None:
        if self.body.kind == "parser":
            self.report.error(node.loc, "'switch' cannot stand in a parser", hint="use if, or transition select")
        type_ = self._switch_type(node)
        default: ast.SwitchCase | None = None
        seen: dict[object, ast.SwitchCase] = {}
        for case in node.cases:
            if default is not None:
                notes = [(case.loc, "this stands behind it")]
                self.report.error(default.loc, "nothing can stand behind 'default'", hint="put it last", notes=notes)
                default = None
            if isinstance(case.label, ast.DontCare):
                default = case
            else:
                label = self._switch_label(case.label, type_)
                if label is not None and label in seen:
                    notes = [(seen[label].loc, "first here")]
                    self.report.error(case.loc, "this label stands twice", notes=notes)
                seen.setdefault(label, case)
            if case.body is not None:
                self.statement(case.body)

    def _switch_type(self, node: ast.SwitchStmt) -> t.Type:
        """Check what a switch is over."""
        type_ = self.check(node.value)
        plain = t.underlying(type_)
        if isinstance(type_, t.ActionRun):
            if self.body.kind != "control":
                self.report.error(node.value.loc, f"{self.body} cannot apply a table")
        elif not isinstance(plain, t.Bits | t.Enum) and plain not in (t.ERROR, t.BOOL, t.UNKNOWN):
            hint = "write .action_run behind apply()" if isinstance(type_, t.Applied) else ""
            self.report.error(node.value.loc, f"a switch cannot be over '{type_}'", hint=hint)
            return t.UNKNOWN
        return type_

    def _switch_label(self, node: ast.Expr, type_: t.Type) -> object:
        """Check a label; return what it stands for, None if that is not known."""
        if isinstance(type_, t.ActionRun):
            name = node.name if isinstance(node, ast.Name) else ""
            if name not in type_.table.actions:
                hint = did_you_mean(name, type_.table.actions)
                notes = [(type_.table.node.loc, f"'{type_.table.name}' is declared here")]
                message = (
                    f"table '{type_.table.name}' has no action '{name}'" if name else "a label is the name of an action"
                )
                self.report.error(node.loc, message, hint, notes)
            return name or None
        have = self.check(node)
        self.coerce(node, have, type_, "this label")
        value = self.info.values.get(node)
        if type_ != t.UNKNOWN and not self.is_known(node):
            self.report.error(node.loc, "a label must be known at compile time")
        return value

    def _for(self, node: ast.ForStmt | ast.ForInStmt) -> None:
        outer, self.body = self.body, replace(self.body, n_loops=self.body.n_loops + 1)
        with self.scope():
            if isinstance(node, ast.ForStmt):
                for part in node.init:
                    self.statement(part)
                self.check(node.condition, t.BOOL)
                counts = [p for p in node.update if isinstance(p, ast.AssignStmt) and isinstance(p.target, ast.Name)]
                for part in counts:
                    self.statement(part)
                n_written = len(self.info.written)
                for part in node.update:
                    if part not in counts:
                        self.statement(part)
            else:
                self._collection(node)
                n_written = len(self.info.written)
            self.statement(node.body)
            self.info.written_in[node] = frozenset(self.info.written[n_written:])
        self.body = outer

    def _collection(self, node: ast.ForInStmt) -> None:
        """Check what a loop goes over, and declare its variable."""
        type_ = self.resolve(node.type)
        if isinstance(node.collection, ast.RangeExpr):
            if not isinstance(t.underlying(type_), t.Bits) and type_ != t.UNKNOWN:
                self.report.error(node.loc, f"a range has no elements of type '{type_}'", hint="bit<W> or int<W>")
            self.check(node.collection.low, type_)
            self.check(node.collection.high, type_)
        elif isinstance(node.collection, ast.ListExpr):
            self.check(node.collection, t.List(type_))
        else:
            found = self.check(node.collection)
            element = found.element if isinstance(found, t.Array | t.List) else None
            if element is None and found != t.UNKNOWN:
                self.report.error(
                    node.collection.loc, f"a '{found}' has no elements to go over", hint="a range, a list, an array"
                )
            elif element is not None and t.UNKNOWN not in (element, type_) and element != type_:
                self.report.error(node.loc, f"'{node.name}' is a '{type_}', but the elements are '{element}'")
        self.declare(Symbol(node.name, "var", type_, node, node.loc))

    # ------------------------------------------------------------------------------------------------ locals
    def local(self, node: ast.VarDecl | ast.ConstDecl | ast.Instantiation | ast.ValueSetDecl) -> None:
        """Check and declare what a parser, function or block declares."""
        if isinstance(node, ast.ConstDecl):
            self.constant(node)
        elif isinstance(node, ast.Instantiation):
            made = self.instantiation(node)
            if isinstance(made, t.Block) and made.kind != self.body.kind:
                self.report.error(node.type.loc, f"{self.body} cannot instantiate a {made.kind}")
        elif isinstance(node, ast.ValueSetDecl):
            self.constant_int(node.size, "the size of a value set", 1, 1 << 31)
            self.local_symbol("value_set", node.name, t.SetOf(self.resolve(node.type)), node)
        else:
            type_ = self.resolve(node.type)
            if type_ in (t.VOID, t.MATCH_KIND) or isinstance(type_, t.Extern | t.Block):
                self.report.error(node.loc, f"a variable cannot be of type '{type_}'")
                type_ = t.UNKNOWN
            elif type_ in (t.INT, t.STRING):
                hint = "give it a width, as in bit<32>" if type_ == t.INT else ""
                self.report.error(node.loc, f"a variable cannot be of type '{type_}', only a constant can", hint=hint)
            if node.value is not None:
                self.check(node.value, type_)
            self.local_symbol("var", node.name, type_, node)

    def constant(self, node: ast.ConstDecl) -> None:
        type_ = self.resolve(node.type)
        have = self.check(node.value, type_)
        value = self.info.values.get(node.value)
        told = t.UNKNOWN in (have, type_, self.info.types.get(node.value))
        if value is None and not told and not self.depends_on_parameter(node.value):
            self.report.error(node.value.loc, "the value of a constant must be known at compile time")
        self.declare(Symbol(node.name, "const", type_, node, node.loc, value))

    def is_known(self, node: ast.Expr) -> bool:
        """Is the value of an expression known at compile time, or a fault in it told already?"""
        if node in self.info.values or self.info.types.get(node) == t.UNKNOWN:
            return True
        return isinstance(node, ast.CallExpr) or self.depends_on_parameter(node)

    def depends_on_parameter(self, node: ast.Expr) -> bool:
        """Is something in this expression known only when the parser is instantiated, or of no interest?"""
        if isinstance(node, ast.Name):
            symbol = self.info.symbols.get(node)
            return symbol is not None and symbol.kind == "const" and symbol.value is None
        if isinstance(node, ast.BinaryExpr):
            sides = (node.left, node.right)
            return any(map(self.depends_on_parameter, sides)) and all(
                s in self.info.values or self.depends_on_parameter(s) for s in sides
            )
        if isinstance(node, ast.CastExpr | ast.UnaryExpr):
            return self.info.types.get(node.operand) == t.UNKNOWN or self.depends_on_parameter(node.operand)
        if isinstance(node, ast.ListExpr):
            return all(i in self.info.values or self.depends_on_parameter(i) for i in node.items)
        if isinstance(node, ast.StructExpr):
            values = [f.value for f in node.fields]
            return all(i in self.info.values or self.depends_on_parameter(i) for i in values)
        return isinstance(node, ast.InvalidExpr | ast.Dots)

    def instantiation(self, node: ast.Instantiation) -> t.Type:
        made, call = self.construct(self.resolve(node.type), node.args, node.type.loc)
        if call is not None:
            self.info.calls[node] = call
        self.object_body(node, made)
        type_ = self._instances(made, node)
        self.local_symbol("instance", node.name, type_, node)
        return made

    def _instances(self, made: t.Type, node: ast.Instantiation) -> t.Type:
        """Return the type of an instance, or of an array of them."""
        if node.sizes and not isinstance(made, t.Extern) and made != t.UNKNOWN:
            self.report.error(node.loc, f"there are no arrays of '{made}', only of externs")
            return t.UNKNOWN
        for size in reversed(node.sizes):
            n = self.constant_int(size, "the size of an array", 1, MAX_ELEMENTS)
            made = t.array_of(made, n) if n is not None else t.UNKNOWN
        return made

    def object_body(self, node: ast.Instantiation, made: t.Type) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------ states
    def states(self, node: ast.ParserDecl) -> None:
        """Check the states of a parser, in whose scope we are; its locals share one name space with them."""
        known: dict[str, ast.StateDecl] = {}
        for state in node.states:
            local = self.scopes[-1].get(state.name)
            if local is not None:
                notes = [(local.location, "declared here before")]
                self.report.error(state.loc, f"'{state.name}' is declared twice", notes=notes)
            if state.name in FINAL_STATES:
                self.report.error(state.loc, f"state '{state.name}' is built in and cannot be declared")
            elif state.name in known:
                notes = [(known[state.name].loc, "declared here before")]
                self.report.error(state.loc, f"state '{state.name}' is declared twice", notes=notes)
            else:
                known[state.name] = state
        if "start" not in known:
            hint = did_you_mean("start", known) or "parsing begins there"
            self.report.error(node.loc, f"parser '{node.name}' has no state 'start'", hint=hint)
        for state in node.states:
            with self.scope():
                for statement in state.statements:
                    self.statement(statement)
                self._transition(state, known)
        self._reachable(known)

    def _transition(self, state: ast.StateDecl, known: dict[str, ast.StateDecl]) -> None:
        if state.transition is None:
            hint = "end it with 'transition accept;' or 'transition reject;'"
            self.report.warning(
                "missing-transition",
                state.loc,
                f"state '{state.name}' has no transition: it rejects the packet",
                hint=hint,
            )
            return
        if isinstance(state.transition, ast.Goto):
            targets = [(state.transition.target, state.transition.loc)]
        else:
            self._select(state.transition)
            targets = [(c.target, c.target_loc) for c in state.transition.cases]
        for target, location in targets:
            if target not in known and target not in FINAL_STATES:
                hint = did_you_mean(target, [*known, *FINAL_STATES])
                self.report.error(location, f"unknown state '{target}'", hint=hint)

    def _select(self, node: ast.SelectExpr) -> None:
        keys = tuple(self.check(key) for key in node.keys)
        for key, type_ in zip(node.keys, keys, strict=True):
            if type_ == t.INT:
                self.report.error(key.loc, "a select key needs a width", hint="cast it: (bit<16>)...")
        catch_all: ast.SelectCase | None = None
        for case in node.cases:
            if catch_all is not None:
                notes = [(catch_all.loc, "this one matches everything")]
                self.report.warning("shadowed-arm", case.loc, "this case is never reached", notes=notes)
            self.keyset(case.keyset, keys)
            if _matches_all(case.keyset):
                catch_all = catch_all or case

    def keyset(self, node: ast.Expr, keys: tuple[t.Type, ...], what: str = "select case") -> None:
        """Check a keyset against the types of the keys that it stands for; ``what`` it belongs to."""
        if isinstance(node, ast.DontCare):
            return
        items = node.items if isinstance(node, ast.TupleKeyset) else (node,)
        if isinstance(node, ast.Name | ast.Member) and isinstance(self.check(node), t.SetOf):
            self._value_set_keyset(node, keys)
            return
        if len(items) == 1 and isinstance(items[0], ast.ListExpr) and (len(keys) > 1 or _is_scalar(keys)):
            items = items[0].items
        if len(keys) == 1 and len(items) > 1 and isinstance(keys[0], t.Tuple | t.Struct):
            keys = keys[0].items if isinstance(keys[0], t.Tuple) else tuple(f.type for f in keys[0].fields)
        if len(items) != len(keys):
            self.report.error(node.loc, f"{_count(len(items), 'value')} for {_count(len(keys), 'key')}")
            return
        for item, key in zip(items, keys, strict=True):
            self._simple_keyset(item, key, what)

    def _simple_keyset(self, node: ast.Expr, key: t.Type, what: str) -> None:
        if isinstance(node, ast.DontCare):
            return
        if isinstance(node, ast.TupleKeyset):
            self.keyset(node, (key,), what)
            return
        if isinstance(node, ast.MaskExpr | ast.RangeExpr):
            parts = [node.value, node.mask] if isinstance(node, ast.MaskExpr) else [node.low, node.high]
            key = t.underlying(key) if isinstance(key, t.Enum) else key
            if not isinstance(t.underlying(key), t.Bits) and key != t.UNKNOWN:
                self.report.error(node.loc, f"a key of type '{key}' has no masks and ranges")
                return
        else:
            parts = [node]
            if isinstance(self.check(node), t.SetOf):
                self._value_set_keyset(node, (key,))
                return
        for part in parts:
            have = self.check(part)
            if isinstance(key, t.Enum) and isinstance(have, t.Bits):
                key = t.underlying(key)
            self.coerce(part, have, key, f"the value of a {what}")
            if self.body.kind != "parser" and not self.is_known(part):
                self.report.error(part.loc, f"the value of a {what} must be known at compile time")

    def _value_set_keyset(self, node: ast.Expr, keys: tuple[t.Type, ...]) -> None:
        set_type = self.check(node)
        assert isinstance(set_type, t.SetOf)
        element = set_type.element
        mine = tuple(t.leaves(element))
        fits = mine == tuple(leaf for key in keys for leaf in t.leaves(key))
        if not fits and t.UNKNOWN not in (*mine, *keys):
            have, want = ", ".join(map(str, mine)), ", ".join(map(str, keys))
            self.report.error(node.loc, f"a value set of '{have}' cannot match keys of '{want}'")

    def _reachable(self, known: dict[str, ast.StateDecl]) -> None:
        reached: set[str] = set()
        waiting = ["start"]
        while waiting:
            name = waiting.pop()
            if name in reached or name not in known:
                continue
            reached.add(name)
            transition = known[name].transition
            if isinstance(transition, ast.Goto):
                waiting.append(transition.target)
            elif transition is not None:
                waiting.extend(c.target for c in transition.cases)
        for name, state in known.items():
            if name not in reached and "start" in known:
                self.report.warning("unreachable-state", state.loc, f"state '{name}' is never reached")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _is_scalar(keys: tuple[t.Type, ...]) -> bool:
    return not any(isinstance(key, t.Tuple | t.Struct) for key in keys)


def _matches_all(node: ast.Expr) -> bool:
    if isinstance(node, ast.TupleKeyset):
        return all(map(_matches_all, node.items))
    return isinstance(node, ast.DontCare)
