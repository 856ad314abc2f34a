"""IR by hand, short: ``header("h", a=8, b=-32)``; used by the tests of passes, reference model and code generation."""

from __future__ import annotations

from datapath.ir.model import (
    CORE_ERRORS,
    Any,
    Case,
    Const,
    Expr,
    Extract,
    Field,
    FieldRef,
    Goto,
    Header,
    HeaderAt,
    Keyset,
    Masked,
    Program,
    Select,
    Stack,
    State,
    Statement,
    Transition,
    Variable,
)


def header(path: str, union: str = "", **widths: int) -> Header:
    """Return a header; a negative width is a varbit of at most so many bits; ``vlan[1]`` belongs to stack ``vlan``."""
    fields, offset = [], 0
    for name, width in widths.items():
        if width < 0:
            fields.append(Field(name, offset, 0, varbit_max_bits=-width))
        else:
            fields.append(Field(name, offset, width))
            offset += width
    stack, _, index = path.removesuffix("]").partition("[")
    in_stack = bool(index)
    return Header(path, f"{stack}_t", tuple(fields), stack if in_stack else "", int(index) if in_stack else 0, union)


def stack(path: str, size: int, **widths: int) -> tuple[Header, ...]:
    """Return the headers of a stack."""
    return tuple(header(f"{path}[{i}]", **widths) for i in range(size))


def at(path: str) -> HeaderAt:
    """Return a header: "ipv4", "vlan[0]", "vlan.next", "vlan.last"."""
    base, _, select = path.rpartition(".")
    return HeaderAt(base, select) if select in ("next", "last") else HeaderAt(path)


def extract(path: str, varbit_bits: Expr | None = None) -> Extract:
    return Extract(at(path), varbit_bits)


def ref(path: str, field: str, width: int) -> FieldRef:
    return FieldRef(at(path), field, width)


def exact(value: int, width: int) -> Masked:
    return Masked(value, (1 << width) - 1)


def select(key: Expr, arms: dict[int | None, str]) -> Select:
    """Return a select over one key; None is the default arm."""

    def keyset(value: int | None) -> Keyset:
        return Any() if value is None else exact(value, key.width)

    return Select((key,), tuple(Case((keyset(value),), target) for value, target in arms.items()))


def state(name: str, *statements: Statement, to: Transition | str = "accept") -> State:
    return State(name, statements, Goto(to) if isinstance(to, str) else to)


def program(
    headers: tuple[Header, ...],
    *states: State,
    variables: tuple[Variable, ...] = (),
    errors: tuple[str, ...] = (),
) -> Program:
    """Return a program; its stacks are those that the headers belong to."""
    sizes: dict[str, int] = {}
    for item in headers:
        if item.stack:
            sizes[item.stack] = sizes.get(item.stack, 0) + 1
    stacks = tuple(Stack(path, f"{path}_t", size) for path, size in sizes.items())
    order = tuple(h.path for h in headers)
    return Program("test", "test.p4", headers, stacks, variables, (*CORE_ERRORS, *errors), states, order)


def const(value: int, width: int) -> Const:
    return Const(value, width)
