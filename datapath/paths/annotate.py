"""Shows parser coverage in the source: before each line that packets can reach, how often they did.

Fed by ``coverage.py``; the pytest plugin writes the files.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from datapath.paths.coverage import ParserCoverage

MISSED = "#####"  # as gcov has it
Line = tuple[int, int | None, str]  # number, hits of what was reached least there (None: nothing to reach), text

_STYLE = """<style>body{font-family:monospace;white-space:pre;tab-size:4}
.hit{background:#dfd}.missed{background:#fcc}i{color:#888;font-style:normal}</style>"""


def annotate(coverage: ParserCoverage) -> str:
    """Return the sources as text: hits, line number, line."""
    parts = []
    for file, lines in _files(coverage):
        rows = [f"{_count(hits):>9}:{number:5}: {text}".rstrip() for number, hits, text in lines]
        parts.append("\n".join([f"{'-':>9}:    0: {file}", *rows]))
    return "\n".join(parts) + "\n"


def annotate_html(coverage: ParserCoverage) -> str:
    """Return the sources as a page, what was missed in red."""
    parts = [f'<!DOCTYPE html><meta charset="utf-8"><title>{html.escape(coverage.program.source)}</title>{_STYLE}']
    for file, lines in _files(coverage):
        parts.append(f"<b>{html.escape(file)}</b>")
        for number, hits, text in lines:
            kind = "" if hits is None else ' class="hit"' if hits else ' class="missed"'
            count = "" if hits is None else hits
            parts.append(f"<i>{count:>9} {number:5} </i><span{kind}>{html.escape(text)}</span>")
    return "\n".join(parts) + "\n"


def _count(hits: int | None) -> str:
    return "-" if hits is None else str(hits) if hits else MISSED


def _files(coverage: ParserCoverage) -> Iterator[tuple[str, list[Line]]]:
    """Yield each source file that has a part of the parser, with its lines."""
    hits: dict[str, dict[int, int]] = {}
    for item in coverage.items():
        if item.location is not None:
            lines = hits.setdefault(item.location.file, {})
            lines[item.location.line] = min(item.hits, lines.get(item.location.line, item.hits))
    for file, counts in hits.items():
        try:
            text = Path(file).read_text(errors="replace")
        except OSError:
            continue  # it was moved since it was compiled
        yield file, [(n, counts.get(n), line) for n, line in enumerate(text.splitlines(), 1)]
