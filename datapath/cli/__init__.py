"""The switch's verbs of the ``ovsp4`` command; ``testbed/cli.py`` adds its own and runs them.

Each module here has ``add_verbs(subparsers)``, which only declares: what a verb needs is imported when it runs, so that
``ovsp4 --help`` costs nothing.  A verb is a function of the parsed arguments that returns the exit status.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

MODULES = ("compile", "graph", "layout", "parse", "paths", "switch")


def add_verbs(subparsers: Any) -> None:
    """Declare all verbs of the switch.

    Args:
        subparsers: What ``ArgumentParser.add_subparsers`` returned.
    """
    for module in MODULES:
        import_module(f"datapath.cli.{module}").add_verbs(subparsers)
