"""Finds the Internet checksums that a program declares, with the fields that each of them sums.

Used by ``lower.py``.  Three ways of declaring one are read:

- ``@checksum`` on a header's field (our architecture; ``include/ovsp4.p4`` says what may stand in its list);
- ``verify_checksum``, ``update_checksum`` and their ``_with_payload`` forms with ``HashAlgorithm.csum16`` (v1model);
- ``Checksum16`` and ``InternetChecksum`` in a control (PSA, PNA, old v1model), where the field list can be read off:
  ``ck.add({...}); hdr.x.sum = ck.get();``.

Source: v1model.p4; Portable Switch Architecture 1.2, section 7.6; RFC 1071; RFC 768 for the zero of UDP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.architecture import Parts, is_internet_sum
from datapath.p4.check_statements import CHECKSUM_CALLS
from datapath.p4.deparser import Root, View, scalar_field
from datapath.p4.places import HeaderPlace, Place, ScalarPlace, StackPlace, StructPlace, headers_in, nested_fields
from datapath.p4.source import Report, did_you_mean

WORDS = ("payload", "optional")


def find_checksums(parts: Parts, root: Root, headers: Sequence[ir.Header], report: Report) -> tuple[ir.Checksum, ...]:
    """Return the checksums of a program, each field once: an update counts before a verification."""
    found: dict[tuple[str, str], ir.Checksum] = {}
    annotated = [(None, checksum) for checksum in _annotated(root, headers, report)]
    for view, checksum in [*annotated, *_in_controls(parts, root, headers, report)]:
        if checksum.location is not None and _is_sixteen_bits(checksum, headers):
            field = (checksum.header, checksum.field)
            if view is not None and field not in found:
                root.use(view, f"checksum {checksum.header}.{checksum.field}")
            found.setdefault(field, checksum)
        elif checksum.location is not None:
            report.warning(
                "checksum",
                checksum.location,
                f"'{checksum.header}.{checksum.field}' is not 16 bits: not kept up to date",
            )
    return tuple(found.values())


def _is_sixteen_bits(checksum: ir.Checksum, headers: Sequence[ir.Header]) -> bool:
    field = _header(headers, checksum.header).field(checksum.field)
    return field.width_bits == 16


def _header(headers: Sequence[ir.Header], path: str) -> ir.Header:
    return next(h for h in headers if h.path == path)


# ---------------------------------------------------------------------------------------------------- field lists
class FieldList:
    """The parts of a sum, in order, each with its offset."""

    def __init__(self) -> None:
        self.parts: list[ir.CoveredField] = []
        self.offset_bits = 0

    def add(self, header: str, field: str, width_bits: int) -> None:
        self.parts.append(ir.CoveredField(header, field, self.offset_bits, width_bits))
        self.offset_bits += width_bits

    def add_header(self, header: ir.Header, without: str = "") -> None:
        for field in header.fields:
            if field.name == without:
                self.offset_bits += field.width_bits
            else:
                self.add(header.path, field.name, field.width_bits)

    def align(self, width_bits: int) -> None:
        """Pad with zeros in front, so that ``width_bits`` more end on a 16-bit word."""
        padding = -(self.offset_bits + width_bits) % 16
        self.offset_bits += padding


# ---------------------------------------------------------------------------------------------------- annotations
def _annotated(root: Root, headers: Sequence[ir.Header], report: Report) -> Iterator[ir.Checksum]:
    places = [root.root, *root.params.values()]
    seen: set[str] = set()
    for place in (h for p in places if p is not None for h in headers_in(p)):
        path = place.at.path
        if path in seen:
            continue
        seen.add(path)
        assert isinstance(place.type, t.Struct)
        for item in place.type.fields:
            for annotation in item.node.annotations if item.node is not None else ():
                if annotation.name == "checksum":
                    yield _from_annotation(annotation, _header(headers, path), item.name, headers, report)


def _from_annotation(
    annotation: ast.Annotation, header: ir.Header, field: str, headers: Sequence[ir.Header], report: Report
) -> ir.Checksum:
    listed = FieldList()
    listed.add_header(header, without=field)
    words: set[str] = set()
    for item in annotation.items or ():
        if not isinstance(item, ast.StringLiteral):
            report.error(
                item.loc, '@checksum lists "payload", "optional", and fields of other headers as "header.field"'
            )
        elif item.value in WORDS:
            words.add(item.value)
        else:
            _add_listed(item, listed, headers, report)
    if annotation.tokens is not None or annotation.pairs:
        report.error(
            annotation.loc, "@checksum takes its list in brackets", hint='@checksum["payload", "ipv4.srcAddr"]'
        )
    covered = tuple(listed.parts)
    return ir.Checksum(header.path, field, covered, "payload" in words, "optional" in words, annotation.loc)


def _add_listed(item: ast.StringLiteral, listed: FieldList, headers: Sequence[ir.Header], report: Report) -> None:
    """Add a header, or a field of one, that the annotation names by its path."""
    for header in headers:
        if item.value == header.path:
            listed.align(header.width_bits)
            listed.add_header(header)
            return
        if item.value.startswith(header.path + "."):
            name = item.value.removeprefix(header.path + ".")
            for field in header.fields:
                if field.name == name:
                    listed.align(field.width_bits)
                    listed.add(header.path, name, field.width_bits)
                    return
    # A header type may be shared by programs that do not all have the other header: that is no fault.
    name = item.value.split(".")[0]
    if any(h.path == name for h in headers) or "." not in item.value:
        known = [f"{h.path}.{f.name}" for h in headers for f in h.fields] + [h.path for h in headers] + list(WORDS)
        hint = did_you_mean(item.value, known)
        report.error(item.loc, f"@checksum: there is no header or field '{item.value}'", hint=hint)


# ---------------------------------------------------------------------------------------------------- controls
def _in_controls(
    parts: Parts, root: Root, headers: Sequence[ir.Header], report: Report
) -> Iterator[tuple[View, ir.Checksum]]:
    """Yield the checksums of controls with the control that has each, updates first."""
    found: list[tuple[bool, View, ir.Checksum]] = []
    for control in parts.controls:
        sums: dict[str, _Sum] = {}
        for view, statement in root.statements(root.view(control)):
            if isinstance(statement, ast.CallStmt):
                checksum = _v1model_call(view, statement.call, root, headers)
                if checksum is not None:
                    callee = statement.call.callee
                    is_update = isinstance(callee, ast.Name) and callee.name.startswith("update")
                    found.append((is_update, view, checksum))
                _sum_call(view, statement.call, root, headers, sums)
            elif isinstance(statement, ast.AssignStmt):
                checksum = _sum_result(view, statement, root, headers, sums, report)
                if checksum is not None:
                    found.append((True, view, checksum))
    yield from ((view, checksum) for _, view, checksum in sorted(found, key=lambda item: not item[0]))


def _v1model_call(view: View, call: ast.CallExpr, root: Root, headers: Sequence[ir.Header]) -> ir.Checksum | None:
    callee = call.callee
    if not isinstance(callee, ast.Name) or callee.name not in CHECKSUM_CALLS:
        return None
    named = {a.name: a.value for a in call.args if a.name}
    names = ("condition", "data", "checksum", "algo")
    values = [a.value for a in call.args if not a.name]
    by_name = {**dict(zip(names, values, strict=False)), **named}
    if not all(n in by_name for n in names):
        return None
    algorithm = by_name["algo"]
    if not isinstance(algorithm, ast.Member) or algorithm.member != "csum16":
        return None
    target = scalar_field(root.place(view, by_name["checksum"]))
    if target is None:
        return None
    listed = FieldList()
    _add_data(view, by_name["data"], root, headers, listed)
    with_payload = callee.name.endswith("_with_payload")
    return _checksum(target, listed, with_payload, headers, call.loc)


def _checksum(
    target: tuple[str, str], listed: FieldList, with_payload: bool, headers: Sequence[ir.Header], location: Location
) -> ir.Checksum:
    covered = tuple(p for p in listed.parts if (p.header, p.field) != target)
    zero_is_none = with_payload and _looks_like_udp(_header(headers, target[0]), target[1])
    return ir.Checksum(target[0], target[1], covered, with_payload, zero_is_none, location)


def _looks_like_udp(header: ir.Header, field: str) -> bool:
    """v1model cannot say that zero means "no checksum"; UDP's header has a shape that tells it."""
    return [f.width_bits for f in header.fields] == [16] * 4 and header.fields[3].name == field


