"""Finds the parser and the other parts of a program that the switch uses, whatever its architecture.

Used by ``lower.py``.  The parser is the first one that the instance ``main`` is given, arguments in order and packages
in packages looked into; in a file without ``main`` it is the one parser that no other one applies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from datapath.errors import Location
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Call, Info
from datapath.p4.source import Report

# Fields of the architectures' metadata that hold the port a packet came in by, and the packet's size in bytes.
IN_PORT_FIELDS = {
    "standard_metadata_t": "ingress_port",  # v1model
    "standard_metadata": "input_port",  # ubpf_model
    "psa_ingress_parser_input_metadata_t": "ingress_port",
    "psa_egress_parser_input_metadata_t": "egress_port",
    "pna_main_parser_input_metadata_t": "input_port",
    "pna_pre_input_metadata_t": "input_port",
    "xdp_input": "input_port",
    "ingress_intrinsic_metadata_t": "ingress_port",  # TNA
}
LENGTH_FIELDS = {"standard_metadata_t": "packet_length", "standard_metadata": "packet_length"}
# Externs that are Internet checksums, whatever their constructor is given; Ck16 is from P4_16 5.3, the example.
INTERNET_SUMS = ("InternetChecksum", "Checksum16", "Ck16")


@dataclass
class Parts:
    """What of a program is used."""

    parser: ast.ParserDecl
    call: Call | None  # the parser's constructor
    block: t.Block  # the parser's type, type arguments in place
    controls: list[ast.ControlDecl] = field(default_factory=list)  # given to the same package as the parser, in order

    @property
    def deparser(self) -> ast.ControlDecl | None:
        """The first control with a packet_out among its parameters."""
        return next((c for c in self.controls if any(_is_packet_out(p) for p in c.params)), None)


def find_parts(program: ast.SourceProgram, info: Info, report: Report, path: str) -> Parts | None:
    """Return the parts that make up the switch's program; report why if there are none."""
    main = info.instances.get("main")
    found = next(_parsers_of(main, info, set()), None) if main is not None else None
    if found is not None:
        return found
    used: set[ast.Node] = {call.block.node for call in info.calls.values() if call.block is not None}
    used.update(call.function.node for call in info.calls.values() if call.function is not None)
    declared = [d for d in program.declarations if isinstance(d, ast.ParserDecl)]
    parsers = [d for d in declared if d not in used] or declared
    if len(parsers) == 1:
        controls = [d for d in program.declarations if isinstance(d, ast.ControlDecl)]
        return Parts(parsers[0], None, info.blocks[parsers[0]], controls)
    if not parsers and main is not None:
        report.error(main.loc, "'main' is given no parser")
    elif not parsers:
        report.error(Location(path, 1, 1), "the program has no parser")
    else:
        notes = [(p.loc, f"'{p.name}' is declared here") for p in parsers]
        hint = "instantiate a package: Switch(MyParser()) main;"
        report.error(parsers[-1].loc, "there are several parsers and no 'main' that names one", hint, notes)
    return None


def _parsers_of(instance: ast.Node, info: Info, seen: set[ast.Node]) -> Iterator[Parts]:
    """Yield the parsers given to an instance, those of packages among its arguments included."""
    if instance in seen or instance not in info.calls:
        return
    seen.add(instance)
    controls: list[ast.ControlDecl] = []
    parser: tuple[ast.ParserDecl, Call | None, t.Block] | None = None
    for argument in _arguments(info.calls[instance], info):
        block = _block_of(argument, info)
        node = block.node if block is not None else None
        if isinstance(node, ast.ParserDecl) and parser is None:
            assert block is not None
            parser = node, info.calls.get(argument), block
        elif isinstance(node, ast.ControlDecl):
            controls.append(node)
        elif isinstance(node, ast.PackageDecl):
            yield from _parsers_of(argument, info, seen)
    if parser is not None:
        yield Parts(*parser, controls)


def _arguments(call: Call, info: Info) -> Iterator[ast.Node]:
    """Yield what a constructor is given; the name of an instance stands for its declaration."""
    for _, value in call.args:
        if isinstance(value, ast.Name):
            symbol = info.symbols.get(value)
            if symbol is not None:
                yield symbol.node
        elif value is not None:
            yield value


def _block_of(node: ast.Node, info: Info) -> t.Block | None:
    if isinstance(node, ast.Instantiation):
        symbol = info.symbols.get(node)
        type_ = symbol.type if symbol is not None else None
    else:
        type_ = info.types.get(node)
    return type_ if isinstance(type_, t.Block) else None


def _is_packet_out(param: ast.Param) -> bool:
    return isinstance(param.type, ast.NamedType) and param.type.name == "packet_out"


def is_internet_sum(node: ast.Instantiation) -> bool:
    """Is this extern instance an Internet checksum?  PSA's ``Checksum`` is if its constructor says so, TNA's always."""
    if not isinstance(node.type, ast.NamedType):
        return False
    if node.type.name != "Checksum":
        return node.type.name in INTERNET_SUMS
    values = [a.value for a in node.args]
    return not values or any(isinstance(v, ast.Member) and v.member == "ONES_COMPLEMENT16" for v in values)


def headers_param(params: tuple[t.Param, ...]) -> t.Param | None:
    """Return the parameter that the parser's headers go into: ``out`` before ``inout``, a struct with headers."""
    for direction in ("out", "inout"):
        for param in params:
            if param.direction == direction and t.has_headers(param.type):
                return param
    return None
