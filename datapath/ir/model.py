"""The intermediate representation: one P4 parser, flat and typed, with nothing of P4's syntax left.

Fed by ``p4/lower.py`` (typed AST -> IR); rewritten by ``passes/``; read by ``codegen/``, ``ir/interpret.py`` (the
reference model) and ``ir/layout.py`` (the flow key).  All classes are frozen: a pass returns a new program.

A program is a set of *instances* (headers, variables) and a graph of *states*.  Every header of a stack is an instance
of its own with the path ``vlan[0]``; stacks only group them.  Sub-parsers were inlined by lowering, user types and
constants are resolved, and each expression carries its width in bits.  Values are unsigned bit patterns of ``width``
bits; ``signed`` only selects the operator's meaning (comparison, right shift, extension, saturation, division).
(One long file: it is the list of what a program may be made of, and each class names others.)

Source: P4_16 specification 1.2.5, chapter 13 (packet parsing) and 8 (data types).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

from datapath.errors import Location

# The order of core.p4; a program's own errors follow in order of declaration.
CORE_ERRORS = (
    "NoError",
    "PacketTooShort",
    "NoMatch",
    "StackOutOfBounds",
    "HeaderTooShort",
    "ParserTimeout",
    "ParserInvalidArgument",
)
ACCEPT = "accept"
REJECT = "reject"
MATCH_KINDS = ("exact", "ternary", "lpm", "range", "optional")  # of value sets' keys
VISITS = "$visits"  # the variable in which passes/bound_loops counts them
MAX_STATE_VISITS = 64  # of a packet, where neither a stack nor the packet bounds a loop; then ParserTimeout


# ---------------------------------------------------------------------------------------------------- instances
@dataclass(frozen=True)
class Field:
    """A field of a header; ``offset_bits`` counts from the header's first bit.

    A varbit is ``varbit_max_bits > 0``, ``width_bits == 0``; fields behind it have the offset they have when it is
    empty.  At most one varbit a header (P4_16 8.9.2).
    """

    name: str  # "ttl"; fields of nested structs are dotted: "flags.df"
    offset_bits: int
    width_bits: int
    signed: bool = False
    varbit_max_bits: int = 0


@dataclass(frozen=True)
class Header:
    """A header instance."""

    path: str  # relative to the headers parameter: "ethernet", "vlan[0]", "inner.ipv4"
    type_name: str
    fields: tuple[Field, ...]
    stack: str = ""  # path of the stack it belongs to, else ""
    index: int = 0  # in the stack
    union: str = ""  # path of the header union it belongs to, else ""
    location: Location | None = None

    @cached_property
    def width_bits(self) -> int:
        """Width without the varbit."""
        return sum(f.width_bits for f in self.fields)

    @cached_property
    def varbit(self) -> Field | None:
        return next((f for f in self.fields if f.varbit_max_bits), None)

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)


@dataclass(frozen=True)
class Stack:
    path: str
    type_name: str
    size: int


@dataclass(frozen=True)
class Variable:
    """A local variable or a metadata field of the parser; starts as ``initial`` for each packet."""

    name: str  # "meta.l4_src", "tmp_3": unique in the program, need not be a C name
    width_bits: int
    signed: bool = False
    in_key: bool = False  # a parameter other than headers (user or standard metadata): part of the flow key
    initial: int = 0
    location: Location | None = field(default=None, compare=False)  # of its declaration, None for the compiler's own


# ---------------------------------------------------------------------------------------------------- expressions
@dataclass(frozen=True)
class Const:
    value: int  # the bit pattern, 0 <= value < 2**width
    width: int
    signed: bool = False


@dataclass(frozen=True)
class HeaderAt:
    """Which header: a path, or an element of a stack that is known only at run time.

    ``select``: "path" (``path`` names an instance), "next", "last" (``path`` names a stack) or "index" (``index``).
    ``passes/unroll_stacks`` leaves only "path".
    """

    path: str
    select: str = "path"
    index: Expr | None = None


@dataclass(frozen=True)
class FieldRef:
    header: HeaderAt
    field: str
    width: int
    signed: bool = False


@dataclass(frozen=True)
class VarRef:
    name: str
    width: int
    signed: bool = False


@dataclass(frozen=True)
class IsValid:
    """Width 1."""

    header: HeaderAt
    width: int = 1
    signed: bool = False


@dataclass(frozen=True)
class VarbitEqual:
    """Whether the varbits of two headers have the same bits; without ``right``, whether there are none.  Width 1.

    An invalid header has none.
    """

    left: HeaderAt
    right: HeaderAt | None = None
    width: int = 1
    signed: bool = False


@dataclass(frozen=True)
class StackLastIndex:
    """``stack.lastIndex`` or, with ``next``, ``stack.nextIndex``; width 32."""

    stack: str
    next: bool = False
    width: int = 32
    signed: bool = False


@dataclass(frozen=True)
class Lookahead:
    """``packet.lookahead<bit<width>>()``: reads at the cursor plus ``offset`` bits; PacketTooShort if not there."""

    width: int
    offset: int = 0
    signed: bool = False


@dataclass(frozen=True)
class PacketLength:
    """``packet.length()``, in bytes; width 32."""

    width: int = 32
    signed: bool = False


@dataclass(frozen=True)
class InPort:
    """The number of the port that the packet came in by (0 where it is unknown); width 32."""

    width: int = 32
    signed: bool = False


@dataclass(frozen=True)
class ParserError:
    """The parser's error so far, as an index into ``Program.errors``; width 32."""

    width: int = 32
    signed: bool = False


