"""The statements of one state as C: each step checks, then reads, then moves the cursor.

The cursor is counted in bytes (``offset``) if every step of the program is whole bytes, else in bits (``cursor``), with
the slower helpers of ``packet.h``.  While ``p`` still points at the header extracted last, its fields are read there,
otherwise from the flow key, which has every byte of every valid header.
"""

from __future__ import annotations

from datapath.codegen.cursor import position_after
from datapath.codegen.emitter import Emitter
from datapath.codegen.expressions_c import Expressions
from datapath.codegen.plan import Plan
from datapath.codegen.values_c import (
    LIMB,
    Bits,
    Limb,
    Value,
    at,
    c_number,
    concat_limbs,
    constant,
    slice_limbs,
    store,
    variable,
)
from datapath.errors import Diagnostic, Location, P4Errors, P4UnsupportedError
from datapath.ir.model import (
    CORE_ERRORS,
    Advance,
    Assign,
    Const,
    CopyHeader,
    Evaluate,
    Expr,
    Extract,
    FieldRef,
    Header,
    HeaderAt,
    If,
    Lookahead,
    SetValid,
    Slice,
    State,
    Statement,
    VarbitEqual,
    VarRef,
    Verify,
)
from datapath.ir.validity import Validity, after_statements

TOO_SHORT = CORE_ERRORS.index("PacketTooShort")
HEADER_TOO_SHORT = CORE_ERRORS.index("HeaderTooShort")
WORD = 64  # headers whose validity one word holds
COMPARED_MAX_BITS = 2048  # of varbits that are compared: as many rounds as the verifier has patience for
MAX_LINES = 60_000  # of a program: what is wide is written limb by limb
VARBIT_MAX_BITS = 0xFFFF  # what the length field of the key can say