def _add_data(view: View, node: ast.Expr, root: Root, headers: Sequence[ir.Header], listed: FieldList) -> None:
    """Add what a list expression in a control names; what is computed leaves a gap of its width."""
    if isinstance(node, ast.ListExpr):
        for item in node.items:
            _add_data(view, item, root, headers, listed)
        return
    if isinstance(node, ast.StructExpr):
        for pair in node.fields:
            _add_data(view, pair.value, root, headers, listed)
        return
    if isinstance(node, ast.BinaryExpr) and node.op == "++":
        _add_data(view, node.left, root, headers, listed)
        _add_data(view, node.right, root, headers, listed)
        return
    place = root.place(view, node)
    if place is not None:
        _add_place(place, headers, listed)
    else:
        listed.add("", "", _width(view, node, root))


def _add_place(place: Place, headers: Sequence[ir.Header], listed: FieldList) -> None:
    field = scalar_field(place)
    if field is not None:
        known = _header(headers, field[0]).field(field[1])
        listed.add(field[0], field[1], known.width_bits)
    elif isinstance(place, HeaderPlace):
        header = _header(headers, place.at.path)
        for name, _ in nested_fields(place.type, place.prefix):
            listed.add(header.path, name, header.field(name).width_bits)
    elif isinstance(place, StructPlace):
        for part in place.parts.values():
            _add_place(part, headers, listed)
    elif isinstance(place, StackPlace):
        for element in place.elements:
            _add_place(element, headers, listed)
    elif isinstance(place, ScalarPlace):
        listed.add("", "", place.ref.width)


