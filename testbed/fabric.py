"""The namespace in which all switch ports of a network live, and the ``vswitchd`` that owns it.

Made by ``network.py``, one for each network.  Switches that are made without one (plain Mininet, ``mn --custom``) share
the one that ``join`` starts at the first and ``leave`` stops after the last.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from datapath import Client, SetupError, start_vswitchd
from testbed.interfaces import prepare_namespace
from testbed.namespaces import Namespace

_counter = itertools.count(1)


def unique_name(stem: str) -> str:
    """Return a network name that nobody else on this machine has: ``leaf-spine-4711``, then ``leaf-spine-4711.2``."""
    number = next(_counter)
    return f"{stem}-{os.getpid()}" + (f".{number}" if number > 1 else "")


class Fabric:
    """A running ``vswitchd`` with its namespace."""

    def __init__(self, name: str, log_file: Path | None = None) -> None:
        """Start it.

        Args:
            name: the network's name, under which ``ovsp4`` finds it.
            log_file: where the daemon's messages go; by default to standard error.
        """
        self.vswitchd = start_vswitchd(name, log_file)
        self.name = self.vswitchd.name
        self.pid = self.vswitchd.pid
        try:
            self.namespace = Namespace.of(self.pid)
            self.namespace.call(prepare_namespace)
        except BaseException:
            self.vswitchd.stop()
            raise

    @property
    def client(self) -> Client:
        return self.vswitchd.client

    def stop(self) -> None:
        """Stop the daemon; its namespace and all ports go with it.  May be called twice."""
        self.vswitchd.stop()
        self.namespace.close()


_shared: Fabric | None = None
_n_users = 0


def join() -> Fabric:
    """Return the fabric shared by switches that were given none, starting it if need be."""
    global _shared, _n_users
    if _shared is None:
        if os.geteuid() != 0:
            raise SetupError("a network takes root: run with sudo")
        _shared = Fabric(unique_name("mininet"))
    _n_users += 1
    return _shared


def leave() -> None:
    """Stop the shared fabric when its last user leaves."""
    global _shared, _n_users
    _n_users -= 1
    if _n_users == 0 and _shared is not None:
        with contextlib.suppress(SetupError):
            _shared.stop()
        _shared = None
