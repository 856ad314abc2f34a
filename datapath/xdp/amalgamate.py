"""Joins a generated program, the runtime headers and an XDP main file into the one text that BCC compiles.

BCC rewrites its map syntax only in its main file, and the verifier's log names lines of one file.  Used by
``loader.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

XDP_DIR = Path(__file__).parent
RUNTIME_DIR = XDP_DIR.parent / "runtime"
RUNTIME_HEADERS = ("dp.h", "drop.h", "checksum.h", "hash.h", "actions.h")

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"[^\n]*$', re.MULTILINE)


def switch_source(program: str, n_cpus: int = 1) -> str:
    """Return the whole switch for a generated program.

    Args:
        program: C source as ``codegen`` emits it.
        n_cpus: Processors to keep counters for.

    Returns:
        One text without quoted includes.
    """
    target = f'#define N_CPUS {n_cpus}\n#include "ctx/xdp.h"'
    return join([target, program, *(f'#include "{h}"' for h in RUNTIME_HEADERS), read("main.c")])


def xdp_source(program: str) -> str:
    """Return a program, a generated parser and what follows it, with all that it includes, for XDP."""
    return join(['#include "ctx/xdp.h"', program])


def read(name: str) -> str:
    """Return the text of one of this folder's C files."""
    return (XDP_DIR / name).read_text()


def join(parts: list[str]) -> str:
    """Join texts in order, each quoted include replaced once by the file's content."""
    seen: set[str] = set()
    return "\n".join(_expand(part, seen) for part in parts)


def _expand(text: str, seen: set[str]) -> str:
    """Replace the quoted includes of ``text``, those of what they include too."""

    def content(match: re.Match[str]) -> str:
        path = _find(match[1])
        if path.name in seen:
            return ""
        seen.add(path.name)
        return _expand(path.read_text(), seen)

    return _INCLUDE.sub(content, text)


def _find(name: str) -> Path:
    """Return the file that a quoted include means."""
    for directory in (RUNTIME_DIR, RUNTIME_DIR / "ctx", XDP_DIR):
        if (directory / name).is_file():
            return directory / name
    raise AssertionError(f'nothing of ours is called "{name}"')
