"""What names stand for while a parser is lowered: places that can be read and written, and values of several parts.

Used by the ``lower_*`` files.  A *place* is where something of a P4 type is kept; a scalar one is an IR reference, the
others are made of scalar ones and of header instances.  An *rvalue* is an IR expression for a scalar, else a
``Compound`` or a place that is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.algorithms import Algorithm


@dataclass(frozen=True)
class ScalarPlace:
    """A variable, a header field, or a slice of one."""

    ref: ir.VarRef | ir.FieldRef | ir.Slice


@dataclass(frozen=True)
class ReadOnly:
    """An expression under a name: a constant, the port a packet came in by."""

    value: RValue


@dataclass(frozen=True)
class HeaderPlace:
    """A header instance; with ``prefix``, a struct ("flags.") or an array ("path") nested in its fields.

    ``others``: of a union's member, the paths of the other members.
    """

    at: ir.HeaderAt
    type: t.Struct | t.Array
    prefix: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackPlace:
    """A stack of header instances; ``elements`` are HeaderPlaces.

    A stack of unions and a local one are unknown to the IR: their ``path`` is "", and ``next`` is the variable that
    counts how many elements were extracted.
    """

    path: str
    type: t.Stack
    elements: tuple[Place, ...]
    next: ir.VarRef | None = None


@dataclass(frozen=True)
class ChoicePlace:
    """An element, or a part of one, of an array, or of a stack that the IR does not know; which is known at run time.

    ``advance`` is the counter to move on when this is extracted into; ``is_checked``: an index that is out of bounds
    rejects the packet.
    """

    index: ir.Expr
    choices: tuple[Place, ...]
    is_checked: bool = False
    advance: ir.VarRef | None = None


@dataclass(frozen=True)
class StructPlace:
    """A struct, tuple, array, union, or a header kept in local variables (``valid`` says whether it is).

    ``others``: of a union's member, the validity of the other members.
    """

    type: t.Type
    parts: Mapping[str, Place]
    valid: ScalarPlace | None = None
    others: tuple[ScalarPlace, ...] = ()


@dataclass(frozen=True)
class VarbitPlace:
    """A varbit field, which only whole headers move; without ``header`` it is one that never has any bits."""

    header: ir.HeaderAt | None
    name: str


@dataclass(frozen=True)
class PacketPlace:
    """The packet_in."""


@dataclass(frozen=True)
class InstancePlace:
    """An extern, parser or value set; ``args`` are its constructor's, ``state`` the variables that an extern keeps."""

    type: t.Type
    node: ast.Node
    name: str
    args: Mapping[ast.Node, Place] = field(default_factory=dict)
    state: Mapping[str, ir.VarRef] = field(default_factory=dict)
    algorithm: Algorithm | None = None  # of a checksum or hash


Place = (
    ScalarPlace
    | ReadOnly
    | HeaderPlace
    | StackPlace
    | ChoicePlace
    | StructPlace
    | VarbitPlace
    | PacketPlace
    | InstancePlace
)


@dataclass(frozen=True)
class Compound:
    """A value of several parts; ``valid`` is set for headers."""

    type: t.Type
    parts: Mapping[str, RValue]
    valid: ir.Expr | None = None


RValue = ir.Expr | Compound | Place


def part_types(type_: t.Type) -> list[tuple[str, t.Type]]:
    """Return the parts of a struct, header or union, or of a tuple, array or stack (named "0", "1", ...)."""
    if t.is_empty(type_) or isinstance(type_, t.Varbit):
        return []
    if isinstance(type_, t.Struct):
        return [(f.name, f.type) for f in type_.fields]
    if isinstance(type_, t.Tuple):
        return [(str(i), item) for i, item in enumerate(type_.items)]
    if isinstance(type_, t.Record):
        return list(type_.fields)
    assert isinstance(type_, t.List | t.Array), type_
    size = type_.size if isinstance(type_, t.Array) else 0
    return [(str(i), type_.element) for i in range(size)]


def has_no_bits(value: RValue) -> bool:
    """Is this a varbit that is surely empty?"""
    return isinstance(value, Compound) or (isinstance(value, VarbitPlace) and value.header is None)


def as_union(members: Mapping[str, Place]) -> dict[str, Place]:
    """Return the members of a union, knowing each other: to make one valid is to make the others invalid."""
    result = {}
    for name, member in members.items():
        others = [other for other in members.values() if other is not member]
        if isinstance(member, HeaderPlace):
            paths = tuple(other.at.path for other in others if isinstance(other, HeaderPlace))
            member = replace(member, others=paths)
        elif isinstance(member, StructPlace):
            valid = tuple(other.valid for other in others if isinstance(other, StructPlace) and other.valid)
            member = replace(member, others=valid)
        result[name] = member
    return result