def _width(view: View, node: ast.Expr, root: Root) -> int:
    """Return the width of an expression that is no field, as well as can be told without types."""
    if isinstance(node, ast.IntLiteral):
        return node.width
    if isinstance(node, ast.CastExpr) and isinstance(node.type, ast.BaseType):
        width = node.type.width
        return width.value if isinstance(width, ast.IntLiteral) else 16
    if isinstance(node, ast.BinaryExpr):
        left, right = root.place(view, node.left), root.place(view, node.right)
        for place in (left, right):
            if isinstance(place, ScalarPlace):
                return place.ref.width
        return max(_width(view, node.left, root), _width(view, node.right, root))
    if (
        isinstance(node, ast.SliceExpr)
        and isinstance(node.high, ast.IntLiteral)
        and isinstance(node.low, ast.IntLiteral)
    ):
        return node.high.value - node.low.value + 1
    return 16


# ---------------------------------------------------------------------------------------------------- externs
@dataclass
class _Sum:
    """What was added to a checksum extern since it was cleared."""

    listed: FieldList
    readable: bool = True  # nothing was subtracted or set


def _sum_call(view: View, call: ast.CallExpr, root: Root, headers: Sequence[ir.Header], sums: dict[str, _Sum]) -> None:
    callee = call.callee
    if not isinstance(callee, ast.Member) or not isinstance(callee.base, ast.Name):
        return
    name = callee.base.name
    if not _is_sum_extern(view, name):
        return
    if callee.member == "clear":
        sums[name] = _Sum(FieldList())
        return
    current = sums.setdefault(name, _Sum(FieldList()))
    if callee.member in ("add", "update") and call.args:
        _add_data(view, call.args[0].value, root, headers, current.listed)
    elif callee.member in ("subtract", "remove", "set_state"):
        current.readable = False


def _is_sum_extern(view: View, name: str) -> bool:
    for local in view.control.locals:
        if isinstance(local, ast.Instantiation) and local.name == name:
            return is_internet_sum(local)
    return False


def _sum_result(
    view: View,
    statement: ast.AssignStmt,
    root: Root,
    headers: Sequence[ir.Header],
    sums: dict[str, _Sum],
    report: Report,
) -> ir.Checksum | None:
    """``hdr.x.sum = ck.get();`` (or ``ck.get({...})``)."""
    call = statement.value
    if not isinstance(call, ast.CallExpr) or not isinstance(call.callee, ast.Member) or call.callee.member != "get":
        return None
    base = call.callee.base
    if not isinstance(base, ast.Name) or not _is_sum_extern(view, base.name):
        return None
    target = scalar_field(root.place(view, statement.target))
    if target is None:
        return None
    current = sums.get(base.name, _Sum(FieldList()))
    if call.args:
        current = _Sum(FieldList())
        _add_data(view, call.args[0].value, root, headers, current.listed)
    if not current.readable or not current.listed.parts:
        message = f"the field list of checksum '{target[0]}.{target[1]}' cannot be read off: it is not kept up to date"
        report.warning("checksum", statement.loc, message)
        return None
    return _checksum(target, current.listed, False, headers, statement.loc)
