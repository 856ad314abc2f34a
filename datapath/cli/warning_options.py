"""``-W``: which warnings are told, and which are errors; as compilers have it.

``-W NAME`` and ``-Wno-NAME`` switch a warning on and off, ``-Werror`` makes all errors, ``-Werror=NAME`` one (and
switches it on), ``-Wno-error=NAME`` makes one a warning again.  NAME may be ``all``; what stands later wins, but a
NAME wins over ``-Werror``.  The names are those of ``ir/warning_names.py``.
"""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from datapath.errors import Diagnostic, OvsP4Error
from datapath.ir.warning_names import WARNINGS


def add_warning_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``-W``."""
    parser.add_argument(
        "-W",
        dest="warnings",
        action="append",
        default=[],
        metavar="NAME",
        help="tell warning NAME; -Wno-NAME: do not; -Werror, -Werror=NAME: treat as errors "
        "(ovsp4 compile --help-warnings lists them)",
    )


class HelpWarnings(argparse.Action):
    """``--help-warnings``: like ``--help``, it answers and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        print(help_text(), end="")
        parser.exit()


def help_text() -> str:
    """Return what there is to warn of."""
    lines = ["Warnings, all on by default; -Wno-NAME switches one off, -Werror=NAME makes it an error:"]
    for name, text in sorted(WARNINGS.items()):
        first, *rest = textwrap.wrap(text, 94)
        lines += [f"  {name:<20}{first}", *(" " * 22 + line for line in rest)]
    return "\n".join(lines) + "\n"


class WarningOptions:
    """What the values of ``-W`` say, in order."""

    def __init__(self, values: Iterable[str]) -> None:
        """Read the values.

        Raises:
            OvsP4Error: A name that no warning has.
        """
        self.told = dict.fromkeys(WARNINGS, True)
        self.all_errors = False
        self.errors: dict[str, bool] = {}
        for value in values:
            self._read(value)

    def _read(self, value: str) -> None:
        wanted, name = not value.startswith("no-"), value.removeprefix("no-")
        if name == "error":
            self.all_errors = wanted
            self.errors = {}
            return
        if name.startswith("error="):
            for one in self._names(name.removeprefix("error="), value):
                self.errors[one] = wanted
                self.told[one] = self.told[one] or wanted
            return
        for one in self._names(name, value):
            self.told[one] = wanted

    def _names(self, name: str, value: str) -> list[str]:
        if name == "all":
            return list(WARNINGS)
        if name not in WARNINGS:
            close = difflib.get_close_matches(name, WARNINGS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "ovsp4 compile --help-warnings lists them"
            raise OvsP4Error(f"-W{value}: there is no warning '{name}'; {hint}")
        return [name]

    def apply(self, warnings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return those warnings that are told, with severity "error" where they are errors."""
        told = [w for w in warnings if self.told.get(w.name, True)]
        return [replace(w, severity="error") if self.errors.get(w.name, self.all_errors) else w for w in told]
