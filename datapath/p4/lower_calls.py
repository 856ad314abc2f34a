"""Calls to IR: packet_in's methods, built-in methods of headers and stacks, functions (inlined).

Stands on ``lower_arguments.py``; externs with a state of their own are in ``lower_externs.py``.

Source: P4_16 specification 1.2.5, sections 6.8 (calling convention), 8.18 to 8.20 (headers, stacks), 13.8 (extraction).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Call
from datapath.p4.check_calls import static_assertion
from datapath.p4.lower_arguments import LowerArguments
from datapath.p4.lower_base import Frame, LoweringFailure, constant_of
from datapath.p4.lower_statements import has_return
from datapath.p4.places import (
    ChoicePlace,
    Compound,
    HeaderPlace,
    InstancePlace,
    PacketPlace,
    Place,
    RValue,
    StackPlace,
    StructPlace,
    is_provided,
    is_signed,
    part_types,
    scalar_width,
)

MAX_INLINE_DEPTH = 64
# Calls about what a port of this switch does not have, so that they give zeros: TNA's port metadata, PNA's accelerator.
ABSENT = ("port_metadata_unpack", "from_ipsec")


class LowerCalls(LowerArguments):
    """Calls."""

    def call(self, node: ast.CallExpr) -> RValue:
        call = self.info.calls.get(node)
        if call is None:
            self.unsupported(node.loc, "this call in a parser")
        if call.kind == "type":
            return self._size(node, call)
        if call.kind == "builtin":
            return self._builtin(node, call)
        if call.kind == "method":
            assert isinstance(node.callee, ast.Member)
            target = self.place(node.callee.base)
            if isinstance(target, PacketPlace):
                return self._packet(node, call)
            if not isinstance(target, InstancePlace):
                self.unsupported(node.loc, "an instance that only a run-time index tells")
            return self.extern_method(node, call, target)
        if call.kind == "function":
            assert call.function is not None
            if call.function.node in self.info.functions:
                return self._inline(node, call)
            return self._extern_function(node, call)
        if call.kind == "apply":
            self.apply(node)
            return Compound(t.VOID, {})
        self.unsupported(node.loc, "creating an instance inside an expression")

    def extern_method(self, node: ast.CallExpr, call: Call, target: InstancePlace) -> RValue:
        raise NotImplementedError

    def apply(self, node: ast.CallExpr) -> None:
        raise NotImplementedError

    def _size(self, node: ast.CallExpr, call: Call) -> RValue:
        """A size that depends on a type parameter; all others are constants already."""
        assert isinstance(node.callee, ast.Member)
        base = self.type_of(node.callee.base)
        sizes = t.size_range(self.subst(base.type) if isinstance(base, t.Meta) else base)
        if sizes is None:
            self.unsupported(node.loc, f"the size of '{base}'")
        bits = sizes[0] if call.name.startswith("min") else sizes[1]
        return ir.Const(bits if call.name.endswith("Bits") else (bits + 7) // 8, 32)

    # ------------------------------------------------------------------------------------------------ built-ins
    def _builtin(self, node: ast.CallExpr, call: Call) -> RValue:
        assert isinstance(node.callee, ast.Member)
        place = self.place(node.callee.base)
        if call.name == "isValid":
            return self.validity(place)
        if call.name in ("setValid", "setInvalid"):
            self.set_valid(place, call.name == "setValid", node.loc)
            return Compound(t.VOID, {})
        count = self.info.values.get(node.args[0].value)
        assert isinstance(count, int)
        if not isinstance(place, StackPlace):
            self.unsupported(node.loc, f"'{call.name}' on this")
        shift = count if call.name == "push_front" else -count
        if place.path and count:
            self.emit(ir.PushPop(place.path, shift, node.loc))
        elif count:
            self._move_elements(place, shift, node.loc)
        return Compound(t.VOID, {})

    def _move_elements(self, place: StackPlace, shift: int, location: Location) -> None:
        """``push_front`` (``shift`` > 0) or ``pop_front`` on a stack that the IR does not know."""
        size = len(place.elements)
        for i in reversed(range(size)) if shift > 0 else range(size):
            source = i - shift
            if 0 <= source < size:
                self.store(place.elements[i], self.read(place.elements[source], location), location)
            else:
                self.store(place.elements[i], self.zero(place.type.element, location), location)
        assert place.next is not None
        bound = ir.Const(size - shift if shift > 0 else -shift, 32)  # from here on it stays in the stack
        moved = ir.Binary("+" if shift > 0 else "-", place.next, ir.Const(abs(shift), 32), 32)
        if shift >= size:
            value: ir.Expr = ir.Const(size, 32)
        elif shift > 0:
            value = ir.Mux(ir.Binary("<=", place.next, bound, 1), moved, ir.Const(size, 32), 32)
        else:
            value = ir.Mux(ir.Binary(">=", place.next, bound, 1), moved, ir.Const(0, 32), 32)
        self.emit(ir.Assign(place.next, value, location))

    # ------------------------------------------------------------------------------------------------ packet_in
    def _packet(self, node: ast.CallExpr, call: Call) -> RValue:
        if call.name == "length":
            return ir.PacketLength()
        if call.name == "lookahead":
            return self._lookahead(node, call)
        args = [value for _, value in call.args]
        assert args[0] is not None
        if call.name == "advance":
            bits = self.scalar(args[0])
            self.emit(ir.Advance(bits, node.loc))
        else:
            assert call.name == "extract", call.name
            bits_node = args[1] if len(args) > 1 else None
            self._extract(args[0], call, bits_node, node.loc)
        return Compound(t.VOID, {})

    def _extract(self, target: ast.Expr, call: Call, bits_node: ast.Expr | None, location: Location) -> None:
        if isinstance(target, ast.DontCare):
            self._skip(call, bits_node, location)
            return
        bits = self.scalar(bits_node) if bits_node is not None else None
        if bits is not None and _has_empty_varbit(self.type_of(target)):
            if constant_of(bits) != 0:
                self.unsupported(location, "extracting anything but 0 bits into a varbit<0>")
            bits = None
        place = self.place(target)
        if isinstance(place, ChoicePlace):
            self.check_choice(place, location)
            index = place.index
            if place.advance is not None:  # the counter itself moves on below
                index = self.temporary(index, location)
            chosen = ChoicePlace(index, place.choices)
            self.choose(chosen, location, lambda choice: self._extract_into(choice, bits, location))
            if place.advance is not None:
                counted = ir.Binary("+", place.advance, ir.Const(1, 32), 32)
                self.emit(ir.Assign(place.advance, counted, location))
        else:
            self._extract_into(place, bits, location)

    def _extract_into(self, place: Place, bits: ir.Expr | None, location: Location) -> None:
        if isinstance(place, HeaderPlace):
            self.emit(ir.Extract(place.at, bits, location))
        elif isinstance(place, StructPlace) and place.valid is not None and is_provided(place.type):
            self.emit(ir.Assign(place.valid.ref, ir.Const(1, 1), location))  # no packet here has it
        elif isinstance(place, StructPlace) and place.valid is not None:
            self._extract_local(place, bits, location)
        else:
            self.unsupported(location, "extracting into this")

    def _skip(self, call: Call, bits_node: ast.Expr | None, location: Location) -> None:
        header = self.subst(next(iter(call.bound.values()), t.UNKNOWN))
        sizes = t.size_range(header)
        if sizes is None:
            self.unsupported(location, f"extracting a '{header}' into _")
        if bits_node is None:
            self.emit(ir.Advance(ir.Const(sizes[0], 32), location))
            return
        bits = self.temporary(ir.Resize(self.scalar(bits_node), 64), location)  # no sum wraps round
        self.emit(ir.Advance(ir.Binary("+", bits, ir.Const(sizes[0], 64), 64), location))
        fits = ir.Binary("<=", bits, ir.Const(sizes[1] - sizes[0], 64), 1)
        self.emit(ir.Verify(fits, ir.Const(ir.CORE_ERRORS.index("HeaderTooShort"), 32), location))

    def _extract_local(self, place: StructPlace, bits: ir.Expr | None, location: Location) -> None:
        """Extract into a header that is a local variable: look ahead field by field, then advance."""
        if bits is not None:
            self.unsupported(location, "extracting a varbit into a local variable")
        width = t.width_of(place.type)
        assert width is not None
        self.store(place, self._at_cursor(place.type, location), location)
        self.emit(ir.Advance(ir.Const(width, 32), location))

    def _lookahead(self, node: ast.CallExpr, call: Call) -> RValue:
        assert call.function is not None
        type_ = self.subst(t.substitute(call.function.result, call.bound))
        return self._at_cursor(type_, node.loc)

    def _at_cursor(self, type_: t.Type, location: Location) -> RValue:
        """Return a value of ``type_`` read at the cursor."""
        width = scalar_width(type_)
        if width is not None:
            return ir.Lookahead(width, 0, is_signed(type_))
        total = t.width_of(type_)
        if total:  # all of it must be in the packet, also where only the first fields are used
            self.emit(ir.Evaluate(ir.Lookahead(1, total - 1), location))
        return self._peeked(type_, [0])

    def _peeked(self, type_: t.Type, offset: list[int]) -> RValue:
        width = scalar_width(type_)
        if width is not None:
            offset[0] += width
            return ir.Lookahead(width, offset[0] - width, is_signed(type_))
        parts = {name: self._peeked(part, offset) for name, part in part_types(type_)}
        return Compound(type_, parts, ir.Const(1, 1) if t.is_header(type_) else None)

    # ------------------------------------------------------------------------------------------------ functions
    def _extern_function(self, node: ast.CallExpr, call: Call) -> RValue:
        if call.name == "verify":
            (_, condition), (_, reason) = call.args
            assert condition is not None
            assert reason is not None
            self.emit(ir.Verify(self.scalar(condition), self.scalar(reason), node.loc))
        elif call.name == "hash":
            self.hash_function(node, call)
        elif call.name == "static_assert":
            return self._static_assert(node, call)
        else:
            return self.ignore_extern(node, call)
        return Compound(t.VOID, {})

    def _static_assert(self, node: ast.CallExpr, call: Call) -> ir.Const:
        (_, condition), *_ = call.args
        assert condition is not None
        known = constant_of(self.scalar(condition))
        if known is None:
            self.report.error(condition.loc, "what is asserted must be known at compile time")
        elif not known and node not in self.info.values:
            self.report.error(node.loc, static_assertion(self.info, call))
        return ir.Const(1, 1)

    def hash_function(self, node: ast.CallExpr, call: Call) -> None:
        raise NotImplementedError

    def ignore_extern(self, node: ast.CallExpr, call: Call) -> RValue:
        """Skip an extern that can only have an effect elsewhere; refuse one whose result the parser would use."""
        assert call.function is not None
        declared = call.function.node
        name = self._extern_name(node, call)
        outs = [(param, value) for param, value in call.args if param.direction in ("out", "inout")]
        if call.name in ABSENT:
            for param, value in outs:
                if value is not None and not isinstance(value, ast.DontCare):
                    self.store(self.place(value), self.zero(self.subst(param.type), node.loc), node.loc)
            result = self.subst(t.substitute(call.function.result, call.bound))
            return self.zero(result, node.loc) if result != t.VOID else Compound(t.VOID, {})
        if (call.function.result != t.VOID and node is not self.unused_call) or outs:
            hint = "a parser can use what has a body: make it a function of the program"
            notes = [(declared.loc, "declared here")]
            self.unsupported(node.loc, f"{name} has no meaning that this switch knows", hint, notes)
        message = f"the call of {name} is left out: it gives nothing that this parser uses"
        self.report.warning("left-out-call", node.loc, message)
        return Compound(t.VOID, {})

    def _extern_name(self, node: ast.CallExpr, call: Call) -> str:
        """Name an extern function or method in a message."""
        base = self.type_of(node.callee.base) if call.kind == "method" and isinstance(node.callee, ast.Member) else None
        return f"extern '{base.name}.{call.name}'" if isinstance(base, t.Extern) else f"extern '{call.name}'"

    def _inline(self, node: ast.CallExpr, call: Call) -> RValue:
        assert call.function is not None
        declaration = self.info.functions[call.function.node]
        bound = {k: self.subst(v) for k, v in call.bound.items()}
        frame = Frame(declaration, f"{self.frame.prefix}{call.name}.", bound=bound)
        copies = self.bind(call.args, frame, node.loc)
        self.enter(declaration, node.loc)  # not before: an argument may be a call of the same function
        result_type = t.substitute(call.function.result, bound)
        if result_type != t.VOID:
            frame.result = self.local_place(result_type, f"{frame.prefix}return", node.loc)
        with self.inside(frame):
            if _returns_in_loop(declaration.body):
                self.block(lambda label: self._leaving(declaration, label), node.loc)
            else:
                self.statements(declaration.body.statements)
        self.copy_out(copies, node.loc)
        return Compound(t.VOID, {}) if frame.result is None else self.read(frame.result, node.loc)

    def _leaving(self, declaration: ast.FunctionDecl, label: int) -> None:
        """The body of a function each ``return`` of which leaves a block."""
        self.frame.leave = label
        self.statements(declaration.body.statements)

    def enter(self, declaration: ast.Node, location: Location) -> None:
        """Begin to inline a declaration, unless it is being inlined already."""
        name = getattr(declaration, "name", "")
        if declaration in self.active:
            self.report.error(location, f"'{name}' calls itself", hint="P4 has no recursion")
            raise LoweringFailure
        if len(self.active) >= MAX_INLINE_DEPTH:
            self.unsupported(location, f"calls nested more than {MAX_INLINE_DEPTH} deep")
        self.active.append(declaration)
        self._multiplied.append((location, f"with '{name}' in it"))
        self.step(location)

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """Lower the body of what was entered; leave it in the end."""
        outer, loops = self.frame, self.loops_around
        self.frame, self.loops_around = frame, ()
        try:
            yield
        finally:
            self.frame, self.loops_around = outer, loops
            self.active.pop()
            self._multiplied.pop()


def _returns_in_loop(body: ast.Statement) -> bool:
    return any(isinstance(s, ast.ForStmt | ast.ForInStmt) and has_return(s) for s in ast.walk_statements(body))


def _has_empty_varbit(type_: t.Type) -> bool:
    return isinstance(type_, t.Struct) and any(f.type == t.Varbit(0) for f in type_.fields)
