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
"""
COLUMNS = "| construct | supported | exit | packets | case |\n|---|---|---|---|---|\n"
CHAPTERS = {  # of the table: the cases in the order of their rows; numbers are the specification's chapters
    "Preprocessor, names (6)": "preprocessor same_names",
    "Types, constants, annotations (7, 11, 19, 20)": "types constants generics unaligned wide_fields no_bits arrays",
    "Expressions (8, 9)": "expressions signed saturating",
    "Functions and calls (6.8, 10)": "functions arguments",
    "Statements (12)": "statements for_loops for_in_loops for_in_functions",
    "States, select, verify (13.1 to 13.7, 13.11)": "select value_sets verify free_loops",
    "Taking data out of the packet (13.8)": "extract varbit varbit_values varbit_comparison advance_length lookahead",
    "Header stacks and unions (8.18, 8.19, 13.9)": "stacks stack_values unions union_stacks union_stack_moves",
    "Sub-parsers (13.10)": "subparsers recursion",
    "Externs in parsers": "psa checksum_state checksum_units checksum_algorithms tna_checksum v1model_hash "
    "absent_hardware left_out_calls unknown_extern",
    "Architectures, and what a switch skips (14 to 17)": "v1model ebpf_model own_architecture skipped_parts",
}


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
    """Return the document.

    Raises:
        AssertionError: A case is not as it says, or stands in no chapter.
    """
    cases = {case.name: case for folder in FOLDERS for case in cases_in(folder) if case.constructs}
    text = HEAD
    for title, names in CHAPTERS.items():
        text += f"\n## {title}\n{COLUMNS}"
        for case in map(cases.pop, names.split()):
            supported = verdict(case)
            text += "".join(_row(construct, supported, case) for construct in case.constructs)
    assert not cases, f"name {', '.join(cases)} in CHAPTERS"
    return text


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
