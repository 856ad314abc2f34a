"""Writes a parse graph as DOT, Graphviz's language; ``draw.py`` and whoever has a viewer of their own read it.

A state is a table: its name, its steps, what it selects on.  Extraction stands out, since headers are what people look
for; the way back of a loop is blue, what ends in ``reject`` red.  Where so many edges lead to ``accept`` or ``reject``
that they would hide the others, they are written into the states instead.

Source: Graphviz's documentation of the DOT language and of HTML-like labels.
"""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping

from datapath.graph.nodes import NO_MATCH, Edge, Node, ParseGraph
from datapath.ir.graph import base_name
from datapath.ir.model import ACCEPT, REJECT

MAX_STEP = 46  # characters of a line of a state; longer ones are wrapped
MAX_LABEL = 34  # the same of an edge
MAX_WRAPPED = 3  # lines that something long takes; what is beyond is cut, the tooltip has all of it
MAX_ARMS = 6  # lines of an edge's label
MAX_STEPS = 9  # rows of a state
MAX_END_EDGES = 8  # to accept, and to reject
_FONT = "Helvetica,Arial,sans-serif"
_HEAD = "#dbe7f5"
_EXTRACT = "#1a5c2e"
_REJECT = "#b3261e"
_BACK = "#1b5fbf"
_QUIET = "#777777"


def dot_text(graph: ParseGraph) -> str:
    """Return a graph as DOT."""
    return "\n".join(_graph(graph)) + "\n"


def _graph(graph: ParseGraph) -> Iterator[str]:
    yield f"digraph {_quoted(graph.name)} {{"
    yield f"    graph [rankdir=TB, nodesep=0.35, ranksep=0.55, fontname={_quoted(_FONT)}, fontsize=11];"
    yield f"    node [shape=plain, fontname={_quoted(_FONT)}, fontsize=11];"
    yield f"    edge [fontname={_quoted(_FONT)}, fontsize=10, arrowsize=0.7, color={_quoted('#444444')}];"
    n_edges = Counter(edge.target for edge in graph.edges)
    crowded = {end for end in (ACCEPT, REJECT) if n_edges[end] > MAX_END_EDGES}
    ends = {
        node.name: [e for e in graph.edges if e.source == node.name and e.target in crowded] for node in graph.nodes
    }
    shown = [node for node in graph.nodes if node.name not in crowded]
    for group in dict.fromkeys(node.group for node in shown):
        yield from _group(group, [node for node in shown if node.group == group], ends)
    for edge in graph.edges:
        if edge.target not in crowded:
            yield f"    {_quoted(edge.source)} -> {_quoted(edge.target)} [{_edge(edge)}];"
    yield "}"


def _group(group: str, nodes: list[Node], ends: Mapping[str, list[Edge]]) -> Iterator[str]:
    indent = "        " if group else "    "
    if group:
        yield f"    subgraph {_quoted('cluster_' + group)} {{"
        label = _quoted(f"sub-parser {group}")
        yield f"        label={label}; labeljust=l; style=rounded; color={_quoted('#999999')};"
    for node in nodes:
        yield f"{indent}{_quoted(node.name)} [{_node(node, ends[node.name])}];"
    if group:
        yield "    }"


def _node(node: Node, ends: list[Edge]) -> str:
    """Return the attributes of a state; ``ends`` are its edges that are not drawn."""
    if node.name in (ACCEPT, REJECT):
        color = _EXTRACT if node.name == ACCEPT else _REJECT
        return (
            f"label={_quoted(node.name)}, shape=box, style=rounded, color={_quoted(color)}, fontcolor={_quoted(color)}"
        )
    rows = [f'<TR><TD BGCOLOR="{_HEAD}"><B>{_html(_title(node))}</B></TD></TR>']
    shown = node.steps if len(node.steps) <= MAX_STEPS else node.steps[: MAX_STEPS - 1]
    rows += [_step(step) for step in shown]
    if len(shown) < len(node.steps):
        rows.append(_row(f"… {len(node.steps) - len(shown)} more", _QUIET))
    if node.keys:
        rows.append(_row(f"select {node.keys}", "#333333", italic=True))
    rows += [_end(edge) for edge in ends]
    tooltip = "\n".join([node.name, *node.steps, *([f"select {node.keys}"] if node.keys else [])])
    style = ' STYLE="DASHED"' if node.continued else ""
    table = f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" COLOR="#666666"{style}>'
    return f"label=<{table}{''.join(rows)}</TABLE>>, tooltip={_quoted(tooltip)}"


def _title(node: Node) -> str:
    """Return what stands above a state: its name in the source."""
    title = base_name(node.name.removeprefix(f"{node.group}.") if node.group else node.name)
    return f"{title}, continued" if node.continued else title


def _step(step: str) -> str:
    if step.lstrip().startswith("extract "):
        return _row(step, _EXTRACT, bold=True)
    return _row(step, "#333333")


def _end(edge: Edge) -> str:
    arms = f"{_cut(', '.join(edge.labels), 2 * MAX_STEP)} " if edge.labels else ""
    return _row(f"{arms}▸ {edge.target}", _EXTRACT if edge.target == ACCEPT else _REJECT)


def _row(text: str, color: str, bold: bool = False, italic: bool = False) -> str:
    inner = '<BR ALIGN="LEFT"/>'.join(_html(line) for line in _wrapped(text, MAX_STEP))
    inner = f"<B>{inner}</B>" if bold else f"<I>{inner}</I>" if italic else inner
    return f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10" COLOR="{color}">{inner}</FONT></TD></TR>'


def _edge(edge: Edge) -> str:
    items: list[str] = []
    if edge.labels:
        shown = edge.labels if len(edge.labels) <= MAX_ARMS else edge.labels[: MAX_ARMS - 1]
        lines = [line for label in shown for line in _wrapped(label, MAX_LABEL)]
        if len(shown) < len(edge.labels):
            lines.append(f"… {len(edge.labels) - len(shown)} more")
        items.append(f"label={_quoted(_lines(lines))}")
        items.append(f"tooltip={_quoted(', '.join(edge.labels))}")
    if edge.target == REJECT:
        items += [f"color={_quoted(_REJECT)}", f"fontcolor={_quoted(_REJECT)}", "weight=0"]
        items += ["style=dashed"] if edge.labels == (NO_MATCH,) else []
    elif edge.loops_back:
        items += [f"color={_quoted(_BACK)}", f"fontcolor={_quoted(_BACK)}", "penwidth=1.4"]
    elif edge.target == ACCEPT:
        items += [f"color={_quoted(_QUIET)}", f"fontcolor={_quoted(_QUIET)}", "weight=0"]
    else:
        items.append("weight=3")
    return ", ".join(items)


def _lines(lines: list[str]) -> str:
    return "\n".join(f" {line} " for line in lines)


def _wrapped(text: str, size: int) -> list[str]:
    """Return a text as lines; all but the first stand two blanks further in."""
    indent = " " * (len(text) - len(text.lstrip()))
    lines = textwrap.wrap(text, size, subsequent_indent=f"{indent}  ", break_on_hyphens=False) or [""]
    return lines if len(lines) <= MAX_WRAPPED else [*lines[: MAX_WRAPPED - 1], f"{lines[MAX_WRAPPED - 1]} …"]


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _html(text: str) -> str:
    kept = text.lstrip(" ")
    return "&#160;" * (2 * (len(text) - len(kept))) + html.escape(kept)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
