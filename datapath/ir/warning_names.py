"""The one registry of warnings: the name behind ``-W``, and what it tells.

Whoever warns (``p4/``, ``passes/``) gives one of these names; ``cli/warning_options.py`` switches them.  All are on by
default, so none may fire on sensible programs written for other architectures.
"""

from __future__ import annotations

WARNINGS = {
    "changed-header": "the parser itself changes a header: flows see the change, the packet keeps its bytes",
    "checksum": "a checksum cannot be kept up to date, for the reason given",
    "directive": "the program says so itself (#warning)",
    "endless-loop": "no path leads from a loop to accept or reject: only its bound ends it",
    "generic-parser": "a parser has type parameters, which the language does not have, though p4c does",
    "invalid-read": "the parser reads a field of a header that no packet has there: it is always zero",
    "left-out-call": "a call of an extern is left out, since it gives nothing that the parser uses",
    "missing-transition": "a state has no transition, so it rejects the packet",
    "overflow": "a constant does not fit its type",
    "shadowed-arm": "a select arm is never taken: an earlier one takes all that it matches",
    "skipped-part": "a fault in a control, action, table or function that this switch does not run",
    "unaligned-header": "a header may begin inside a byte: flows can match on it, but not set it",
    "unextracted-header": "no state extracts a header, so no flow can match on it",
    "unreachable-state": "no path from the start leads to a state",
    "unset-metadata": "a metadata field is never set by a program that consists of its parser, so it is always zero",
    "unused-variable": "a local variable is never read",
}
