"""Types of calls: functions, extern methods, built-in methods, constructors, ``apply``; inference of type arguments.

Stands on ``check_expressions.py``.

Source: P4_16 specification 1.2.5, sections 8.20 (method invocations), 8.21 (constructor invocations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Call, Info, Symbol
from datapath.p4.check_expressions import ExpressionChecker
from datapath.p4.source import did_you_mean

SIZE_METHODS = ("minSizeInBits", "minSizeInBytes", "maxSizeInBits", "maxSizeInBytes")
HEADER_METHODS = ("isValid", "setValid", "setInvalid", *SIZE_METHODS)
RUN_TIME = (t.Bits, t.Enum, t.Newtype, t.Struct)  # types of values that may be known only at run time
STACK_METHODS = ("push_front", "pop_front", *SIZE_METHODS)


class CallChecker(ExpressionChecker):
    """Calls."""

    def call(self, node: ast.CallExpr) -> t.Type:
        callee = node.callee
        if isinstance(callee, ast.Member):
            return self._method(node, callee)
        if isinstance(callee, ast.TypeExpr):
            return self._constructor(node, self.resolve(callee.type), callee.loc)
        type_ = self.check(callee)
        if isinstance(type_, t.Meta):
            return self._constructor(node, type_.type, callee.loc)
        symbol = self.info.symbols.get(callee)
        if symbol is None or symbol.kind not in ("function", "action"):
            self.check_all(node.args)
            if type_ != t.UNKNOWN:
                self.report.error(callee.loc, "this is not a function")
            return t.UNKNOWN
        if symbol.kind == "action" and self.body.kind in ("parser", "function"):
            notes = [(symbol.location, "declared here")]
            self.report.error(callee.loc, f"{self.body} cannot call an action", "make it a function", notes)
        if _is_verify(symbol) and self.body.is_skipped:
            self.report.error(callee.loc, f"{self.body} cannot call 'verify': it rejects a packet in a parser")
        function = self._choose(symbol.functions, node.args, callee.loc, f"{symbol.kind} '{symbol.name}'")
        if function is None:
            return t.UNKNOWN
        self.callees.setdefault(self.report.part, set()).add(function.node)
        type_ = self._resolved(node, symbol.kind, function, callee.loc)
        if function.name == "static_assert" and function.node not in self.info.functions:
            self._static_assert(node)
        return type_

    def _static_assert(self, node: ast.CallExpr) -> None:
        """Fold core.p4's assertion; what is asserted of a type parameter is seen when the call is lowered."""
        (_, condition), *_ = self.info.calls[node].args
        value = self.info.values.get(condition) if condition is not None else None
        if value is False:
            self.report.error(node.loc, static_assertion(self.info, self.info.calls[node]))
        if value is not None:
            self.info.values[node] = True

    def is_known(self, node: ast.Expr) -> bool:
        raise NotImplementedError

    def check_all(self, args: Sequence[ast.Argument]) -> None:
        for arg in args:
            self.check(arg.value)

    # ------------------------------------------------------------------------------------------------ overloads
    def _choose(
        self, functions: Sequence[t.Function], args: Sequence[ast.Argument], location: Location, what: str
    ) -> t.Function | None:
        """Return the function that takes these arguments, by number and by name; report if there is none."""
        fitting = [f for f in functions if _takes(f.params, args)]
        if len(fitting) > 1:  # drafts of an architecture may declare one function twice, with other types
            types = [self.check(a.value) for a in args if not a.name]
            fitting.sort(key=lambda f: not all(_alike(p.type, h) for p, h in zip(f.params, types, strict=False)))
        if fitting:
            return fitting[0]
        self.check_all(args)
        if not functions:
            self.report.error(location, f"{what} cannot be called")
            return None
        counts = sorted({_count_text(f.params) for f in functions})
        named = [a.name for a in args if a.name]
        message = f"{what} takes {' or '.join(counts)} argument{'' if counts == ['1'] else 's'}, {len(args)} given"
        if named and len(functions) == 1:
            unknown = [n for n in named if n not in [p.name for p in functions[0].params]]
            if unknown:
                message = f"{what} has no parameter '{unknown[0]}'"
        notes = [(f.node.loc, "declared here") for f in functions]
        self.report.error(location, message, notes=notes)
        return None

    def _resolved(self, node: ast.CallExpr, kind: str, function: t.Function, location: Location) -> t.Type:
        """Check arguments against the parameters of the function chosen; record the call; return its type."""
        bound = self._explicit_types(node, function, location)
        args = self.match_args(function.params, node.args)
        self._infer_types(function, args, bound)
        self._check_bound(function, bound, location)
        unbound = [v for v in function.type_params if v not in bound]
        if unbound and any(_mentions(function.result, v) for v in unbound):
            hint = f"write it: {function.name}<...>(...)"
            self.report.error(location, f"type argument '{unbound[0].name}' cannot be inferred", hint=hint)
        bound.update(dict.fromkeys(unbound, t.UNKNOWN))
        checked = self.check_args(args, bound)
        self.info.calls[node] = Call(kind, function.name, function, bound, checked)
        return t.substitute(function.result, bound)

    def _check_bound(self, function: t.Function, bound: dict[t.Type, t.Type], location: Location) -> None:
        """Report type arguments that no run-time value can have; they are unknown then."""
        for variable in function.type_params:
            type_ = bound.get(variable, t.UNKNOWN)
            hint = "give the number a width, as in 32w5" if type_ == t.INT else ""
            if type_ == t.Meta(t.UNKNOWN):
                bound[variable] = t.UNKNOWN
            elif type_ == t.INT or isinstance(type_, t.Block | t.Table | t.Function | t.Meta | t.Record):
                message = f"type argument '{variable.name}' of '{function.name}' cannot be '{type_}'"
                self.report.error(location, message, hint=hint)
                bound[variable] = t.UNKNOWN

    def _explicit_types(self, node: ast.CallExpr, function: t.Function, location: Location) -> dict[t.Type, t.Type]:
        given = [self.resolve(a) for a in node.type_args]
        if given and len(given) != len(function.type_params):
            message = f"'{function.name}' takes {len(function.type_params)} type arguments, {len(given)} given"
            self.report.error(location, message)
            return {}
        return {v: a for v, a in zip(function.type_params, given, strict=False) if a != t.ANY}

    def match_args(
        self, params: Sequence[t.Param], args: Sequence[ast.Argument]
    ) -> tuple[tuple[t.Param, ast.Expr | None], ...]:
        named = {a.name: a.value for a in args if a.name}
        positional = [a.value for a in args if not a.name]
        matched: list[tuple[t.Param, ast.Expr | None]] = []
        for i, param in enumerate(params):
            value = positional[i] if i < len(positional) else named.get(param.name)
            matched.append((param, value))
        return tuple(matched)

    def _infer_types(
        self,
        function: t.Function,
        args: Sequence[tuple[t.Param, ast.Expr | None]],
        bound: dict[t.Type, t.Type],
    ) -> None:
        free = set(function.type_params)
        for param, value in args:
            if value is not None:
                unify(param.type, self.check(value), bound, free)

    def check_args(
        self, args: Sequence[tuple[t.Param, ast.Expr | None]], bound: Mapping[t.Type, t.Type]
    ) -> tuple[tuple[t.Param, ast.Expr | None], ...]:
        checked: list[tuple[t.Param, ast.Expr | None]] = []
        for param, value in args:
            type_ = t.substitute(param.type, bound)
            checked.append((t.Param(param.name, param.direction, type_, param.has_default, param.node), value))
            if value is None:
                continue
            have = self.check(value)
            if isinstance(value, ast.DontCare):
                if param.direction != "out":
                    hint = "'_' may only stand for what comes out"
                    self.report.error(value.loc, f"argument '{param.name}' needs a value", hint=hint)
                continue
            if isinstance(type_, t.Block):
                self.check_block_fits(value, have, type_, param)
            else:
                self.coerce(value, have, type_, f"argument '{param.name}'")
            if param.direction in ("out", "inout") and have != t.UNKNOWN:
                self.check_lvalue(value, f"argument '{param.name}' ('{param.direction}')")
        return tuple(checked)

    # ------------------------------------------------------------------------------------------------ methods
    def _method(self, node: ast.CallExpr, callee: ast.Member) -> t.Type:
        base = self.check(callee.base)
        self.info.types[callee] = t.ANY
        if isinstance(base, t.Meta):
            return self._type_method(node, callee, base.type)
        if isinstance(base, t.Extern):
            return self._extern_method(node, callee, base)
        if isinstance(base, t.Block) and callee.member == "apply":
            return self._apply(node, callee, base)
        if isinstance(base, t.Table) and callee.member == "apply":
            return self._apply_table(node, callee, base)
        if callee.member in SIZE_METHODS:
            return self._size(node, callee, base)
        if isinstance(base, t.Struct | t.Stack) and not t.is_struct(base):
            return self._builtin(node, callee, base)
        self.check_all(node.args)
        if base != t.UNKNOWN:
            hint = did_you_mean(callee.member, ["apply"] if isinstance(base, t.Table | t.Block) else [])
            self.report.error(callee.loc, f"'{base}' has no method '{callee.member}'", hint=hint)
        return t.UNKNOWN

    def _type_method(self, node: ast.CallExpr, callee: ast.Member, type_: t.Type) -> t.Type:
        if callee.member in SIZE_METHODS:
            return self._size(node, callee, type_)
        if isinstance(type_, t.Block) and callee.member == "apply":
            if type_.constructor_params:
                self.report.error(callee.loc, f"'{type_.name}' needs an instance: it has constructor parameters")
            return self._apply(node, callee, type_)
        self.check_all(node.args)
        if type_ != t.UNKNOWN:
            self.report.error(callee.loc, f"type '{type_}' has no method '{callee.member}'")
        return t.UNKNOWN

    def _size(self, node: ast.CallExpr, callee: ast.Member, type_: t.Type) -> t.Type:
        sizes = t.size_range(type_)
        if sizes is None:
            if not isinstance(type_, t.TypeVar) and type_ != t.UNKNOWN:
                self.report.error(callee.loc, f"'{type_}' has no size")
        else:
            bits = sizes[0] if callee.member.startswith("min") else sizes[1]
            self.info.values[node] = bits if callee.member.endswith("Bits") else (bits + 7) // 8
        self.info.calls[node] = Call("type", callee.member, None, {}, ())
        return t.INT

    def _builtin(self, node: ast.CallExpr, callee: ast.Member, base: t.Struct | t.Stack) -> t.Type:
        name = callee.member
        known: tuple[str, ...] = STACK_METHODS if isinstance(base, t.Stack) else HEADER_METHODS
        if t.is_union(base):
            known = ("isValid", *SIZE_METHODS)
        self.check_all(node.args)
        if name not in known:
            hint = did_you_mean(name, known)
            self.report.error(callee.loc, f"'{base}' has no method '{name}'", hint=hint)
            return t.UNKNOWN
        n_args = 1 if name in ("push_front", "pop_front") else 0
        if len(node.args) != n_args:
            self.report.error(callee.loc, f"'{name}' takes {n_args} arguments, {len(node.args)} given")
        elif n_args:
            self.constant_int(node.args[0].value, f"the argument of '{name}'", 0)
        if name != "isValid":
            self.check_lvalue(callee.base, f"what '{name}' changes")
        self.info.calls[node] = Call("builtin", name, None, {}, ())
        return t.BOOL if name == "isValid" else t.VOID

    def _extern_method(self, node: ast.CallExpr, callee: ast.Member, base: t.Extern) -> t.Type:
        named = [m for m in base.methods if m.name == callee.member and m.name != base.name]
        if not named:
            self.check_all(node.args)
            hint = did_you_mean(callee.member, [m.name for m in base.methods])
            self.report.error(callee.loc, f"extern '{base.name}' has no method '{callee.member}'", hint=hint)
            return t.UNKNOWN
        method = self._choose(named, node.args, callee.loc, f"method '{callee.member}'")
        if method is None:
            return t.UNKNOWN
        result = self._resolved(node, "method", method, callee.loc)
        if base.name == "packet_in" and callee.member == "lookahead":
            return self._check_lookahead(callee, result)
        if base.name == "packet_in" and callee.member == "extract":
            self._check_extract(node, callee)
        return result

    def _check_lookahead(self, callee: ast.Member, result: t.Type) -> t.Type:
        if result == t.UNKNOWN or isinstance(result, t.TypeVar) or t.width_of(result) is not None:
            return result
        self.report.error(callee.loc, f"lookahead needs a type of fixed width, not '{result}'")
        return t.UNKNOWN

    def _check_extract(self, node: ast.CallExpr, callee: ast.Member) -> None:
        header = next(iter(self.info.calls[node].bound.values()), t.UNKNOWN)
        if header == t.UNKNOWN or isinstance(header, t.TypeVar):
            return
        if not t.is_header(header):
            parts = [f.name for f in header.fields if t.is_header(f.type)] if isinstance(header, t.Struct) else []
            hint = f"extract its headers one by one: {', '.join('.' + name for name in parts)}" if parts else ""
            self.report.error(callee.loc, f"only a header can be extracted, not '{header}'", hint=hint)
            return
        assert isinstance(header, t.Struct)
        n_varbits = t.n_varbits(header)
        if n_varbits > 1:
            hint = "cut it into headers that have one each"
            self.report.error(callee.loc, f"header '{header}' has {n_varbits} varbit fields", hint=hint)
        elif n_varbits and len(node.args) == 1:
            hint = "extract(header, bits) says how long it is"
            self.report.error(callee.loc, f"header '{header}' has a varbit field: its length is needed", hint=hint)
        elif not n_varbits and len(node.args) == 2:
            self.report.error(callee.loc, f"header '{header}' has no varbit field to take a length")

    def _apply(self, node: ast.CallExpr, callee: ast.Member, block: t.Block) -> t.Type:
        as_function = t.Function("apply", block.type_params, block.params, t.VOID, block.node)
        if block.kind != self.body.kind:
            self.report.error(callee.loc, f"{self.body} cannot apply a {block.kind}")
        chosen = self._choose([as_function], node.args, callee.loc, f"'{block.name}'")
        if chosen is None:
            return t.VOID
        self._resolved(node, "apply", chosen, callee.loc)
        call = self.info.calls[node]
        self.info.calls[node] = Call("apply", block.name, call.function, call.bound, call.args, block)
        return t.VOID

    def _apply_table(self, node: ast.CallExpr, callee: ast.Member, table: t.Table) -> t.Type:
        self.check_all(node.args)
        if node.args:
            self.report.error(callee.loc, f"'apply' of a table takes no arguments, {len(node.args)} given")
        if self.body.kind != "control":
            self.report.error(callee.loc, f"{self.body} cannot apply a table")
        return t.Applied(table)

    # ------------------------------------------------------------------------------------------------ constructors
    def _constructor(self, node: ast.CallExpr, type_: t.Type, location: Location) -> t.Type:
        made, call = self.construct(type_, node.args, location)
        if call is not None:
            self.info.calls[node] = call
        if isinstance(made, t.Extern):
            self.no_abstract_left(location, made, set())
        return made

    def no_abstract_left(self, location: Location, made: t.Extern, given: set[str]) -> None:
        raise NotImplementedError

    def construct(self, type_: t.Type, args: Sequence[ast.Argument], location: Location) -> tuple[t.Type, Call | None]:
        """Check a constructor call; return the type of the instance."""
        if isinstance(type_, t.Extern):
            constructors = [m for m in type_.methods if m.name == type_.name]
            free: tuple[t.TypeVar, ...] = type_.type_params
        elif isinstance(type_, t.Block) and not isinstance(type_.node, ast.ParserTypeDecl | ast.ControlTypeDecl):
            type_ = self._package(type_, args)
            constructors = [t.Function(type_.name, (), type_.constructor_params, type_, type_.node)]
            free = type_.type_params
        else:
            self.check_all(args)
            if type_ != t.UNKNOWN:
                self.report.error(location, f"'{type_}' cannot be instantiated")
            return t.UNKNOWN, None
        if not constructors:
            self.check_all(args)
            hint = f"declare it: extern {type_.name} {{ {type_.name}(); }}"
            self.report.error(location, f"extern '{type_.name}' has no constructor", hint=hint)
            return type_, None
        function = self._choose(constructors, args, location, f"the constructor of '{type_}'")
        if function is None:
            return type_, None
        bound: dict[t.Type, t.Type] = {}
        matched = self.match_args(function.params, args)
        generic = t.Function(function.name, free, function.params, type_, function.node)
        self._infer_types(generic, matched, bound)
        checked = self.check_args(matched, {**dict.fromkeys(free, t.UNKNOWN), **bound})
        for param, value in checked:
            if value is not None and isinstance(self.info.types.get(value), RUN_TIME) and not self.is_known(value):
                message = f"argument '{param.name}' of a constructor must be known at compile time"
                self.report.error(value.loc, message)
        return t.substitute(type_, bound), Call("constructor", function.name, function, bound, checked)

    def _package(self, type_: t.Block, args: Sequence[ast.Argument]) -> t.Block:
        """Return the package of this name that takes these arguments, if there are several of the name."""
        symbol = self.find(type_.name)
        packages = symbol.packages if symbol is not None else []
        if any(p.node is type_.node for p in packages):
            fitting = [p for p in packages if _takes(p.constructor_params, args)]
            return type_ if not fitting or _takes(type_.constructor_params, args) else fitting[0]
        return type_

    def check_block_fits(self, value: ast.Expr, have: t.Type, want: t.Block, param: t.Param) -> None:
        """Check a parser or control against the parser or control type that a package asks for."""
        if not isinstance(have, t.Block) or have.kind != want.kind:
            if have not in (t.UNKNOWN, t.ANY):
                hint = f"write {have.type}()" if isinstance(have, t.Meta) and isinstance(have.type, t.Block) else ""
                message = f"argument '{param.name}' is of type '{have}', a {want.kind} is needed"
                self.report.error(value.loc, message, hint=hint)
            return
        if want.kind == "package":
            if have.node is not want.node or not all(map(_equal, want.args, have.args)):
                self.report.error(value.loc, f"argument '{param.name}' is a '{have.name}', a '{want.name}' is needed")
            return
        # Drafts of one architecture differ in the parameters of controls, which are not used here.
        with self.report.reading(value if want.kind == "control" else self.report.part):
            self._check_params_fit(value, have, want)

    def _check_params_fit(self, value: ast.Expr, have: t.Block, want: t.Block) -> None:
        notes = [(want.node.loc, f"'{want.name}' is declared here"), (have.node.loc, f"'{have.name}' is declared here")]
        pairs = _paired(have.params, want.params)
        if pairs is None:
            message = f"'{have.name}' has {len(have.params)} parameters, '{want.name}' asks for {len(want.params)}"
            self.report.error(value.loc, message, notes=notes)
            return
        bound: dict[t.Type, t.Type] = {}
        for mine, asked in pairs:
            unify(mine.type, asked.type, bound, set(have.type_params))
            fits = _equal(t.substitute(asked.type, bound), t.substitute(mine.type, bound))
            if not fits or (mine.direction != asked.direction and want.kind == "parser"):
                message = (
                    f"parameter '{mine.name}' of '{have.name}' is '{_param_text(mine)}', "
                    f"'{want.name}' asks for '{_param_text(asked)}'"
                )
                self.report.error(value.loc, message, notes=notes)
        self.info.types[value] = t.substitute(have, bound)  # of a generic one: as it is asked for