@dataclass(frozen=True)
class Slice:
    operand: Expr
    high: int
    low: int
    signed: bool = False

    @property
    def width(self) -> int:
        return self.high - self.low + 1


@dataclass(frozen=True)
class Concat:
    parts: tuple[Expr, ...]
    signed: bool = False

    @property
    def width(self) -> int:
        return sum(p.width for p in self.parts)


@dataclass(frozen=True)
class Resize:
    """Truncate, or extend by zeros (by the sign where ``operand.signed``)."""

    operand: Expr
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Unary:
    """``op``: "~", "-", "!" (width 1)."""

    op: str
    operand: Expr
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Binary:
    """``op``: + - * / % & | ^ << >> |+| |-| == != < <= > >= && ||.

    Operands of all but shifts have one width; compares and logic give width 1, the others their operands' width.
    Signedness of a compare, division or right shift is that of ``left``.  ``&&`` and ``||`` evaluate left first and may
    skip right (a lookahead in it may fail).
    """

    op: str
    left: Expr
    right: Expr
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Mux:
    condition: Expr
    then: Expr
    otherwise: Expr
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Failure:
    """Evaluating it rejects with error number ``error``; made by passes where a stack turns out to be exhausted."""

    error: int
    width: int
    signed: bool = False


Expr = (
    Const
    | FieldRef
    | VarRef
    | IsValid
    | VarbitEqual
    | StackLastIndex
    | Lookahead
    | PacketLength
    | InPort
    | ParserError
    | Slice
    | Concat
    | Resize
    | Unary
    | Binary
    | Mux
    | Failure
)


# ---------------------------------------------------------------------------------------------------- statements
@dataclass(frozen=True)
class Extract:
    """``packet.extract(header[, varbit_bits])``; ``header.select`` "next" also advances the stack."""

    header: HeaderAt
    varbit_bits: Expr | None = None
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Advance:
    """``packet.advance(bits)``, and ``extract`` of a header that nobody reads (``packet.extract<T>(_)``)."""

    bits: Expr
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Assign:
    """``target`` is a VarRef, a FieldRef, or a Slice of one."""

    target: VarRef | FieldRef | Slice
    value: Expr
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SetValid:
    header: HeaderAt
    valid: bool
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class CopyHeader:
    """Whole-header assignment: fields (the varbit too) and validity."""

    target: HeaderAt
    source: HeaderAt
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PushPop:
    """``stack.push_front(count)`` (count > 0) or ``stack.pop_front(-count)``."""

    stack: str
    count: int
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SetNext:
    """``stack``'s nextIndex becomes ``value`` (width 32, at most the size), as assigning a whole stack has it."""

    stack: str
    value: Expr
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Verify:
    """``verify(condition, error)``: a false condition rejects with error number ``error`` (width 32)."""

    condition: Expr
    error: Expr
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class If:
    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Evaluate:
    """An expression for its effect only (a lookahead that may fail)."""

    value: Expr
    location: Location | None = field(default=None, compare=False)


