"""The syntax tree of P4_16: one frozen class per production that matters, each with the place it was read at.

Made by ``parser.py``; read by ``typecheck.py`` and ``lower.py``.  Nodes compare and hash by identity, so that the type
checker can keep what it finds out about a node in dictionaries beside the tree.  (One long file: it is a list, read
like the grammar's.)

Source: P4_16 specification 1.2.5, appendix G (grammar).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from datapath.errors import Location


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    loc: Location


# ---------------------------------------------------------------------------------------------------- annotations
@dataclass(frozen=True, eq=False, slots=True)
class KeyValue(Node):
    """``name = value``, in annotations, struct expressions."""

    name: str
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Annotation(Node):
    """``@name``, ``@name(tokens)`` (``tokens`` is their text) or ``@name[items]`` (expressions or key-value pairs)."""

    name: str
    tokens: tuple[str, ...] | None = None
    items: tuple[Expr, ...] | None = None
    pairs: tuple[KeyValue, ...] | None = None


# ---------------------------------------------------------------------------------------------------- types
@dataclass(frozen=True, eq=False, slots=True)
class BaseType(Node):
    """``kind``: bool, error, match_kind, string, void, int (no width), bit, sint (``int<N>``), varbit."""

    kind: str
    width: Expr | None = None


@dataclass(frozen=True, eq=False, slots=True)
class NamedType(Node):
    name: str
    args: tuple[TypeNode, ...] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class ArrayType(Node):
    element: TypeNode
    size: Expr


@dataclass(frozen=True, eq=False, slots=True)
class TupleTypeNode(Node):
    args: tuple[TypeNode, ...]


@dataclass(frozen=True, eq=False, slots=True)
class ListTypeNode(Node):
    element: TypeNode


@dataclass(frozen=True, eq=False, slots=True)
class AnyType(Node):
    """``_`` as a type argument."""


TypeNode = BaseType | NamedType | ArrayType | TupleTypeNode | ListTypeNode | AnyType


# ---------------------------------------------------------------------------------------------------- expressions
@dataclass(frozen=True, eq=False, slots=True)
class IntLiteral(Node):
    """``width`` 0 is an arbitrary-precision ``int``."""

    value: int
    width: int = 0
    signed: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class BoolLiteral(Node):
    value: bool


@dataclass(frozen=True, eq=False, slots=True)
class StringLiteral(Node):
    value: str


@dataclass(frozen=True, eq=False, slots=True)
class Name(Node):
    name: str
    absolute: bool = False  # written with a leading dot


@dataclass(frozen=True, eq=False, slots=True)
class This(Node):
    """``this``, in abstract methods."""


@dataclass(frozen=True, eq=False, slots=True)
class Dots(Node):
    """``...``: default values."""


@dataclass(frozen=True, eq=False, slots=True)
class DontCare(Node):
    """``_`` or ``default`` (in a keyset or as an argument)."""


@dataclass(frozen=True, eq=False, slots=True)
class TypeExpr(Node):
    """A type where an expression stands: ``T.minSizeInBits()``, ``error.NoMatch``, ``Parser<T>()``."""

    type: TypeNode


@dataclass(frozen=True, eq=False, slots=True)
class ListExpr(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, eq=False, slots=True)
class StructExpr(Node):
    fields: tuple[KeyValue, ...]
    dots: bool = False  # the rest takes default values


@dataclass(frozen=True, eq=False, slots=True)
class InvalidExpr(Node):
    """``{#}``: an invalid header."""


@dataclass(frozen=True, eq=False, slots=True)
class Member(Node):
    """``loc`` is the member's."""

    base: Expr
    member: str


@dataclass(frozen=True, eq=False, slots=True)
class IndexExpr(Node):
    base: Expr
    index: Expr


@dataclass(frozen=True, eq=False, slots=True)
class SliceExpr(Node):
    """``base[high:low]``."""

    base: Expr
    high: Expr
    low: Expr


@dataclass(frozen=True, eq=False, slots=True)
class PlusSliceExpr(Node):
    """``base[low+:width]``."""

    base: Expr
    low: Expr
    width: Expr


@dataclass(frozen=True, eq=False, slots=True)
class UnaryExpr(Node):
    op: str
    operand: Expr


@dataclass(frozen=True, eq=False, slots=True)
class BinaryExpr(Node):
    """``loc`` is the operator's."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, eq=False, slots=True)
class TernaryExpr(Node):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, eq=False, slots=True)
class CastExpr(Node):
    type: TypeNode
    operand: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Argument(Node):
    name: str  # "" if positional
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class CallExpr(Node):
    """``loc`` is that of the callee's last name."""

    callee: Expr
    type_args: tuple[TypeNode, ...]
    args: tuple[Argument, ...]


@dataclass(frozen=True, eq=False, slots=True)
class MaskExpr(Node):
    """``value &&& mask``."""

    value: Expr
    mask: Expr


@dataclass(frozen=True, eq=False, slots=True)
class RangeExpr(Node):
    """``low .. high``."""

    low: Expr
    high: Expr


@dataclass(frozen=True, eq=False, slots=True)
class TupleKeyset(Node):
    items: tuple[Expr, ...]


Expr = (
    IntLiteral
    | BoolLiteral
    | StringLiteral
    | Name
    | This
    | Dots
    | DontCare
    | TypeExpr
    | ListExpr
    | StructExpr
    | InvalidExpr
    | Member
    | IndexExpr
    | SliceExpr
    | PlusSliceExpr
    | UnaryExpr
    | BinaryExpr
    | TernaryExpr
    | CastExpr
    | CallExpr
    | MaskExpr
    | RangeExpr
    | TupleKeyset
)


# ---------------------------------------------------------------------------------------------------- statements
@dataclass(frozen=True, eq=False, slots=True)
class EmptyStmt(Node):
    pass


@dataclass(frozen=True, eq=False, slots=True)
class BlockStmt(Node):
    statements: tuple[Statement, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class AssignStmt(Node):
    """``op``: "=", or the operator of a compound assignment ("+" for ``+=``)."""

    target: Expr
    op: str
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class CallStmt(Node):
    call: CallExpr


@dataclass(frozen=True, eq=False, slots=True)
class IfStmt(Node):
    condition: Expr
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True, eq=False, slots=True)
class ReturnStmt(Node):
    value: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class JumpStmt(Node):
    """``kind``: break, continue, exit."""

    kind: str


@dataclass(frozen=True, eq=False, slots=True)
class SwitchCase(Node):
    label: Expr  # DontCare for default
    body: BlockStmt | None  # None falls through


@dataclass(frozen=True, eq=False, slots=True)
class SwitchStmt(Node):
    value: Expr
    cases: tuple[SwitchCase, ...]


@dataclass(frozen=True, eq=False, slots=True)
class ForStmt(Node):
    init: tuple[Statement, ...]
    condition: Expr
    update: tuple[Statement, ...]
    body: Statement


@dataclass(frozen=True, eq=False, slots=True)
class ForInStmt(Node):
    """``loc`` is the variable's; ``collection`` may be a RangeExpr."""

    type: TypeNode
    name: str
    collection: Expr
    body: Statement


@dataclass(frozen=True, eq=False, slots=True)
class VarDecl(Node):
    type: TypeNode
    name: str
    value: Expr | None
    annotations: tuple[Annotation, ...] = ()


# ---------------------------------------------------------------------------------------------------- declarations
@dataclass(frozen=True, eq=False, slots=True)
class ConstDecl(Node):
    type: TypeNode
    name: str
    value: Expr
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Param(Node):
    """``direction``: "in", "out", "inout" or ""."""

    direction: str
    type: TypeNode
    name: str
    default: Expr | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Instantiation(Node):
    type: TypeNode
    args: tuple[Argument, ...]
    name: str
    body: tuple[FunctionDecl | Instantiation, ...] | None = None
    annotations: tuple[Annotation, ...] = ()
    sizes: tuple[Expr, ...] = ()  # of an array of instances


@dataclass(frozen=True, eq=False, slots=True)
class StructField(Node):
    type: TypeNode
    name: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class StructDecl(Node):
    """``kind``: struct, header, header_union."""

    kind: str
    name: str
    type_params: tuple[str, ...]
    fields: tuple[StructField, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class EnumMember(Node):
    name: str
    value: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class EnumDecl(Node):
    name: str
    base: TypeNode | None  # of a serializable enum
    members: tuple[EnumMember, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class MembersDecl(Node):
    """``kind``: error, match_kind; members of all such declarations are merged."""

    kind: str
    members: tuple[EnumMember, ...]


@dataclass(frozen=True, eq=False, slots=True)
class TypedefDecl(Node):
    """``is_new``: ``type`` rather than ``typedef``."""

    type: TypeNode | StructDecl | EnumDecl
    name: str
    is_new: bool
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Prototype(Node):
    """A function's or method's signature; ``result`` None is a constructor."""

    result: TypeNode | None
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    is_abstract: bool = False
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class FunctionDecl(Node):
    prototype: Prototype
    body: BlockStmt

    @property
    def name(self) -> str:
        return self.prototype.name


@dataclass(frozen=True, eq=False, slots=True)
class ExternFunctionDecl(Node):
    prototype: Prototype

    @property
    def name(self) -> str:
        return self.prototype.name


@dataclass(frozen=True, eq=False, slots=True)
class ExternDecl(Node):
    name: str
    type_params: tuple[str, ...]
    methods: tuple[Prototype, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class PackageDecl(Node):
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ValueSetDecl(Node):
    type: TypeNode
    size: Expr
    name: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class SelectCase(Node):
    keyset: Expr
    target: str
    target_loc: Location


@dataclass(frozen=True, eq=False, slots=True)
class SelectExpr(Node):
    keys: tuple[Expr, ...]
    cases: tuple[SelectCase, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Goto(Node):
    """``transition name;``"""

    target: str


@dataclass(frozen=True, eq=False, slots=True)
class StateDecl(Node):
    name: str
    statements: tuple[Statement, ...]
    transition: Goto | SelectExpr | None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ParserTypeDecl(Node):
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ParserDecl(Node):
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    constructor_params: tuple[Param, ...]
    locals: tuple[ParserLocal, ...]
    states: tuple[StateDecl, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ControlTypeDecl(Node):
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ActionDecl(Node):
    name: str
    params: tuple[Param, ...]
    body: BlockStmt
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class KeyElement(Node):
    value: Expr
    match_kind: str
    match_kind_loc: Location
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ActionRef(Node):
    name: str
    args: tuple[Argument, ...]
    absolute: bool = False  # written with a leading dot
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class TableEntry(Node):
    is_const: bool
    priority: Expr | None
    keyset: Expr
    action: ActionRef
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class TableProperty(Node):
    """``key``, ``actions``, ``entries`` or any other property; exactly the member that fits is set."""

    name: str
    is_const: bool = False
    keys: tuple[KeyElement, ...] = ()
    actions: tuple[ActionRef, ...] = ()
    entries: tuple[TableEntry, ...] = ()
    value: Expr | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class TableDecl(Node):
    name: str
    properties: tuple[TableProperty, ...]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class ControlDecl(Node):
    name: str
    type_params: tuple[str, ...]
    params: tuple[Param, ...]
    constructor_params: tuple[Param, ...]
    locals: tuple[ControlLocal, ...]
    body: BlockStmt
    annotations: tuple[Annotation, ...] = ()


Statement = (
    EmptyStmt
    | BlockStmt
    | AssignStmt
    | CallStmt
    | IfStmt
    | ReturnStmt
    | JumpStmt
    | SwitchStmt
    | ForStmt
    | ForInStmt
    | VarDecl
    | ConstDecl
    | Instantiation
)
ParserLocal = ConstDecl | VarDecl | Instantiation | ValueSetDecl
ControlLocal = ConstDecl | VarDecl | Instantiation | ActionDecl | TableDecl
Declaration = (
    ConstDecl
    | StructDecl
    | EnumDecl
    | MembersDecl
    | TypedefDecl
    | FunctionDecl
    | ExternFunctionDecl
    | ExternDecl
    | PackageDecl
    | ParserTypeDecl
    | ParserDecl
    | ControlTypeDecl
    | ControlDecl
    | ActionDecl
    | Instantiation
)


@dataclass(frozen=True, eq=False, slots=True)
class SourceProgram:
    """All declarations of a program, includes expanded, in source order."""

    declarations: tuple[Declaration, ...]


def walk_statements(statement: Statement) -> Iterator[Statement]:
    """Yield a statement and all statements in it, in source order."""
    yield statement
    parts: tuple[Statement | None, ...] = ()
    if isinstance(statement, BlockStmt):
        parts = statement.statements
    elif isinstance(statement, IfStmt):
        parts = (statement.then, statement.otherwise)
    elif isinstance(statement, ForStmt | ForInStmt):
        parts = (statement.body,)
    elif isinstance(statement, SwitchStmt):
        parts = tuple(case.body for case in statement.cases)
    for part in parts:
        if part is not None:
            yield from walk_statements(part)
