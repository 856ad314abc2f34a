"""Hints for names that are not known: what was meant, or where it is declared.

Used by the type checker and the parser, when they report one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from datapath.p4.source import did_you_mean

INCLUDE_DIR = Path(__file__).resolve().parent.parent / "include"
STATEMENT_WORDS = ("transition", "if", "else", "return", "default", "true", "false", "error", "select", "state")
DECLARATIONS = (
    "header",
    "header_union",
    "struct",
    "parser",
    "control",
    "extern",
    "package",
    "enum",
    "typedef",
    "const",
)
_DECLARED = r"(?:{}|\btype\b[^;{{}}]*|\btypedef\b[^;{{}}]*|\bextern\b[^;{{}}(]*)\s+{}\b\s*[<({{;]"
_KINDS = r"\b(?:extern|struct|header|parser|control|package|enum(?:\s+\w+<\d+>)?|action|const\s+\S+)"


def unknown_hint(name: str, known: Iterable[str], in_parser: bool) -> str:
    """Return what to do about an unknown name, "" if there is nothing to say."""
    shipped = shipped_in(name)
    if shipped:
        return f"#include <{shipped}> declares it"
    c_type = re.fullmatch(r"(u?)int(\d+)(?:_t)?", name)
    if c_type:
        return f"write {'bit' if c_type[1] else 'int'}<{c_type[2]}>"
    if name == "goto":
        return "write 'transition' and the state"
    hint = did_you_mean(name, [*known, *(STATEMENT_WORDS if in_parser else ())])
    if not hint and re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
        hint = f"if it is a macro, define it: -D {name}=..."
    return hint


def shipped_in(name: str) -> str:
    """Return the include file that ships and declares this name, "" if none does; core.p4 before all others."""
    if name in ("exact", "ternary", "lpm", "packet_in", "packet_out"):
        return "core.p4"
    pattern = re.compile(_DECLARED.format(_KINDS, re.escape(name)))
    for path in (INCLUDE_DIR / "core.p4", *sorted(INCLUDE_DIR.glob("*.p4"))):
        if pattern.search(path.read_text(encoding="utf-8")):
            return path.name
    return ""


def misspelt(word: str, words: Iterable[str]) -> str:
    """Return the keyword that was meant, "" if none is like the word."""
    hint = did_you_mean(word, words)
    return re.sub(r"did you mean '(.*)'\?", r"\1", hint)