def _is_verify(symbol: Symbol) -> bool:
    """Is this core.p4's?"""
    params = symbol.functions[0].params
    return symbol.name == "verify" and [p.type for p in params] == [t.BOOL, t.ERROR]


def _paired(have: Sequence[t.Param], want: Sequence[t.Param]) -> list[tuple[t.Param, t.Param]] | None:
    """Pair parameters with those asked for, of which optional ones may be left out anywhere; None if that fails."""
    pairs = []
    rest = list(have)
    for i, asked in enumerate(want):
        n_needed = len(want) - i
        leaves_out = asked.has_default and (not rest or (len(rest) < n_needed and not _alike(rest[0].type, asked.type)))
        if leaves_out:
            continue
        if not rest:
            return None
        pairs.append((rest.pop(0), asked))
    return None if rest else pairs


def _alike(a: t.Type, b: t.Type) -> bool:
    return isinstance(a, t.TypeVar) or isinstance(b, t.TypeVar) or _equal(a, b)


def _param_text(param: t.Param) -> str:
    return f"{param.direction} {param.type}".strip()


def _takes(params: Sequence[t.Param], args: Sequence[ast.Argument]) -> bool:
    if len(args) > len(params):
        return False
    n_positional = sum(not a.name for a in args)
    given = {p.name for p in params[:n_positional]} | {a.name for a in args if a.name}
    return given <= {p.name for p in params} and all(p.has_default or p.name in given for p in params)