def scalar_width(type_: t.Type) -> int | None:
    """Return the width in which the IR keeps a scalar: enums without values and errors have 32 bits.

    The IR knows nothing of no bits: a bit<0> is kept as a value without parts.
    """
    type_ = t.underlying(type_)
    if isinstance(type_, t.Bits):
        return type_.width or None
    if type_ == t.BOOL:
        return 1
    if type_ == t.ERROR or isinstance(type_, t.Enum):
        return 32
    return None


def n_scalars(type_: t.Type) -> int:
    """Return how many scalars a value of this type comes down to."""
    return 1 if scalar_width(type_) is not None else sum(n_scalars(part) for _, part in part_types(type_))


def is_provided(type_: t.Type) -> bool:
    """Is this a header that the architecture provides beside the packet (``@provided`` in our include files)?"""
    return isinstance(type_, t.Struct) and any(a.name == "provided" for a in type_.node.annotations)


def is_signed(type_: t.Type) -> bool:
    type_ = t.underlying(type_)
    return isinstance(type_, t.Bits) and type_.signed


def header_fields(type_: t.Struct) -> tuple[ir.Field, ...]:
    """Return the fields of a header type, those of nested structs and arrays under names like ``hop[0].id``."""
    made: list[ir.Field] = []
    offset = 0
    for name, field_type in nested_fields(type_, ""):
        if isinstance(field_type, t.Varbit) and t.n_varbits(type_) > 1:
            continue  # such a header cannot be extracted (P4_16 13.8.2), so there is never anything in them
        if isinstance(field_type, t.Varbit):
            made.append(ir.Field(name, offset, 0, False, field_type.max_width))
            continue
        width = scalar_width(field_type)
        assert width is not None, f"{type_}.{name}"
        made.append(ir.Field(name, offset, width, is_signed(field_type)))
        offset += width
    return tuple(made)


def nested_fields(type_: t.Struct | t.Array, prefix: str) -> Iterator[tuple[str, t.Type]]:
    """Yield name and type of each field that a header, or what is nested in its fields, comes down to."""
    for name, part in part_types(type_):
        full = part_name(type_, prefix, name)
        if isinstance(part, t.Array):
            yield from nested_fields(part, full)
        elif isinstance(part, t.Struct):
            yield from nested_fields(part, full + ".")
        elif not t.is_empty(part):
            yield full, part


def part_name(type_: t.Struct | t.Array, prefix: str, name: str) -> str:
    """Return the name that a part of something nested in a header's fields has there."""
    return f"{prefix}[{name}]" if isinstance(type_, t.Array) else prefix + name


def n_choices(index: ir.Expr, size: int) -> int:
    """Return how many elements of an array of this size an index of its width can name."""
    return min(size, 1 << (index.width - index.signed))


def roots(place: Place) -> set[str]:
    """Return names of what a place is kept in; two places that share none cannot alias."""
    if isinstance(place, ScalarPlace):
        return {_root(place.ref)}
    if isinstance(place, HeaderPlace):
        return {"header " + path.split("[")[0] for path in (place.at.path, *place.others)}
    if isinstance(place, StackPlace):
        found = {"header " + place.path} if place.path else set()
        return found.union(*map(roots, place.elements))
    if isinstance(place, ChoicePlace):
        return set().union(*map(roots, place.choices))
    if isinstance(place, StructPlace):
        flags = (*place.others, place.valid) if place.valid else ()
        return set().union(*map(roots, place.parts.values()), *map(roots, flags))
    return set()


def _root(ref: ir.Expr) -> str:
    while isinstance(ref, ir.Slice):
        ref = ref.operand
    if isinstance(ref, ir.VarRef):
        return "variable " + ref.name
    assert isinstance(ref, ir.FieldRef)
    return "header " + ref.header.path.split("[")[0]


def headers_in(place: Place) -> Iterator[HeaderPlace]:
    """Yield the header instances in a place."""
    if isinstance(place, HeaderPlace) and not place.prefix:
        yield place
    elif isinstance(place, StackPlace):
        for element in place.elements:
            yield from headers_in(element)
    elif isinstance(place, StructPlace):
        for part in place.parts.values():
            yield from headers_in(part)
