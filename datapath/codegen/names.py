"""C names for headers, states and variables: readable, unique, and the same in every run."""

from __future__ import annotations

import re
from collections.abc import Iterable

KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "asm",
        "typeof",
        "linux",
        "unix",
    ]
)


def c_name(path: str) -> str:
    """Return a C identifier close to a path: ``vlan[0]`` is ``vlan_0``, ``meta.vrf`` is ``meta_vrf``."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", path.replace("#", "_")).strip("_") or "x"
    return f"_{name}" if name[0].isdigit() or name in KEYWORDS else name


def c_names(paths: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a unique C identifier for each path.

    Args:
        paths: What to name; earlier ones get the plainer names.
        taken: Identifiers that are in use already.
    """
    used = set(taken)
    names: dict[str, str] = {}
    for path in paths:
        name, n = c_name(path), 2
        while name in used:
            name, n = f"{c_name(path)}_{n}", n + 1
        used.add(name)
        names[path] = name
    return names
