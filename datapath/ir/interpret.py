"""The reference model: runs a parser on one packet by following the IR word for word.

It is as plain as the specification's chapter on packet parsing and shares no code with code generation; every other
engine is compared with it.  It runs on the IR as lowered and after any pass, with the same outcome.

Our choices where the specification leaves one: a field of an invalid header reads as zero and writing it does nothing;
``setValid`` on an invalid header gives zero fields; a stack element out of range (run-time index) reads as zero.

Source: P4_16 specification 1.2.5, chapters 8 (expressions) and 13 (packet parsing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from datapath.ir.evaluate import Evaluator, Rejected, number
from datapath.ir.graph import base_name, counted_states, is_continuation
from datapath.ir.model import (
    ACCEPT,
    MAX_STATE_VISITS,
    REJECT,
    Advance,
    Any,
    Assign,
    Case,
    CopyHeader,
    Evaluate,
    Expr,
    Extract,
    FieldRef,
    Goto,
    Header,
    HeaderAt,
    If,
    InValueSet,
    Keyset,
    Masked,
    Program,
    PushPop,
    Range,
    Select,
    SetNext,
    SetValid,
    Slice,
    Statement,
    VarRef,
    Verify,
)


@dataclass(frozen=True)
class HeaderValue:
    """A header after parsing; ``raw`` is its wire form, varbit included, zero-padded to whole bytes."""

    valid: bool
    raw: bytes
    fields: dict[str, int]  # a varbit field as the number that its bits make
    varbit_bits: int = 0


@dataclass(frozen=True)
class ParseOutcome:
    """What a parser made of a packet."""

    verdict: str  # "accept" or "reject"
    error: str  # a name of Program.errors
    offset_bits: int  # where the cursor stopped
    headers: dict[str, HeaderValue]  # the valid ones, in order of declaration
    variables: dict[str, int] = field(default_factory=dict)
    states: tuple[str, ...] = ()  # visited, by their names in the source
    arms: tuple[tuple[str, int], ...] = field(default=(), compare=False)  # see Machine.arms; engines cannot tell


@dataclass
class HeaderState:
    """A header instance while the parser runs."""

    header: Header
    valid: bool = False
    fields: dict[str, int] = field(default_factory=dict)  # none while it is invalid
    varbit_bits: int = 0

    def clear(self) -> None:
        self.valid = False
        self.fields = {}
        self.varbit_bits = 0


ValueSets = Mapping[str, Sequence[tuple[Keyset, ...]]]  # by name, of each set the entries: a keyset a key
NO_ENTRIES: ValueSets = {}


def interpret(program: Program, packet: bytes, in_port: int = 0, value_sets: ValueSets = NO_ENTRIES) -> ParseOutcome:
    """Parse one packet.

    Args:
        program: The parser, as lowered or after any pass.
        packet: The frame, from its first byte.
        in_port: Where it came from.
        value_sets: What is in the value sets; one that is not named is empty.

    Returns:
        The outcome.
    """
    return Interpreter(program, value_sets).parse(packet, in_port)


interpret_packet = interpret  # its name for other packages


class Interpreter:
    """The reference model of one program, for many packets."""

    def __init__(self, program: Program, value_sets: ValueSets = NO_ENTRIES) -> None:
        self.program = program
        self.value_sets = value_sets
        self.states = {s.name: s for s in program.states}
        self.source_names = {s.name: base_name(s.name) for s in program.states if not is_continuation(s.name)}
        self.counted = counted_states(program)

    def parse(self, packet: bytes, in_port: int = 0) -> ParseOutcome:
        """Parse one packet; see ``interpret``."""
        machine = Machine(self, packet, in_port)
        try:
            verdict, error = machine.run(), 0
        except Rejected as reason:
            verdict, error = REJECT, reason.error
        valid = {path: _value(state) for path, state in machine.headers.items() if state.valid}
        name = self.program.errors[error]
        visited, arms = tuple(machine.visited), tuple(machine.arms)
        return ParseOutcome(verdict, name, machine.cursor, valid, dict(machine.variables), visited, arms)


def _value(state: HeaderState) -> HeaderValue:
    bits, width = 0, 0
    for item in state.header.fields:
        size = state.varbit_bits if item.varbit_max_bits else item.width_bits
        bits = bits << size | state.fields[item.name]
        width += size
    size = (width + 7) // 8
    return HeaderValue(True, (bits << (size * 8 - width)).to_bytes(size, "big"), dict(state.fields), state.varbit_bits)


class Machine:
    """One run: the packet with its cursor, the headers, the variables."""

    def __init__(self, interpreter: Interpreter, packet: bytes, in_port: int) -> None:
        program = interpreter.program
        self.program = program
        self.value_sets = interpreter.value_sets
        self.states = interpreter.states
        self.source_names = interpreter.source_names
        self.length_bits = len(packet) * 8
        self.packet = int.from_bytes(packet, "big")
        self.cursor = 0  # bits
        self.headers = {h.path: HeaderState(h) for h in program.headers}
        self.next_index = {s.path: 0 for s in program.stacks}
        self.sizes = {s.path: s.size for s in program.stacks}
        self.variables = {v.name: v.initial for v in program.variables}
        self.in_port = in_port
        self.state = ""  # where it is
        self.visited: list[str] = []
        self.arms: list[tuple[str, int]] = []  # (state, index of its select's case taken); no select: 0, no match: -1
        self.counted = interpreter.counted
        self.evaluator = Evaluator(self)

    def run(self) -> str:
        """Go from the start state to ``accept`` or ``reject``; ``Rejected`` carries an error out."""
        name, n_counted = self.program.states[0].name, 0
        while name not in (ACCEPT, REJECT):
            self.enter(name)
            n_counted += name in self.counted
            if n_counted > MAX_STATE_VISITS:
                self.reject("ParserTimeout")
            self.execute(self.states[name].statements)
            transition = self.states[name].transition
            name = self.go(transition) if isinstance(transition, Goto) else self.select(transition)
        return name

    def enter(self, name: str) -> None:
        """Note that a state is entered; the continuation of one is no visit."""
        self.state = name
        if name in self.source_names:
            self.visited.append(self.source_names[name])

    def reject(self, error: str) -> None:
        raise Rejected(self.program.errors.index(error))

    def evaluate(self, expr: Expr) -> int:
        return self.evaluator.evaluate(expr)

    # ------------------------------------------------------------------------------------------ packet
    def peek(self, offset: int, width: int) -> int:
        """Return ``width`` bits at ``offset`` bits behind the cursor."""
        end = self.cursor + offset + width
        if end > self.length_bits:
            self.reject("PacketTooShort")
        return self.packet >> (self.length_bits - end) & ((1 << width) - 1)

    # ------------------------------------------------------------------------------------------ headers
    def locate(self, at: HeaderAt) -> HeaderState | None:
        """Return the header that is meant, None for a run-time index out of range."""
        if at.select == "path":
            return self.headers[at.path]
        index = self.next_index[at.path]
        if at.select == "last":
            index -= 1
        if at.select == "index":
            assert at.index is not None
            index = number(self.evaluate(at.index), at.index.width, at.index.signed)
        if 0 <= index < self.sizes[at.path]:
            return self.headers[f"{at.path}[{index}]"]
        if at.select != "index":
            self.reject("StackOutOfBounds")
        return None

    def make_valid(self, state: HeaderState) -> None:
        """Set a header valid; in a union the others become invalid."""
        state.valid = True
        self.clear_others(state)

    def make_invalid(self, state: HeaderState) -> None:
        """Set a header invalid; of a union, whichever member is valid (P4_16 8.19)."""
        state.clear()
        self.clear_others(state)

    def clear_others(self, state: HeaderState) -> None:
        """Set the other members of a header's union invalid."""
        if state.header.union:
            for other in self.headers.values():
                if other is not state and other.header.union == state.header.union:
                    other.clear()

    # ------------------------------------------------------------------------------------------ statements
    def execute(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Extract):
                self.extract(statement)
            elif isinstance(statement, Advance):
                bits = self.evaluate(statement.bits)
                self.peek(0, bits)
                self.cursor += bits
            elif isinstance(statement, Assign):
                self.assign(statement.target, statement.value)
            elif isinstance(statement, SetValid):
                self.set_valid(statement)
            elif isinstance(statement, CopyHeader):
                self.copy(self.locate(statement.target), self.locate(statement.source))
            elif isinstance(statement, PushPop):
                self.push_pop(statement.stack, statement.count)
            elif isinstance(statement, SetNext):
                self.next_index[statement.stack] = min(self.evaluate(statement.value), self.sizes[statement.stack])
            elif isinstance(statement, Verify):
                if not self.evaluate(statement.condition):
                    raise Rejected(self.evaluate(statement.error))
            elif isinstance(statement, If):
                self.execute(statement.then if self.evaluate(statement.condition) else statement.otherwise)
            else:
                assert isinstance(statement, Evaluate)
                self.evaluate(statement.value)

    def extract(self, statement: Extract) -> None:
        """P4_16 13.8.1 and 13.8.2."""
        state = self.locate(statement.header)
        varbit_bits = self.evaluate(statement.varbit_bits) if statement.varbit_bits is not None else 0
        if state is None:
            self.reject("StackOutOfBounds")
        assert state is not None
        self.peek(0, state.header.width_bits + varbit_bits)
        varbit = state.header.varbit
        if varbit_bits > (varbit.varbit_max_bits if varbit else 0):
            self.reject("HeaderTooShort")
        state.fields, state.varbit_bits = {}, varbit_bits
        for item in state.header.fields:
            width = varbit_bits if item.varbit_max_bits else item.width_bits
            state.fields[item.name] = self.peek(0, width)
            self.cursor += width
        self.make_valid(state)
        if statement.header.select == "next":
            self.next_index[statement.header.path] += 1

    def assign(self, target: VarRef | FieldRef | Slice, expr: Expr) -> None:
        """Write a variable, a field of a valid header, or some bits of one; the left side is evaluated first (11.1)."""
        place, low, mask = target, 0, (1 << target.width) - 1
        while isinstance(place, Slice):
            low += place.low
            inner = place.operand
            assert isinstance(inner, VarRef | FieldRef | Slice)
            place = inner
        if isinstance(place, VarRef):
            value = self.evaluate(expr)
            old = self.variables[place.name]
            self.variables[place.name] = old & ~(mask << low) | (value & mask) << low
            return
        state = self.locate(place.header)
        value = self.evaluate(expr)
        if state is not None and state.valid:
            old = state.fields[place.field]
            state.fields[place.field] = old & ~(mask << low) | (value & mask) << low

    def set_valid(self, statement: SetValid) -> None:
        state = self.locate(statement.header)
        if state is not None and statement.valid:
            if not state.valid:
                state.fields = {f.name: 0 for f in state.header.fields}
            self.make_valid(state)
        elif state is not None:
            self.make_invalid(state)

    def copy(self, target: HeaderState | None, source: HeaderState | None) -> None:
        if target is None:
            return
        if source is None or not source.valid:
            self.make_invalid(target)
            return
        target.fields, target.varbit_bits = dict(source.fields), source.varbit_bits
        self.make_valid(target)

    def push_pop(self, stack: str, count: int) -> None:
        """P4_16 8.18: elements move up by ``count`` (down if negative), the others become invalid."""
        size = self.sizes[stack]
        elements = [self.headers[f"{stack}[{i}]"] for i in range(size)]
        order = range(size - 1, -1, -1) if count > 0 else range(size)
        for i in order:
            self.copy(elements[i], elements[i - count] if 0 <= i - count < size else None)
        self.next_index[stack] = min(max(self.next_index[stack] + count, 0), size)

    # ------------------------------------------------------------------------------------------ transitions
    def go(self, transition: Goto) -> str:
        self.arms.append((self.state, 0))
        return transition.target

    def select(self, select: Select) -> str:
        keys = [(self.evaluate(key), key) for key in select.keys]
        for i, case in enumerate(select.cases):
            if self.is_taken(case, keys):
                self.arms.append((self.state, i))
                return case.target
        self.arms.append((self.state, -1))
        self.reject("NoMatch")
        return REJECT

    def is_taken(self, case: Case, keys: Sequence[tuple[int, Expr]]) -> bool:
        """Return whether each key is in its keyset; a value set stands for as many keys as it has."""
        for place, keyset in enumerate(case.keysets):
            if isinstance(keyset, InValueSet):
                entries = self.value_sets.get(keyset.name, ())
                rest = keys[place:]
                if not any(all(_matches(k, *key) for k, key in zip(entry, rest, strict=False)) for entry in entries):
                    return False
            elif not _matches(keyset, *keys[place]):
                return False
        return True


def _matches(keyset: Keyset, value: int, key: Expr) -> bool:
    if isinstance(keyset, Any):
        return True
    if isinstance(keyset, Masked):
        return value & keyset.mask == keyset.value & keyset.mask
    if isinstance(keyset, Range):
        return _order(keyset.low, key) <= _order(value, key) <= _order(keyset.high, key)
    return False


def _order(value: int, key: Expr) -> int:
    """Return the number that the bits stand for."""
    return value - (1 << key.width) if key.signed and value >> (key.width - 1) else value
