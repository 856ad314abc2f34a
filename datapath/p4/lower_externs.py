"""Externs that a parser may use, and the state that they keep while a packet is parsed.

Stands on ``lower_calls.py``.  Internet checksums are sums over fields, which the IR's arithmetic can do: the state is a
16-bit variable.

Source: Portable Switch Architecture 1.2, section 7.6 (checksums); RFC 1071 (the sum).
"""

from __future__ import annotations

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.architecture import is_internet_sum
from datapath.p4.check_base import Call
from datapath.p4.lower_calls import LowerCalls
from datapath.p4.places import Compound, InstancePlace, Place, RValue

NOTHING = Compound(t.VOID, {})


class LowerExterns(LowerCalls):
    """Externs."""

    def instantiate(self, node: ast.Instantiation) -> InstancePlace:
        """Make an instance that a parser declares."""
        type_ = self.subst(self.info.symbols[node].type)
        call = self.info.calls.get(node)
        args: dict[ast.Node, Place] = {}
        for param, value in call.args if call is not None else ():
            if isinstance(type_, t.Block):
                args[param.node] = self.constructor_argument(param, value)
        state = {}
        if is_internet_sum(node):
            state["sum"] = self.variable(f"{self.frame.prefix}{node.name}", 16)
        return InstancePlace(type_, node, node.name, args, state)

    def constructor_argument(self, param: t.Param, value: ast.Expr | None) -> Place:
        raise NotImplementedError

    def extern_method(self, node: ast.CallExpr, call: Call, target: InstancePlace) -> RValue:
        if "sum" in target.state:
            return self._sum_method(node, call, target.state["sum"])
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
        else:
            self.ignore_extern(node, call)
        return NOTHING

    def _add(self, state: ir.VarRef, data: ast.Expr, subtract: bool, location: Location) -> None:
        """Add the data's 16-bit words to a ones'-complement sum, or take them off it."""
        parts = self.flatten(self.rvalue(data), location)
        width = sum(p.width for p in parts)
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
