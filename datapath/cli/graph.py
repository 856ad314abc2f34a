"""``ovsp4 graph``: the parse graph of a P4 program, as DOT or as a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from datapath.cli.program import add_program_arguments, compile_arguments, complain, write_file
from datapath.errors import OvsP4Error


def add_verbs(subparsers: Any) -> None:
    """Declare ``graph``."""
    parser = subparsers.add_parser("graph", help="draw the parse graph of a P4 program")
    add_program_arguments(parser)
    parser.add_argument(
        "-o",
        dest="output",
        type=Path,
        metavar="FILE",
        help="write it there, in the format that the name ends in: .dot, .svg, .png, .pdf (all but .dot need "
        "Graphviz); by default DOT goes to standard output",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw; 0 done, 2 a diagnostic for the user."""
    from datapath.graph.dot import dot_text
    from datapath.graph.draw import FORMATS, draw
    from datapath.graph.nodes import parse_graph

    try:
        suffix = args.output.suffix.removeprefix(".").lower() if args.output else "dot"
        if suffix not in ("dot", "gv", *FORMATS):
            raise OvsP4Error(f"{args.output}: the name must end in .dot, .{', .'.join(FORMATS)}")
        dot = dot_text(parse_graph(compile_arguments(args).program))
        content = draw(dot, suffix) if suffix in FORMATS else dot.encode()
        if args.output:
            write_file(args.output, content)
        else:
            sys.stdout.write(dot)
    except OvsP4Error as error:
        return complain(error)
    return 0
