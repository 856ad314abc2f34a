"""Externs that a parser may use, and the state that they keep while a packet is parsed.

Stands on ``lower_calls.py``.  Internet checksums are sums over fields, which the IR's arithmetic can do: the state is a
16-bit variable.

Source: Portable Switch Architecture 1.2, section 7.6 (checksums); RFC 1071 (the sum); Tofino Native Architecture, its
public version (parser counters).
"""

from __future__ import annotations

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.architecture import is_internet_sum
from datapath.p4.check_base import Call
from datapath.p4.lower_calls import LowerCalls
from datapath.p4.places import Compound, InstancePlace, Place, RValue, StructPlace, part_types

NOTHING = Compound(t.VOID, {})


class LowerExterns(LowerCalls):
    """Externs."""

    def instantiate(self, node: ast.Instantiation) -> Place:
        """Make an instance, or an array of them, that a parser declares."""
        return self._instances(self.subst(self.info.symbols[node].type), node)

    def _instances(self, type_: t.Type, node: ast.Instantiation) -> Place:
        if isinstance(type_, t.Array):
            return StructPlace(type_, {name: self._instances(part, node) for name, part in part_types(type_)})
        call = self.info.calls.get(node)
        args: dict[ast.Node, Place] = {}
        for param, value in call.args if call is not None else ():
            if isinstance(type_, t.Block):
                args[param.node] = self.constructor_argument(param, value)
        state = {}
        if is_internet_sum(node):
            state["sum"] = self.variable(f"{self.frame.prefix}{node.name}", 16)
        elif isinstance(type_, t.Extern) and type_.name == "ParserCounter":
            state["count"] = self.variable(f"{self.frame.prefix}{node.name}", 8, signed=True)
        return InstancePlace(type_, node, node.name, args, state)

    def constructor_argument(self, param: t.Param, value: ast.Expr | None) -> Place:
        raise NotImplementedError

    def extern_method(self, node: ast.CallExpr, call: Call, target: InstancePlace) -> RValue:
        if "sum" in target.state:
            return self._sum_method(node, call, target.state["sum"])
        if "count" in target.state:
            return self._counter_method(node, call, target.state["count"])
        self.ignore_extern(node, call)
        return NOTHING

    def _sum_method(self, node: ast.CallExpr, call: Call, state: ir.VarRef) -> RValue:
        values = [value for _, value in call.args if value is not None]
        if call.name == "clear":
            self.emit(ir.Assign(state, ir.Const(0, 16), node.loc))
        elif call.name in ("add", "update", "subtract", "remove"):
            self._add(state, values[0], call.name in ("subtract", "remove"), node.loc)
        elif call.name == "get_state":
            return state
        elif call.name == "set_state":
            self.emit(ir.Assign(state, self.scalar(values[0]), node.loc))
        elif call.name == "get":
            if values:  # v1model's Checksum16.get(data): a sum of its own each time
                self.emit(ir.Assign(state, ir.Const(0, 16), node.loc))
                self._add(state, values[0], False, node.loc)
            return ir.Unary("~", state, 16)
        elif call.name == "verify" and not values:  # TNA: of a header with its checksum all ones are left
            return ir.Binary("==", state, ir.Const(0xFFFF, 16), 1)
        else:
            self.ignore_extern(node, call)
        return NOTHING

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

    def _add(self, state: ir.VarRef, data: ast.Expr, subtract: bool, location: Location) -> None:
        """Add the data's 16-bit words to a ones'-complement sum, or take them off it."""
        parts = self.flatten(self.rvalue(data), location)
        width = sum(p.width for p in parts)
        if not width:
            return  # nothing adds nothing
        if width % 16:
            self.unsupported(location, f"the sum of {width} bits, which is no multiple of 16")
        bits: ir.Expr = ir.Concat(tuple(parts)) if len(parts) > 1 else parts[0]
        total: ir.Expr = ir.Resize(state, 32)
        for low in range(width - 16, -1, -16):
            word: ir.Expr = ir.Slice(bits, low + 15, low) if width > 16 else bits
            word = ir.Unary("~", word, 16) if subtract else word
            total = ir.Binary("+", total, ir.Resize(word, 32), 32)
        folded = self.temporary(total, location)
        for _ in range(2):
            high, low_half = ir.Slice(folded, 31, 16), ir.Slice(folded, 15, 0)
            value = ir.Binary("+", ir.Resize(high, 32), ir.Resize(low_half, 32), 32)
            self.emit(ir.Assign(folded, value, location))
        self.emit(ir.Assign(state, ir.Slice(folded, 15, 0), location))
