"""Externs that a parser may use, and the state that they keep while a packet is parsed.

Stands on ``lower_algorithms.py``.  An instance's state is variables that each packet starts anew.

Source: Portable Switch Architecture 1.2, sections 7.5 and 7.6 (hashes, checksums); Tofino Native Architecture, its
public version (checksums, parser counters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.algorithms import ALGORITHMS, CRC32, INTERNET_SUM, Algorithm
from datapath.p4.architecture import INTERNET_SUMS
from datapath.p4.check_base import Call, Info, Symbol
from datapath.p4.lower_algorithms import LowerAlgorithms
from datapath.p4.places import Compound, InstancePlace, Place, RValue, StructPlace, part_types, scalar_width
from datapath.p4.source import Report

NOTHING = Compound(t.VOID, {})


@dataclass(frozen=True)
class _Deposit:
    """What is stored at the end of a parser's state, if ``is_due`` by then."""

    is_due: ir.VarRef
    target: Place
    value: ir.VarRef
    location: Location


class LowerExterns(LowerAlgorithms):
    """Externs."""

    deposits: Sequence[_Deposit] = ()  # of the parser's state that is being lowered

    def __init__(self, info: Info, report: Report) -> None:
        super().__init__(info, report)
        self._externs: dict[tuple[tuple[ast.Node, ...], str], InstancePlace] = {}  # by declarations, outer ones first

    def instantiate(self, node: ast.Instantiation) -> Place:
        """Make an instance, or an array of them, that a parser declares."""
        type_ = self.subst(self.info.symbols[node].type)
        return self._instances(type_, node, node.name, (*self.frame.instance, node))

    def shared_instance(self, symbol: Symbol) -> Place:
        """Return what is instantiated outside of all parsers."""
        assert isinstance(symbol.node, ast.Instantiation)
        return self._instances(symbol.type, symbol.node, symbol.name, (symbol.node,))

    def _instances(self, type_: t.Type, node: ast.Instantiation, name: str, path: tuple[ast.Node, ...]) -> Place:
        if isinstance(type_, t.Array):
            parts = {n: self._instances(part, node, f"{name}[{n}]", path) for n, part in part_types(type_)}
            return StructPlace(type_, parts)
        if (path, name) in self._externs:  # the same one wherever its parser is applied again
            return self._externs[path, name]
        call = self.info.calls.get(node)
        args: dict[ast.Node, Place] = {}
        for param, value in call.args if call is not None else ():
            if isinstance(type_, t.Block):
                args[param.node] = self.constructor_argument(param, value)
        instance = InstancePlace(type_, node, node.name, args)
        if isinstance(type_, t.Extern):
            instance = self._externs[path, name] = self.with_state(instance, call, f"{self.frame.prefix}{name}")
        return instance

    def constructor_argument(self, param: t.Param, value: ast.Expr | None) -> Place:
        raise NotImplementedError

    def with_state(self, instance: InstancePlace, call: Call | None, name: str) -> InstancePlace:
        """Give an extern what it keeps; all others are returned as they are."""
        type_ = instance.type
        if not isinstance(type_, t.Extern):
            return instance
        if type_.name == "ParserCounter":
            return replace(instance, state={"count": self.variable(name, 8, signed=True)})
        algorithm = self._algorithm_of(type_, call)
        if algorithm is None:
            return instance
        state = self.variable(name, algorithm.width or (scalar_width(type_.args[0]) if type_.args else None) or 32)
        self.variables[state.name] = replace(self.variables[state.name], initial=algorithm.initial)
        return replace(instance, state={"sum": state}, algorithm=algorithm)

    def _algorithm_of(self, type_: t.Extern, call: Call | None) -> Algorithm | None:
        """Return what a checksum or hash computes; None for other externs."""
        if type_.name not in (*INTERNET_SUMS, "Checksum", "Hash"):
            return None
        values = [value for _, value in call.args if value is not None] if call is not None else []
        if not values:
            return INTERNET_SUM if type_.name != "Hash" else None
        return self.algorithm(values[0], CRC32 if type_.name == "Hash" else INTERNET_SUM)

    def extern_method(self, node: ast.CallExpr, call: Call, target: InstancePlace) -> RValue:
        if target.algorithm is not None:
            return self._sum_method(node, call, target.algorithm, target.state["sum"])
        if "count" in target.state:
            return self._counter_method(node, call, target.state["count"])
        return self.ignore_extern(node, call)

    # ------------------------------------------------------------------------------------------------ sums, hashes
    def algorithm(self, node: ast.Expr, default: Algorithm) -> Algorithm:
        """Return the algorithm that an argument names."""
        value = self.info.values.get(node)
        name = value.member if isinstance(value, t.EnumValue) else ""
        if name == "TARGET_DEFAULT":
            return default
        if name.upper() not in ALGORITHMS:
            known = ", ".join(name for name in ALGORITHMS if not name.endswith("CUSTOM"))
            what = f"the algorithm '{name}'" if name else "an algorithm that is not known at compile time"
            self.unsupported(node.loc, f"{what}, in a parser", f"these there are: {known}")
        return ALGORITHMS[name.upper()]

    def _sum_method(self, node: ast.CallExpr, call: Call, algorithm: Algorithm, state: ir.VarRef) -> RValue:
        values = [value for _, value in call.args if value is not None]
        gives = call.function is not None and call.function.result != t.VOID
        if call.name in ("get", "get_hash", "update") and gives and values:
            return self._fresh(node, call, algorithm, values)
        if call.name == "clear":
            self.emit(ir.Assign(state, ir.Const(algorithm.initial, state.width), node.loc))
        elif call.name in ("add", "update") and values:
            self.absorb(algorithm, state, self.data(values[0]), node.loc)
        elif call.name in ("subtract", "remove") and values and algorithm.kind == "sum":
            self.absorb(algorithm, state, self.data(values[0]), node.loc, off=True)
        elif call.name == "subtract_all_and_deposit":
            self._deposit_later(values[0], state, node.loc)
        elif call.name == "get_state":
            return state
        elif call.name == "set_state":
            self.emit(ir.Assign(state, self.scalar(values[0]), node.loc))
        elif call.name == "get":
            return self.as_result(self.result(algorithm, state), node)
        elif call.name == "verify" and not values:  # TNA: of a header with its checksum all ones are left
            return ir.Binary("==", state, ir.Const(0xFFFF, 16), 1)
        else:
            return self.ignore_extern(node, call)
        return NOTHING

    def data(self, node: ast.Expr) -> list[ir.Expr]:
        """Return the scalars of what is summed or hashed."""
        return self.flatten(self.rvalue(node), node.loc)

    def as_result(self, value: ir.Expr, node: ast.Expr) -> ir.Expr:
        """Return a value as wide as the call is declared to give it."""
        return self.resize(value, scalar_width(self.type_of(node)) or value.width, False)

    def _fresh(self, node: ast.CallExpr, call: Call, algorithm: Algorithm, values: list[ast.Expr]) -> RValue:
        """A method that computes from its arguments alone: of hashes, v1model's ``get``, TNA's ``update``."""
        names = [param.name for param, value in call.args if value is not None]
        given = dict(zip(names, values, strict=True))
        width = scalar_width(self.type_of(node)) or 32
        value = self.digest(algorithm, width, self.data(given["data"]), node.loc)
        if "zeros_as_ones" in given:
            is_none = ir.Binary("==", value, ir.Const(0, value.width), 1)
            wanted = ir.Binary("&&", self.scalar(given["zeros_as_ones"]), is_none, 1)
            value = ir.Mux(wanted, ir.Const(0xFFFF, value.width), value, value.width)
        if "base" in given:
            value = self.in_range(value, self.scalar(given["base"]), self.scalar(given["max"]), width)
        return self.as_result(value, node)

    def in_range(self, value: ir.Expr, base: ir.Expr, size: ir.Expr, width: int) -> ir.Expr:
        """Return one of the ``size`` numbers from ``base`` on; base itself where there are none."""
        wide = max(value.width, size.width)
        rest = ir.Binary("%", self.resize(value, wide, False), self.resize(size, wide, False), wide)
        return ir.Binary("+", self.resize(base, width, False), self.resize(rest, width, False), width)

    def _deposit_later(self, target: ast.Expr, state: ir.VarRef, location: Location) -> None:
        """TNA: at the end of the parser's state the target gets the sum, of which what was subtracted is not."""
        is_due = self.variable("tmp", 1)
        self.emit(ir.Assign(is_due, ir.Const(1, 1), location))
        self.deposits = [*self.deposits, _Deposit(is_due, self.place(target), state, location)]

    def deposit(self) -> None:
        """Store what is due."""
        for item in self.deposits:
            outer, self.out = self.out, []
            self.store(item.target, item.value, item.location)
            self.emit(ir.Assign(item.is_due, ir.Const(0, 1), item.location))
            inner, self.out = self.out, outer
            self.emit(ir.If(item.is_due, tuple(inner), (), item.location))

    def hash_function(self, node: ast.CallExpr, call: Call) -> None:
        """v1model's ``hash(result, algorithm, base, data, size)``, and ubpf_model's without base and size."""
        given = {param.name: value for param, value in call.args if value is not None}
        target = self.place(given["result"])
        width = scalar_width(self.type_of(given["result"]))
        if "base" not in given or width is None:
            self.ignore_extern(node, call)
            return
        value = self.digest(self.algorithm(given["algo"], CRC32), width, self.data(given["data"]), node.loc)
        chosen = self.in_range(value, self.scalar(given["base"]), self.scalar(given["max"]), width)
        self.store(target, chosen, node.loc)

    # ------------------------------------------------------------------------------------------------ counters
    def _counter_method(self, node: ast.CallExpr, call: Call, count: ir.VarRef) -> RValue:
        """TNA's ParserCounter: eight bits, two's complement."""
        values = [self.scalar(value) for _, value in call.args if value is not None]
        zero = ir.Const(0, 8, True)
        if call.name == "is_zero":
            return ir.Binary("==", count, zero, 1)
        if call.name == "is_negative":
            return ir.Binary("<", count, zero, 1)
        value: ir.Expr
        if call.name == "set" and len(values) == 1:
            value = self.resize(values[0], 8, True)
        elif call.name == "set":
            value = self._loaded(values, node.loc)
        elif call.name in ("increment", "decrement"):
            value = ir.Binary("+" if call.name == "increment" else "-", count, self.resize(values[0], 8, True), 8, True)
        else:
            self.unsupported(node.loc, f"ParserCounter.{call.name}", "keep one counter, with set() and decrement()")
        self.emit(ir.Assign(count, value, node.loc))
        return NOTHING

    def _loaded(self, values: list[ir.Expr], location: Location) -> ir.Expr:
        """``set(field, max, rotate, mask, add)``: the field, checked, rotated right, of it mask + 1 bits, plus add."""
        source, greatest, rotate, mask, add = values
        field = self.temporary(self.resize(source, 8, False), location)
        within = ir.Binary("<=", field, self.resize(greatest, 8, False), 1)
        self.emit(ir.Verify(within, ir.Const(self.errors.index("CounterRange"), 32), location))
        amount = ir.Binary("&", self.resize(rotate, 8, False), ir.Const(7, 8), 8)
        left = ir.Binary("-", ir.Const(8, 8), amount, 8)
        rotated = ir.Binary("|", ir.Binary(">>", field, amount, 8), ir.Binary("<<", field, left, 8), 8)
        shift = ir.Binary("-", ir.Const(7, 8), ir.Binary("&", self.resize(mask, 8, False), ir.Const(7, 8), 8), 8)
        low_bits = ir.Binary(">>", ir.Const(0xFF, 8), shift, 8)
        kept = ir.Binary("&", rotated, low_bits, 8)
        return self.resize(ir.Binary("+", kept, self.resize(add, 8, False), 8), 8, True)
