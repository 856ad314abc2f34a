"""Imports Mininet without its side effects, and hands on the parts of it that the testbed builds on.

Mininet 2.3.0 sets the process's logger class when it is imported (INFO messages of loggers made later vanish), warns
about distutils on Python 3.11, and needs it on 3.12, where it is gone.  Everything of ours imports Mininet from here.
"""

from __future__ import annotations

import logging
import sys
import types
import warnings

from datapath import NotSupportedError


class _Version:
    """Compares version texts: all that Mininet uses of distutils."""

    def __init__(self, text: str) -> None:
        self._parts = [int(part) if part.isdigit() else 0 for part in text.strip().split(".")]

    def __lt__(self, other: object) -> bool:
        theirs = other if isinstance(other, _Version) else _Version(str(other))
        return self._parts < theirs._parts


def _stand_in_for_distutils() -> None:
    """Make ``from distutils.version import StrictVersion`` work where there is no distutils (Python 3.12)."""
    package, module = types.ModuleType("distutils"), types.ModuleType("distutils.version")
    module.StrictVersion = _Version  # type: ignore[attr-defined]
    package.version = module  # type: ignore[attr-defined]
    sys.modules.setdefault("distutils", package)
    sys.modules.setdefault("distutils.version", module)


_logger_class = logging.getLoggerClass()
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import distutils.version  # noqa: F401
        except ImportError:
            _stand_in_for_distutils()
        from mininet.link import Intf, Link
        from mininet.net import Mininet
        from mininet.node import Host, Node, Switch
        from mininet.util import ensureRoot
except ImportError as error:
    raise NotSupportedError(
        "Mininet cannot be imported", f"{error}; run ci/setup, which installs the distribution's package 'mininet'"
    ) from error
finally:
    logging.setLoggerClass(_logger_class)

__all__ = ["Host", "Intf", "Link", "Mininet", "Node", "Switch", "ensureRoot"]
