"""The running networks of a pytest session: started on first use, restarted when they died, stopped at the end.

Fed by the ``network`` fixture; one network runs at a time, since tests are ordered by network.  pytest-xdist workers
have a pool each, and networks of one name run side by side (each names itself with its process).
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from datapath import FlowError, NotSupportedError, OvsP4Error, P4Error, P4Errors, TopologyError
from pytest_ovsp4.options import load_topology

if TYPE_CHECKING:
    from testbed.network import Network

_MISTAKES = (P4Error, P4Errors, FlowError, TopologyError)  # of whoever wrote the network


@dataclass(frozen=True)
class NetworkKey:
    """Which network a test runs on."""

    topology: str  # specification, as in --topology
    datapath: str

    def __str__(self) -> str:
        file, bracket, parameters = self.topology.partition("[")
        return f"{Path(file).stem}{bracket}{parameters}-{self.datapath}"


class Pool:
    """Gives out the network of a key, at most one alive at a time."""

    def __init__(self, results_dir: Path, require: bool) -> None:
        self._results_dir = results_dir
        self._require = require
        self._key: NetworkKey | None = None
        self._network: Network | None = None
        self._start_s = 0.0
        self._unsupported: dict[NetworkKey, str] = {}
        self._refused: dict[NetworkKey, str] = {}

    def get(self, key: NetworkKey) -> Network:
        """Return the running network of ``key``; start it if it is not running or has died.

        Skips the test where the machine lacks a feature that the network needs (fails in require mode).
        """
        if key in self._unsupported:
            self.lack(self._unsupported[key])
        if key in self._refused:
            pytest.fail(self._refused[key], pytrace=False)
        if self._network is not None and (self._key != key or not self._network.is_running):
            self.stop()
        return self._network or self._start(key)

    def _start(self, key: NetworkKey) -> Network:
        if os.geteuid() != 0:
            self.lack("a network takes root: run pytest with sudo")
        try:
            from pytest_ovsp4.diagnosis import wait_connected
            from testbed.network import Network  # Mininet takes half a second
        except NotSupportedError as error:
            self.lack(str(error))
        topology = load_topology(key.topology)
        log_dir = self._log_dir(key)
        begin = time.monotonic()
        failure: OvsP4Error
        try:
            self._network = Network.start(topology, key.datapath, log_dir)
            self._key = key
            if topology.routing != "none":  # else who reaches whom is the user's business
                wait_connected(self._network)
            self._start_s = time.monotonic() - begin
            return self._network
        except OvsP4Error as error:
            failure = error
            self.stop()
            _remove_if_empty(log_dir)
        except BaseException:
            self.stop()
            raise
        # Out of the handler, or pytest would show the error twice: as itself and as the cause of the test's failure.
        reason = _why_not(failure)
        if reason:
            self._unsupported[key] = reason
            self.lack(reason)
        self._refuse(key, failure)

    def describe(self) -> str:
        """Say in a line what runs: how many switches on which engine, with which program, and how fast it came up."""
        assert self._network is not None
        topology, switches = self._network.topology, self._network.switches.values()
        engines = " and ".join(sorted({switch.engine for switch in switches}))
        reasons = sorted({switch.engine_reason for switch in switches if switch.engine_reason})
        return (
            f"{_several(len(switches), 'switch', 'switches')} on {engines} ({Path(topology.program).stem}), "
            f"{_several(len(topology.hosts), 'host', 'hosts')}, {_several(len(topology.links), 'link', 'links')}; "
            f"up in {self._start_s:.1f} s" + "".join(f"; {reason}" for reason in reasons)
        )

    def _refuse(self, key: NetworkKey, error: OvsP4Error) -> NoReturn:
        """Fail the running test with what is wrong with its network; our own calls on the way tell nobody anything.

        What the user wrote stays wrong: the tests after this one fail at once.
        """
        message = f"the network {key} cannot start: {error}"
        if isinstance(error, _MISTAKES):
            self._refused[key] = message
        pytest.fail(message, pytrace=False)

    def lack(self, reason: str) -> NoReturn:
        """Skip the running test, or fail it in require mode."""
        if self._require:
            pytest.fail(f"--topology-require: {reason}", pytrace=False)
        pytest.skip(reason)

    def _log_dir(self, key: NetworkKey) -> Path:
        """Return where the network's log goes while it runs; what is empty at its end is removed."""
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in str(key))
        return self._results_dir / f"{name}-{os.getpid()}"

    def log_tail(self, n_lines: int = 30) -> str:
        """Return the last lines that the running network's vswitchd has logged."""
        folder = self._network.results_dir if self._network is not None else None
        log = folder / "vswitchd.log" if folder is not None else None
        if log is None or not log.is_file():
            return "(no log)"
        return "\n".join(log.read_text(errors="replace").splitlines()[-n_lines:])

    def stop(self) -> None:
        """Stop the running network, if any."""
        network, self._network, self._key = self._network, None, None
        if network is None:
            return
        network.stop()
        if network.results_dir is not None:
            _remove_if_empty(network.results_dir)


def _several(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _why_not(error: OvsP4Error) -> str:
    """Return what the machine lacks, if that is why a network did not start; "" if it lacks nothing."""
    from testbed.doctor import probe

    lacking = [c for c in probe() if not c.ok and c.needed_for == "everything"]
    if lacking:
        return "; ".join(f"{c.name}: {c.detail} ({c.remedy})" for c in lacking)
    return str(error) if isinstance(error, NotSupportedError) else ""


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder of a log that says nothing, and the results folder around it if nothing else is there."""
    log = folder / "vswitchd.log"
    if log.is_file() and log.stat().st_size == 0:
        log.unlink()
    for empty in (folder, folder.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()