Statement = Extract | Advance | Assign | SetValid | CopyHeader | PushPop | SetNext | Verify | If | Evaluate


# ---------------------------------------------------------------------------------------------------- transitions
@dataclass(frozen=True)
class Goto:
    """An unconditional transition: to a state, ``accept`` or ``reject``."""

    target: str
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Any:
    """``default`` or ``_``."""


@dataclass(frozen=True)
class Masked:
    """``value &&& mask``, or a plain value with all ones; as wide as the key."""

    value: int
    mask: int


@dataclass(frozen=True)
class Range:
    """``low .. high``, both included; compared as signed where the key is signed."""

    low: int
    high: int


@dataclass(frozen=True)
class InValueSet:
    """Membership in the value set that ``Program.value_sets`` holds under this name.

    It stands for as many keys as the set has, the first of them at its own place; the places of the others hold Any.
    """

    name: str


Keyset = Any | Masked | Range | InValueSet


@dataclass(frozen=True)
class Case:
    """A select arm: one keyset a key."""

    keysets: tuple[Keyset, ...]
    target: str
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Select:
    """Keys are evaluated once, left to right; the first arm that matches wins; no arm is NoMatch and reject."""

    keys: tuple[Expr, ...]
    cases: tuple[Case, ...]
    location: Location | None = field(default=None, compare=False)


Transition = Goto | Select


@dataclass(frozen=True)
class State:
    name: str
    statements: tuple[Statement, ...]
    transition: Transition
    location: Location | None = field(default=None, compare=False)


# ---------------------------------------------------------------------------------------------------- the program
@dataclass(frozen=True)
class ValueSet:
    """Entries that are set while the program runs; none at first (``ir/value_sets.py`` has what they are)."""

    name: str
    size: int  # entries that it has room for
    key_widths: tuple[int, ...]
    signed: tuple[bool, ...] = ()  # by key; none: all unsigned
    match_kinds: tuple[str, ...] = ()  # by key, of its @match annotation; "": any kind

    def is_signed(self, key: int) -> bool:
        return bool(self.signed) and self.signed[key]

    def match_kind(self, key: int) -> str:
        return self.match_kinds[key] if self.match_kinds else ""


@dataclass(frozen=True)
class CoveredField:
    """A part of a checksum's field list: a header field, at ``offset_bits`` of the list.  ``field`` "": a constant."""

    header: str
    field: str
    offset_bits: int
    width_bits: int


@dataclass(frozen=True)
class Checksum:
    """An Internet checksum (RFC 1071) that the program declares, kept up to date incrementally (RFC 1624).

    ``zero_is_none``: a zero on the wire means "not computed" and stays zero, a computed zero is sent as 0xffff (UDP).
    """

    header: str  # where the checksum is: header path ...
    field: str  # ... and field
    covered: tuple[CoveredField, ...]
    with_payload: bool = False
    zero_is_none: bool = False
    location: Location | None = dataclasses.field(default=None, compare=False)


@dataclass(frozen=True)
class SkippedPart:
    """A part of the source that is not run; ``used`` says what it tells all the same."""

    kind: str  # control, parser
    name: str
    location: Location
    used: tuple[str, ...] = ()  # HEADER_ORDER, "checksum ipv4.hdrChecksum"


HEADER_ORDER = "order of headers"


@dataclass(frozen=True)
class Program:
    """A compiled parser: what a switch knows of its protocols."""

    name: str  # the source file's stem: "l2l3"
    source: str  # its base name: "l2l3.p4"
    headers: tuple[Header, ...]  # in order of declaration in the headers struct
    stacks: tuple[Stack, ...]
    variables: tuple[Variable, ...]
    errors: tuple[str, ...]  # CORE_ERRORS first
    states: tuple[State, ...]  # the start state first
    emit_order: tuple[str, ...]  # header paths as the deparser emits them, else in order of declaration
    checksums: tuple[Checksum, ...] = ()
    value_sets: tuple[ValueSet, ...] = ()
    skipped: tuple[SkippedPart, ...] = ()  # controls, and parsers that are not this one

    def header(self, path: str) -> Header:
        return next(h for h in self.headers if h.path == path)

    def state(self, name: str) -> State:
        return next(s for s in self.states if s.name == name)
