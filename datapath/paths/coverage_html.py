"""Parser coverage as HTML: an index of programs, and a page for each with its totals, what was missed and the source.

Fed by ``coverage.py`` and ``annotate.py``; the pytest plugin writes the files.  The pages need nothing else: no script,
no other file; what colours say is also said by numbers, so that they can be printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from datapath.errors import Location
from datapath.paths.annotate import Line, source_lines
from datapath.paths.coverage import KINDS, CoverageItem, ParserCoverage, Share, share

_STYLE = """<style>
body { font-family: Helvetica, Arial, sans-serif; margin: 1.5em; color: #222 }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 1.5em } li { margin: .2em 0 }
summary { cursor: pointer; margin-top: 1em }
table { border-collapse: collapse } td, th { padding: .25em .8em; text-align: right }
th:first-child, td:first-child { text-align: left } .totals td, .totals th { border-bottom: 1px solid #ccc }
a { color: #1b5fbf; text-decoration: none } a:hover { text-decoration: underline }
.source { font-family: monospace; font-size: 13px; tab-size: 4 } .source td { padding: 0 .6em; white-space: pre }
.source td:first-child { text-align: right; color: #888 } .source td:last-child { text-align: left }
.source td:nth-child(2) { text-align: right; min-width: 4em }
.hit td:last-child { background: #e3f6e3 } .missed td { background: #fbdcdc }
.partly td:last-child { background: #fff4c2 }
.missed td:nth-child(2), .partly td:nth-child(2) { color: #b3261e; font-weight: bold }
tr:target td { outline: 2px solid #1b5fbf }
.bar { display: inline-block; width: 8em; height: .7em; background: #fbdcdc; margin-left: .6em }
.bar i { display: block; height: 100%; background: #5cae5c }
</style>"""


def index_page(programs: Iterable[tuple[str, ParserCoverage]]) -> str:
    """Return the page that leads to the others.

    Args:
        programs: Each program's page, relative to this one, and its coverage.
    """
    rows, items = [], []
    for page, coverage in programs:
        items += coverage.items()
        link = f'<a href="{escape(page)}">{escape(coverage.program.source)}</a>'
        rows.append(_totals_row(link, str(coverage.n_packets), coverage.items()))
    if len(rows) > 1:
        rows.append(_totals_row("<b>total</b>", "", items))
    return _page("Parser coverage", [_totals_table("program", rows)])


def program_page(coverage: ParserCoverage, index: str = "") -> str:
    """Return a program's page.

    Args:
        coverage: Of the program.
        index: The page that leads here, relative to this one, if there is one.
    """
    items = coverage.items()
    files = dict(source_lines(coverage))
    anchors = {file: f"f{number}" for number, file in enumerate(files)}
    row = _totals_row(escape(coverage.program.source), str(coverage.n_packets), items)
    parts = [f'<p><a href="{escape(index)}">all programs</a></p>'] if index else []
    parts += [_totals_table("program", [row]), *_missed(coverage, anchors), *_all_items(items, anchors)]
    for file, lines in files.items():
        parts += [f"<h2>{escape(file)}</h2>", '<table class="source">']
        parts += [_source_row(line, anchors[file]) for line in lines]
        parts.append("</table>")
    return _page(f"Parser coverage of {coverage.program.source}", parts)


def _page(title: str, parts: Iterable[str]) -> str:
    head = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>{_STYLE}'
    return "\n".join([head, f"<h1>{escape(title)}</h1>", *parts, "</html>"]) + "\n"


# ---------------------------------------------------------------------------------------------------- totals
def _totals_table(first: str, rows: Iterable[str]) -> str:
    heads = "".join(f"<th>{head}</th>" for head in (first, "packets", *(f"{kind}s" for kind in KINDS), "coverage"))
    return f'<table class="totals"><tr>{heads}</tr>{"".join(rows)}</table>'


def _totals_row(first: str, packets: str, items: list[CoverageItem]) -> str:
    shares = [str(share(item for item in items if item.kind == kind)) for kind in KINDS]
    cells = "".join(f"<td>{cell}</td>" for cell in (first, packets, *shares, _bar(share(items))))
    return f"<tr>{cells}</tr>"


def _bar(reached: Share) -> str:
    return f'{int(reached.percent)}%<span class="bar"><i style="width:{reached.percent:.0f}%"></i></span>'


# ---------------------------------------------------------------------------------------------------- items
def _missed(coverage: ParserCoverage, anchors: dict[str, str]) -> Iterator[str]:
    """Yield a list of the states of which something was missed, each with what that is."""
    missed = coverage.missed()
    if not missed:
        return
    yield "<h2>Missed</h2><ul>"
    for state, items in missed.items():
        whole = items[0].kind == "state"
        what = "never reached" if whole else ", ".join(_link(item.label, item.location, anchors) for item in items)
        yield f"<li>{_link(state, items[0].location, anchors) if whole else escape(state)}: {what}</li>"
    yield "</ul>"


def _all_items(items: list[CoverageItem], anchors: dict[str, str]) -> Iterator[str]:
    yield f"<details><summary>How often each of the {len(items)} was reached</summary><table>"
    for item in items:
        yield f"<tr><td>{item.kind} {_link(item.name, item.location, anchors)}</td><td>{item.hits}</td></tr>"
    yield "</table></details>"


def _link(text: str, location: Location | None, anchors: dict[str, str]) -> str:
    if location is None or location.file not in anchors:
        return escape(text)
    return f'<a href="#{anchors[location.file]}l{location.line}">{escape(text)}</a>'


# ---------------------------------------------------------------------------------------------------- source
def _source_row(line: Line, anchor: str) -> str:
    reached = share(line.items)
    kind = "" if not reached.all else "hit" if reached.hit == reached.all else "partly" if reached.hit else "missed"
    hits = "" if line.hits is None else str(line.hits)
    about = escape("\n".join(f"{item.hits} {item.kind} {item.name}" for item in line.items))
    opening = f'<tr id="{anchor}l{line.number}"' + (f' class="{kind}" title="{about}"' if kind else "")
    return f"{opening}><td>{line.number}</td><td>{hits}</td><td>{escape(line.text)}</td></tr>"
