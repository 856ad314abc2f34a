"""Makes ``docs/p4-conformance.md``: per construct of the language, whether it is supported and by which case that is
tested.  ``ci/conformance`` is its command.

Each row is found out, not written down: the case is compiled, and its packets go through the reference model and the
userspace engine (the XDP engine in ``test_conformance.py``, since that needs root).
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]

from p4_cases import Case, cases_in, check_diagnostics, check_packets, exit_status  # noqa: E402

FOLDERS = (HERE, HERE.parent / "semantics")
TABLE = HERE.parents[2] / "docs" / "p4-conformance.md"
HEAD = """\
# Conformance to P4_16

What of the language parsers may use, and the case that tests it: a small program in `tests/datapath/conformance` whose
first comment names the construct and says what each packet parses to, checked on the reference model, the userspace
engine and XDP. Made by `ci/conformance --write`; do not edit. [p4-semantics.md](p4-semantics.md) goes through the
specification's chapter on packet parsing point by point.

`exit` is that of `ovsp4 compile`, the same for `--target user` and `--target xdp`: 2 with a diagnostic where a
construct is not supported, or where refusing it is what conforms.

| construct | supported | exit | packets | case |
|---|---|---|---|---|
"""


def verdict(case: Case) -> str:
    """Compile a case and run its packets; returns the cell of the table.

    Raises:
        AssertionError: It is not as the case says.
    """
    check_diagnostics(case)
    if case.exit == 0:
        check_packets(case, "reference")
        check_packets(case, "user")
    return "no" if case.unsupported else "refused, as it must be" if case.exit else "yes"


def table() -> str:
    """Return the document."""
    rows = []
    for folder in FOLDERS:
        for case in cases_in(folder):
            supported = verdict(case) if case.constructs else ""
            rows += [_row(construct, supported, case) for construct in case.constructs]
    rows.sort(key=lambda row: row.lower().replace("`", ""))
    return HEAD + "".join(rows)


def _row(construct: str, supported: str, case: Case) -> str:
    cells = [construct.replace("|", "\\|"), supported, str(exit_status(case)), str(len(case.packets) or ""), case.name]
    return "| " + " | ".join(cells) + " |\n"


def main(arguments: list[str]) -> int:
    """Compare with the committed table, or write it; 1 if it differs."""
    made = table()
    if arguments == ["--write"]:
        TABLE.write_text(made)
        return 0
    if arguments:
        print("usage: ci/conformance [--write]", file=sys.stderr)
        return 2
    if TABLE.exists() and TABLE.read_text() == made:
        return 0
    print(made, end="")
    print(f"{TABLE} is not what the cases make; ci/conformance --write does it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