class StateWriter:
    """Writes one state; knows what holds at the current place."""

    def __init__(self, plan: Plan, state: State, out: Emitter) -> None:
        self.plan = plan
        self.state = state
        self.out = out
        self.expressions = Expressions(self)
        self.validity: Validity = plan.validity[state.name]
        self.position = plan.positions[state.name]
        self.at_p = ""  # the header that p points at
        self.uses_p = False
        self.is_rejected = False  # nothing behind this place is reached
        self.location: Location | None = state.location
        self.n_temporaries = 0
        self.widths = {h.path: h.width_bits for h in plan.program.headers}

    # ------------------------------------------------------------------------------------------ for expressions
    def temporary(self, kind: str = "t") -> str:
        self.n_temporaries += 1
        return f"{kind}{self.n_temporaries}"

    def fail(self, error: int) -> str:
        """Return the goto that rejects with a known error."""
        return self.plan.goto(error_label(self.plan, error))

    def place_of(self, ref: FieldRef) -> Bits:
        header = self.plan.header(ref.header.path)
        item = header.field(ref.field)
        base = "p" if self.at_p == header.path else f"key->{self.plan.header_names[header.path]}"
        return Bits(base, item.offset_bits, item.width_bits, self.plan.key_header(header.path).size)

    def valid(self, path: str) -> Limb:
        """Return whether a header is valid, as a constant where that is known."""
        if path not in self.validity.may:
            return constant(0, 1)[0]
        if path in self.validity.must:
            return constant(1, 1)[0]
        self.plan.tests_validity = True
        return Limb(f"({self.valid_word(path)} & {self.valid_bit(path)}) != 0", 1)

    def valid_word(self, path: str) -> str:
        return f"valid{self.plan.key_header(path).header_id // WORD or ''}"

    def valid_bit(self, path: str) -> str:
        return f"HDR_BIT(H_{self.plan.header_names[path]})"

    def variable(self, ref: VarRef) -> Value | Bits:
        if ref.name in self.plan.local_names:
            return variable(self.plan.local_names[ref.name], ref.width)
        size = (ref.width + 7) // 8
        return Bits(f"key->{self.plan.key_names[ref.name]}", size * 8 - ref.width, ref.width, size)

    def look(self, expr: Lookahead) -> Value | Bits:
        """Check that the bits are there, and return where they stand."""
        if self.plan.in_bytes:
            byte, bit = divmod(expr.offset, 8)
            size = (bit + expr.width + 7) // 8
            name = self.temporary("look")
            self.out.line(f"const __u8 *{name} = pkt_at(pkt, {at('offset', byte)}, {size});")
            self.reject_unless(name, TOO_SHORT)
            return Bits(name, bit, expr.width, size)
        start = at("cursor", expr.offset)
        self.reject_if(f"!pkt_has_bits(pkt, {at('cursor', expr.offset + expr.width)})", TOO_SHORT)
        limbs = []
        for low in range(0, expr.width, LIMB):
            size = min(LIMB, expr.width - low)
            name = self.temporary()
            self.out.line(f"__u64 {name};")
            here = at(start, expr.width - low - size)
            self.reject_if(f"pkt_bits(pkt, {here}, {size}, &{name})", TOO_SHORT)
            limbs.append(name)
        return variable(limbs, expr.width)

    def calls_wide(self) -> None:
        self.plan.calls_wide = True

    def unsupported(self, what: str, hint: str) -> P4UnsupportedError:
        where = self.location or Location(self.plan.program.source, 1, 1)
        return P4UnsupportedError(Diagnostic(where, "unsupported", what, hint=hint))

    # ------------------------------------------------------------------------------------------ small pieces
    def reject_if(self, condition: str, error: int) -> None:
        self.out.line(f"if ({condition})")
        with self.out.indent():
            self.out.line(self.fail(error))

    def reject_unless(self, pointer: str, error: int) -> None:
        self.reject_if(f"!{pointer}", error)

    def move(self, amount: str) -> None:
        self.out.line(f"{self.plan.cursor} += {amount};")

    def settle(self) -> None:
        """Forget the cursor's known values, so that the verifier sees one state where several meet."""
        self.out.line(f"{self.plan.cursor} = pkt_forget(result, {self.plan.cursor});")

    # ------------------------------------------------------------------------------------------ statements
    def write(self, statements: tuple[Statement, ...]) -> None:
        """Write statements, and keep what is known of headers and cursor."""
        for statement in statements:
            if self.is_rejected:
                return
            self.location = getattr(statement, "location", None) or self.location
            if isinstance(statement, Extract):
                self.extract(statement)
            elif isinstance(statement, Advance):
                self.advance(statement.bits)
            elif isinstance(statement, Assign):
                self.assign(statement)
            elif isinstance(statement, SetValid):
                self.set_valid(statement)
            elif isinstance(statement, CopyHeader):
                self.copy(statement.target.path, statement.source.path)
            elif isinstance(statement, Verify):
                self.verify(statement)
            elif isinstance(statement, If):
                self.branch(statement)
                continue  # keeps its own account
            else:
                assert isinstance(statement, Evaluate)
                self.expressions.kept(statement.value)
            self.check_size()
            self.validity = after_statements((statement,), self.validity)
            self.position = position_after((statement,), self.position, self.widths)

    def check_size(self) -> None:
        """Give up on a program of more C than a C compiler has patience for."""
        if self.plan.n_lines + len(self.out.lines) > MAX_LINES:
            hint = "fewer or narrower operations on wide numbers"
            fault = self.unsupported(f"this parser is more than {MAX_LINES} lines of C", hint)
            raise P4Errors([fault.diagnostic])

    def extract(self, statement: Extract) -> None:
        header = self.plan.header(statement.header.path)
        if statement.varbit_bits is not None:
            self.extract_varbit(header, statement.varbit_bits)
        elif header.width_bits and self.plan.in_bytes:
            size = header.width_bits // 8
            self.read_at_p("offset", size)
            self.copy_to_key(header, 0, "p", size)
            self.now_valid(header, "offset")
            self.move(str(size))
            self.at_p = header.path
        else:
            if header.width_bits:
                name = self.plan.header_names[header.path]
                self.reject_if(f"pkt_copy_bits(pkt, cursor, key->{name}, {header.width_bits})", TOO_SHORT)
            self.now_valid(header, self.plan.cursor)
            self.move(str(header.width_bits))

    def read_at_p(self, offset: str, size: int) -> None:
        self.uses_p = True
        self.out.line(f"p = pkt_at(pkt, {offset}, {size});")
        self.reject_unless("p", TOO_SHORT)

    def copy_to_key(self, header: Header, to: int, source: str, size: int) -> None:
        self.out.line(f"memcpy({at('key->' + self.plan.header_names[header.path], to)}, {source}, {size});")

    def now_valid(self, header: Header, position: str) -> None:
        name = self.plan.header_names[header.path]
        self.out.line(f"{self.valid_word(header.path)} |= {self.valid_bit(header.path)};")
        helper = "header_at" if self.plan.in_bytes else "header_at_bit"
        self.out.line(f"{helper}(result, H_{name}, {position});")
        if self.at_p == header.path:
            self.at_p = ""

    def extract_varbit(self, header: Header, size: Expr) -> None:
        """P4_16 13.8.2; the varbit itself stays in the packet."""
        varbit = header.varbit
        assert varbit is not None
        if varbit.varbit_max_bits > VARBIT_MAX_BITS:
            raise self.unsupported(
                f"varbit<{varbit.varbit_max_bits}>", f"a varbit has at most {VARBIT_MAX_BITS} bits here"
            )
        bits = self.expressions.kept(size)[0]
        before, after = varbit.offset_bits, header.width_bits - varbit.offset_bits
        end = f"{self.plan.cursor}{' * 8' if self.plan.in_bytes else ''} + {c_number(header.width_bits)} + {bits.u64}"
        self.reject_if(f"!pkt_has_bits(pkt, {end})", TOO_SHORT)
        if bits.constant is None or bits.constant > varbit.varbit_max_bits:
            self.reject_if(f"{bits.operand} > {varbit.varbit_max_bits}", HEADER_TOO_SHORT)
        if self.plan.in_bytes:
            for to, offset, n in (
                (0, "offset", before),
                (before, f"{at('offset', before // 8)} + {bits.u64} / 8", after),
            ):
                if n:
                    self.read_at_p(offset, n // 8)
                    self.copy_to_key(header, to // 8, "p", n // 8)
            self.at_p = ""
        else:
            self.fixed_fields_by_bits(header, bits)
        self.out.line(f"store_be16(key->{self.plan.key_names[header.path + '.$length']}, {bits.text});")
        if self.plan.compares_varbits:
            cursor = f"{self.plan.cursor}{' * 8' if self.plan.in_bytes else ''}"
            self.out.line(f"{self.plan.varbit_at(header.path)} = {cursor} + {before};")
        self.now_valid(header, self.plan.cursor)
        move = (
            f"{header.width_bits // 8} + {bits.u64} / 8" if self.plan.in_bytes else f"{header.width_bits} + {bits.u64}"
        )
        self.move(move.removeprefix("0 + "))

    def fixed_fields_by_bits(self, header: Header, varbit_bits: Limb) -> None:
        """Read the fields around a varbit one by one, from wherever they stand."""
        behind = False
        for item in header.fields:
            if item.varbit_max_bits:
                behind = True
                continue
            for done in range(0, item.width_bits, LIMB):
                size = min(LIMB, item.width_bits - done)
                name = self.temporary()
                here = at("cursor", item.offset_bits + done) + (f" + {varbit_bits.u64}" if behind else "")
                self.out.line(f"__u64 {name};")
                self.reject_if(f"pkt_bits(pkt, {here}, {size}, &{name})", TOO_SHORT)
                base = f"key->{self.plan.header_names[header.path]}"
                self.store(base, item.offset_bits + done, size, variable([name], size))

    def advance(self, bits: Expr) -> None:
        scale = 8 if self.plan.in_bytes else 1
        if isinstance(bits, Const):
            amount = str(bits.value // scale)
        elif scale == 8:
            amount = f"{self.expressions.kept(bits)[0].u64} / 8"
        else:
            amount = self.expressions.kept(bits)[0].u64
        test = "pkt_has" if self.plan.in_bytes else "pkt_has_bits"
        self.reject_if(f"!{test}(pkt, {self.plan.cursor} + {amount})", TOO_SHORT)
        self.move(amount)

    def verify(self, statement: Verify) -> None:
        condition = self.expressions.single(statement.condition)
        if condition.constant:
            return
        error = statement.error
        if isinstance(error, Const) and error.value:
            lines = [self.fail(error.value)]
        else:
            lines = [f"error = (__u32){self.expressions.single(error).operand};", self.plan.goto("reject")]
        if condition.constant == 0:
            for line in lines:
                self.out.line(line)
            self.is_rejected = True
        elif len(lines) == 1:
            self.reject_if(f"!{condition.operand}", error.value if isinstance(error, Const) else 0)
        else:
            with self.out.block(f"if (!{condition.operand})"):
                for line in lines:
                    self.out.line(line)

    def branch(self, statement: If) -> None:
        condition = self.expressions.condition(statement.condition)
        before, position, at_p = self.validity, self.position, self.at_p
        with self.out.block(f"if ({condition})"):
            self.write(statement.then)
        then, then_position, then_p, then_rejected = self.validity, self.position, self.at_p, self.is_rejected
        self.validity, self.position, self.at_p, self.is_rejected = before, position, at_p, False
        if statement.otherwise:
            with self.out.block("else"):
                self.write(statement.otherwise)
        self.is_rejected = then_rejected and self.is_rejected
        self.validity = self.validity.join(then)
        self.at_p = self.at_p if self.at_p == then_p else ""
        if self.position is None or self.position != then_position:
            moved = any(isinstance(s, Extract | Advance | If) for s in (*statement.then, *statement.otherwise))
            self.position = None
            if moved:
                self.settle()

    # ------------------------------------------------------------------------------------------ writing
    def store(self, base: str, offset: int, width: int, value: Value) -> None:
        for line in store(base, offset, width, value):
            self.out.line(line)

    def assign(self, statement: Assign) -> None:
        place: Expr = statement.target
        low = 0
        while isinstance(place, Slice):
            low += place.low
            place = place.operand
        width = statement.target.width
        value = self.expressions.kept(statement.value)
        if isinstance(place, VarRef):
            self.assign_variable(place, low, width, value)
            return
        assert isinstance(place, FieldRef)
        path = place.header.path
        item = self.plan.header(path).field(place.field)
        valid = self.valid(path)
        offset = item.offset_bits + item.width_bits - low - width
        base = f"key->{self.plan.header_names[path]}"
        if valid.constant is None:
            with self.out.block(f"if ({valid.text})"):
                self.store(base, offset, width, value)
        elif valid.constant:
            self.store(base, offset, width, value)
        if self.at_p == path:
            self.at_p = ""

    def varbits_equal(self, expr: VarbitEqual) -> Limb:
        """Return the comparison of two varbits, whose bits are in the packet."""
        length = f"load_be16(key->{self.plan.key_names[expr.left.path + '.$length']})"
        if expr.right is None:
            return Limb(f"({length} == 0)", 1)
        headers = (self.plan.header(at.path).varbit for at in (expr.left, expr.right))
        most = min(varbit.varbit_max_bits for varbit in headers if varbit is not None)
        if most > COMPARED_MAX_BITS:
            raise self.unsupported(f"comparing varbits of {most} bits", f"only up to {COMPARED_MAX_BITS} bits")
        other = f"load_be16(key->{self.plan.key_names[expr.right.path + '.$length']})"
        places = f"{self.plan.varbit_at(expr.left.path)}, {self.plan.varbit_at(expr.right.path)}"
        name = self.temporary()
        self.out.line(f"const __u64 {name} = {length} == {other} && pkt_bits_equal(pkt, {places}, {length}, {most});")
        return Limb(name, 1, True, True)

    def assign_variable(self, place: VarRef, low: int, width: int, value: Value) -> None:
        if place.name in self.plan.key_names:
            size = (place.width + 7) // 8
            base = f"key->{self.plan.key_names[place.name]}"
            if width == place.width:  # the padding above is zero: write whole bytes
                self.store(base, 0, size * 8, value)
            else:
                self.store(base, size * 8 - low - width, width, value)
            return
        names = self.plan.local_names[place.name]
        if width < place.width:
            old = self.expressions.keep(variable(names, place.width))
            value = splice(old, place.width, value, low, width)
            value = tuple(self.copied(limb) for limb in value) if len(names) > 1 else value
        for name, limb in zip(names, value, strict=True):
            self.out.line(f"{name} = {limb.text};")

    def copied(self, limb: Limb) -> Limb:
        name = self.temporary()
        self.out.line(f"const __u64 {name} = {limb.text};")
        return Limb(name, limb.width, True, True)

    def set_valid(self, statement: SetValid) -> None:
        path = statement.header.path
        word, bit = self.valid_word(path), self.valid_bit(path)
        if statement.valid:
            self.out.line(f"{word} |= {bit};")
            return
        valid = self.valid(path)
        if valid.constant == 0:
            return
        if valid.constant:
            self.invalidate(path)
            return
        with self.out.block(f"if ({valid.text})"):
            self.invalidate(path)

    def invalidate(self, path: str) -> None:
        """Make a valid header invalid; its bytes of the key become zero, others may come to share them."""
        name = self.plan.header_names[path]
        self.out.line(f"{self.valid_word(path)} &= ~{self.valid_bit(path)};")
        self.out.line(f"result->hdr_off[H_{name}] = HDR_ABSENT;")
        if self.plan.key_header(path).size:
            self.out.line(f"memset(key->{name}, 0, {self.plan.key_header(path).size});")
        if self.plan.header(path).varbit:
            self.out.line(f"store_be16(key->{self.plan.key_names[path + '.$length']}, 0);")
        if self.at_p == path:
            self.at_p = ""

    def copy(self, target: str, source: str) -> None:
        if target == source:
            return
        valid = self.valid(source)
        if valid.constant is None:
            with self.out.block(f"if ({valid.text})"):
                self.copy_valid(target, source)
            held = self.valid(target)
            if held.constant != 0:
                test = "else" if held.constant else f"else if ({held.text})"
                with self.out.block(test):
                    self.invalidate(target)
        elif valid.constant:
            self.copy_valid(target, source)
        else:
            self.set_valid(SetValid(HeaderAt(target), False))
        if self.at_p == target:
            self.at_p = ""

    def copy_valid(self, target: str, source: str) -> None:
        to, of = self.plan.header_names[target], self.plan.header_names[source]
        size = self.plan.key_header(target).size
        if size:
            self.out.line(f"memcpy(key->{to}, key->{of}, {size});")
        if self.plan.header(target).varbit:
            names = self.plan.key_names
            self.out.line(f"memcpy(key->{names[target + '.$length']}, key->{names[source + '.$length']}, 2);")
            if self.plan.compares_varbits:
                self.out.line(f"{self.plan.varbit_at(target)} = {self.plan.varbit_at(source)};")
        self.out.line(f"{self.valid_word(target)} |= {self.valid_bit(target)};")
        self.out.line(f"header_moved(result, H_{to}, H_{of});")


def error_label(plan: Plan, error: int) -> str:
    """Return the label that rejects with an error; made at the end of the function if it is used."""
    return f"fail_{plan.program.errors[error]}"


def splice(old: Value, old_width: int, value: Value, low: int, width: int) -> Value:
    """Return ``old`` with ``width`` bits at ``low`` replaced by ``value``."""
    parts: list[tuple[Value, int]] = []
    above = old_width - low - width
    if above:
        parts.append((slice_limbs(old, low + width, above), above))
    parts.append((value, width))
    if low:
        parts.append((slice_limbs(old, 0, low), low))
    return concat_limbs(parts)
