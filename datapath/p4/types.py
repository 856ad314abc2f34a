"""Types and compile-time values of P4_16, as the type checker and lowering see them.

Types are compared by value; those that a program declares (structs, enums, externs ...) carry the declaration, so two
of one shape differ.  ``UNKNOWN`` stands for what could not be resolved and fits everything, so that one fault is
reported once.

Source: P4_16 specification 1.2.5, chapter 7 (data types), section 7.2 (derived types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from datapath.p4 import ast


@dataclass(frozen=True)
class Type:
    """Base of all types."""


@dataclass(frozen=True)
class Simple(Type):
    """``name``: bool, int, string, error, match_kind, void, packet-like built-ins; or "unknown", "_"."""

    name: str

    def __str__(self) -> str:
        return self.name


BOOL = Simple("bool")
INT = Simple("int")  # arbitrary precision
STRING = Simple("string")
ERROR = Simple("error")
MATCH_KIND = Simple("match_kind")
VOID = Simple("void")
UNKNOWN = Simple("unknown")  # already reported, or of no interest
ANY = Simple("_")  # don't care


@dataclass(frozen=True)
class Bits(Type):
    width: int
    signed: bool = False

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'bit'}<{self.width}>"


@dataclass(frozen=True)
class Varbit(Type):
    max_width: int

    def __str__(self) -> str:
        return f"varbit<{self.max_width}>"


@dataclass(frozen=True)
class StructField:
    name: str
    type: Type
    node: ast.StructField | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Struct(Type):
    """``kind``: struct, header, header_union."""

    kind: str
    name: str
    args: tuple[Type, ...]
    node: ast.StructDecl
    fields: tuple[StructField, ...] = field(compare=False)

    def field(self, name: str) -> StructField | None:
        return next((f for f in self.fields if f.name == name), None)

    def __str__(self) -> str:
        return self.name + _args_text(self.args)


@dataclass(frozen=True)
class Array(Type):
    element: Type
    size: int

    def __str__(self) -> str:
        return f"{self.element}[{self.size}]"


@dataclass(frozen=True)
class Stack(Array):
    """An array of headers or header unions, which counts the elements that were extracted."""


@dataclass(frozen=True)
class Tuple(Type):
    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.items))}>"


@dataclass(frozen=True)
class Record(Type):
    """The type of ``{a = 1, b = 2}`` before it meets a struct."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "{" + ", ".join(f"{n} = {t}" for n, t in self.fields) + "}"


@dataclass(frozen=True)
class List(Type):
    element: Type

    def __str__(self) -> str:
        return f"list<{self.element}>"


