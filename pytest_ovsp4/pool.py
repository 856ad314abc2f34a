"""The running networks of a pytest session: started on first use, restarted when they died, stopped at the end.

Fed by the ``network`` fixture; one network runs at a time, since tests are ordered by network.  pytest-xdist workers
have a pool each, and networks of one name run side by side (each names itself with its process).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from datapath.errors import NotSupportedError
from pytest_ovsp4.options import load_topology
from testbed.network import Network


@dataclass(frozen=True)
class NetworkKey:
    """Which network a test runs on."""

    topology: str  # specification, as in --topology
    datapath: str

    def __str__(self) -> str:
        return f"{self.topology}-{self.datapath}"


class Pool:
    """Gives out the network of a key, at most one alive at a time."""

    def __init__(self, results_dir: Path, require: bool) -> None:
        self._results_dir = results_dir
        self._require = require
        self._key: NetworkKey | None = None
        self._network: Network | None = None
        self._unsupported: dict[NetworkKey, str] = {}

    def get(self, key: NetworkKey) -> Network:
        """Return the running network of ``key``; start it if it is not running or has died.

        Skips the test where the machine lacks a feature that the network needs (fails in require mode).
        """
        if key in self._unsupported:
            self.lack(self._unsupported[key])
        if self._network is not None and (self._key != key or not self._network.is_running):
            self.stop()
        if self._network is None:
            try:
                self._network = Network.start(load_topology(key.topology), key.datapath)
                self._network.wait_reachable()
            except NotSupportedError as error:
                self.stop()
                self._unsupported[key] = str(error)
                self.lack(str(error))
            except BaseException:
                self.stop()
                raise
            self._key = key
        return self._network

    def lack(self, reason: str) -> None:
        """Skip the running test, or fail it in require mode."""
        if self._require:
            pytest.fail(f"--topology-require: {reason}", pytrace=False)
        pytest.skip(reason)

    def stop(self) -> None:
        """Stop the running network, if any."""
        network, self._network, self._key = self._network, None, None
        if network is not None:
            network.stop()