def _count_text(params: Sequence[t.Param]) -> str:
    least = sum(not p.has_default for p in params)
    return str(least) if least == len(params) else f"{least} to {len(params)}"


def _mentions(type_: t.Type, variable: t.TypeVar) -> bool:
    return t.substitute(type_, {variable: t.UNKNOWN}) != type_


def _equal(a: t.Type, b: t.Type) -> bool:
    if a == b or t.UNKNOWN in (a, b) or t.ANY in (a, b) or isinstance(a, t.TypeVar):
        return True
    if isinstance(a, t.Tuple) and isinstance(b, t.Tuple):
        return len(a.items) == len(b.items) and all(map(_equal, a.items, b.items))
    if isinstance(a, t.Struct | t.Extern | t.Block) and isinstance(b, t.Struct | t.Extern | t.Block):
        return a.node is b.node and len(a.args) == len(b.args) and all(map(_equal, a.args, b.args))
    return False


def unify(formal: t.Type, actual: t.Type, bound: dict[t.Type, t.Type], free: set[t.TypeVar]) -> None:
    """Bind the free type variables of ``formal`` so that it becomes ``actual``, as far as the two agree."""
    if isinstance(formal, t.TypeVar) and formal in free:
        earlier = bound.get(formal)
        if earlier in (None, t.INT, t.UNKNOWN, t.ANY) and actual != t.ANY:
            bound[formal] = actual
    elif isinstance(formal, t.Tuple) and isinstance(actual, t.Tuple):
        for f, a in zip(formal.items, actual.items, strict=False):
            unify(f, a, bound, free)
    elif isinstance(formal, t.Array | t.List | t.SetOf) and isinstance(actual, t.Array | t.List | t.SetOf):
        unify(formal.element, actual.element, bound, free)
    elif isinstance(formal, t.List) and isinstance(actual, t.Tuple):
        for a in actual.items:
            unify(formal.element, a, bound, free)
    elif isinstance(formal, t.Block) and isinstance(actual, t.Block) and formal.kind == actual.kind:
        if formal.node is actual.node:
            for f, a in zip(formal.args, actual.args, strict=False):
                unify(f, a, bound, free)
        else:
            for fp, ap in zip(formal.params, actual.params, strict=False):
                unify(fp.type, ap.type, bound, free)
    elif (
        isinstance(formal, t.Struct | t.Extern)
        and isinstance(actual, t.Struct | t.Extern)
        and formal.node is actual.node
    ):
        for f, a in zip(formal.args, actual.args, strict=False):
            unify(f, a, bound, free)


def static_assertion(info: Info, call: Call) -> str:
    """Return the message of a static assertion that fails."""
    text = info.values.get(call.args[1][1]) if len(call.args) > 1 and call.args[1][1] is not None else ""
    return f"the static assertion does not hold{f': {text}' if text else ''}"