@dataclass(frozen=True)
class Enum(Type):
    """``base`` is set in a serializable enum."""

    name: str
    node: ast.EnumDecl
    members: tuple[str, ...] = field(compare=False)
    base: Type | None = None
    values: Mapping[str, int] = field(compare=False, default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Newtype(Type):
    name: str
    node: ast.TypedefDecl
    base: Type

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TypeVar(Type):
    """A type parameter; ``owner`` tells those of one name apart."""

    name: str
    owner: int = field(repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Param:
    name: str
    direction: str
    type: Type
    has_default: bool
    node: ast.Param = field(compare=False)


@dataclass(frozen=True)
class Function(Type):
    """A function, a method, or an extern's constructor (``result`` is then the extern)."""

    name: str
    type_params: tuple[TypeVar, ...]
    params: tuple[Param, ...]
    result: Type
    node: ast.Node = field(compare=False)

    def __str__(self) -> str:
        return f"function {self.name}"


@dataclass(frozen=True)
class Extern(Type):
    name: str
    args: tuple[Type, ...]
    node: ast.ExternDecl
    type_params: tuple[TypeVar, ...] = field(compare=False, default=())
    methods: tuple[Function, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name + _args_text(self.args)


@dataclass(frozen=True)
class Block(Type):
    """A parser, control or package: a type (``node`` is a type declaration) or a parser or control itself."""

    kind: str
    name: str
    args: tuple[Type, ...]
    node: ast.ParserTypeDecl | ast.ParserDecl | ast.ControlTypeDecl | ast.ControlDecl | ast.PackageDecl
    type_params: tuple[TypeVar, ...] = field(compare=False, default=())
    params: tuple[Param, ...] = field(compare=False, default=())
    constructor_params: tuple[Param, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name + _args_text(self.args)


@dataclass(frozen=True)
class Table(Type):
    name: str
    node: ast.TableDecl
    actions: Mapping[str, ast.ActionRef] = field(compare=False, hash=False)  # as listed

    def __str__(self) -> str:
        return f"table {self.name}"


@dataclass(frozen=True)
class Applied(Type):
    """What a table's ``apply`` returns: ``hit``, ``miss``, ``action_run``."""

    table: Table

    def __str__(self) -> str:
        return f"result of table {self.table.name}"


@dataclass(frozen=True)
class ActionRun(Type):
    """``t.apply().action_run``: which action a table ran."""

    table: Table

    def __str__(self) -> str:
        return f"action of table {self.table.name}"


@dataclass(frozen=True)
class SetOf(Type):
    """A value set, or a keyset."""

    element: Type

    def __str__(self) -> str:
        return f"set<{self.element}>"


@dataclass(frozen=True)
class Meta(Type):
    """The type of a type that stands in an expression (``T`` in ``T.minSizeInBits()``)."""

    type: Type

    def __str__(self) -> str:
        return f"type {self.type}"


def _args_text(args: tuple[Type, ...]) -> str:
    return f"<{', '.join(map(str, args))}>" if args else ""


# ---------------------------------------------------------------------------------------------------- values
@dataclass(frozen=True)
class EnumValue:
    """A member of an enum without values, an error, a match kind."""

    type: Type
    member: str


Value = int | bool | str | EnumValue | tuple["Value", ...]  # a tuple is a list or a struct, in order of fields


# ---------------------------------------------------------------------------------------------------- questions
def substitute(type_: Type, bound: Mapping[Type, Type]) -> Type:
    """Replace type variables."""
    if not bound:
        return type_
    if isinstance(type_, TypeVar):
        return bound.get(type_, type_)
    if isinstance(type_, Array):
        return array_of(substitute(type_.element, bound), type_.size)
    if isinstance(type_, Tuple):
        return Tuple(tuple(substitute(t, bound) for t in type_.items))
    if isinstance(type_, List | SetOf):
        return replace(type_, element=substitute(type_.element, bound))
    if isinstance(type_, Struct) and type_.args:
        fields = tuple(replace(f, type=substitute(f.type, bound)) for f in type_.fields)
        return replace(type_, args=tuple(substitute(t, bound) for t in type_.args), fields=fields)
    if isinstance(type_, Extern) and type_.args:
        methods = tuple(substitute_function(m, bound) for m in type_.methods)
        return replace(type_, args=tuple(substitute(t, bound) for t in type_.args), methods=methods)
    if isinstance(type_, Block) and type_.args:
        return replace(
            type_,
            args=tuple(substitute(t, bound) for t in type_.args),
            params=substitute_params(type_.params, bound),
            constructor_params=substitute_params(type_.constructor_params, bound),
        )
    return type_


def substitute_params(params: tuple[Param, ...], bound: Mapping[Type, Type]) -> tuple[Param, ...]:
    return tuple(replace(p, type=substitute(p.type, bound)) for p in params)


def substitute_function(function: Function, bound: Mapping[Type, Type]) -> Function:
    return replace(
        function, params=substitute_params(function.params, bound), result=substitute(function.result, bound)
    )


def array_of(element: Type, size: int) -> Array:
    """Return the type of an array: a header stack where the elements are headers, or may turn out to be."""
    is_stack = is_header(element) or is_union(element) or isinstance(element, TypeVar)
    return Stack(element, size) if is_stack else Array(element, size)


def is_header(type_: Type) -> bool:
    return isinstance(type_, Struct) and type_.kind == "header"


def is_union(type_: Type) -> bool:
    return isinstance(type_, Struct) and type_.kind == "header_union"


def is_struct(type_: Type) -> bool:
    return isinstance(type_, Struct) and type_.kind == "struct"


def underlying(type_: Type) -> Type:
    """Strip newtypes and serializable enums down to what their bits are."""
    base = type_.base if isinstance(type_, Newtype | Enum) else None
    return type_ if base is None else underlying(base)


def is_empty(type_: Type) -> bool:
    """Is this a bit-string of no bits, which has a single value (P4_16 8.25)?"""
    bits = underlying(type_)
    return bits == Bits(0) or bits == Varbit(0)


def n_varbits(type_: Type) -> int:
    """Return how many varbit fields a header has, those of arrays counted one by one."""
    return sum(isinstance(leaf, Varbit) for leaf in leaves(type_))


def leaves(type_: Type) -> Iterator[Type]:
    """Yield what a struct, tuple or array is made of in the end, each as its bits."""
    if isinstance(type_, Struct | Tuple):
        for part in [f.type for f in type_.fields] if isinstance(type_, Struct) else type_.items:
            yield from leaves(part)
    elif isinstance(type_, Array):
        for _ in range(type_.size):
            yield from leaves(type_.element)
    else:
        yield underlying(type_)


def has_headers(type_: Type) -> bool:
    """Is this a header, or something with a header in it?"""
    if isinstance(type_, Array):
        return has_headers(type_.element)
    if isinstance(type_, Struct):
        return type_.kind != "struct" or any(has_headers(f.type) for f in type_.fields)
    return False


def width_of(type_: Type) -> int | None:
    """Return the width in bits of a type of fixed size (headers and structs: the sum), else None."""
    type_ = underlying(type_)
    if isinstance(type_, Bits):
        return type_.width
    if type_ == BOOL:
        return 1
    parts: tuple[Type, ...]
    if isinstance(type_, Struct) and type_.kind != "header_union":
        parts = tuple(f.type for f in type_.fields)
    elif isinstance(type_, Tuple):
        parts = type_.items
    elif isinstance(type_, Array):
        parts = (type_.element,) * type_.size
    else:
        return None
    widths = [width_of(t) for t in parts]
    return None if None in widths else sum(w or 0 for w in widths)


def size_range(type_: Type) -> tuple[int, int] | None:
    """Return minSizeInBits and maxSizeInBits, None where the type has no size.

    Source: P4_16 specification 1.2.5, section 9.1 (determining the size of types at compile time).
    """
    if isinstance(type_, Varbit):
        return 0, type_.max_width
    if is_union(type_):
        assert isinstance(type_, Struct)
        sizes = [size_range(f.type) for f in type_.fields]
        known = [s for s in sizes if s is not None]
        return (0, max((s[1] for s in known), default=0)) if len(known) == len(sizes) else None
    if isinstance(type_, Struct | Tuple):
        parts = [f.type for f in type_.fields] if isinstance(type_, Struct) else list(type_.items)
        ranges = [size_range(t) for t in parts]
        known = [r for r in ranges if r is not None]
        return (sum(r[0] for r in known), sum(r[1] for r in known)) if len(known) == len(ranges) else None
    if isinstance(type_, Array):
        one = size_range(type_.element)
        return None if one is None else (one[0] * type_.size, one[1] * type_.size)
    width = width_of(type_)
    return None if width is None else (width, width)


def fits_header(type_: Type) -> bool:
    """Source: P4_16 specification 1.2.5, section 7.2.2 and the table of section 7.2.8."""
    if isinstance(type_, Varbit | TypeVar) or type_ in (UNKNOWN, BOOL):
        return True
    if is_struct(type_):
        assert isinstance(type_, Struct)
        return all(fits_header(f.type) for f in type_.fields)
    if isinstance(type_, Array) and not isinstance(type_, Stack):
        return fits_header(type_.element)
    return isinstance(underlying(type_), Bits) or underlying(type_) == BOOL


def fits_struct(kind: str, type_: Type) -> bool:
    """Can a struct, header or header union have a field of this type?"""
    if kind == "header":
        return fits_header(type_)
    if kind == "header_union":
        return is_header(type_) or type_ == UNKNOWN or isinstance(type_, TypeVar)
    return not isinstance(type_, Extern | Block)
