"""The cases with Open vSwitch: its userspace datapath, in the bench's own namespace and directories.

The daemons are ours alone: their database, sockets and logs are in a temporary directory, and they die with us.  The
distribution's package is all it takes; its service is neither used nor disturbed.  Read by ``cases.py``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from datapath import NotSupportedError, SetupError, WaitTimeoutError
from testbed.bench import traffic
from testbed.bench.case import Forwarder
from testbed.bench.rig import SWITCH_CPU, Rig, stop_process
from testbed.bench.scratch_folder import scratch_folder
from testbed.wait import wait_until

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
START_TIMEOUT_S = 15.0
_PROGRAMS = ("ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl")


@contextmanager
def afxdp() -> Iterator[Forwarder]:
    """Open vSwitch with ``type=afxdp`` ports, native mode, one polling thread."""
    with _open_vswitch(("type=afxdp", "options:xdp-mode=native", "options:n_rxq=1")) as forwarder:
        forwarder.details["xdp_mode"] = "native, copy"
        yield forwarder


@contextmanager
def afpacket() -> Iterator[Forwarder]:
    """Open vSwitch with AF_PACKET ports, which its main thread serves."""
    with _open_vswitch(("type=system",)) as forwarder:
        forwarder.details["xdp_mode"] = "none"
        yield forwarder


@contextmanager
def _open_vswitch(interface_settings: tuple[str, ...]) -> Iterator[Forwarder]:
    _check_installed()
    with ExitStack() as stack:
        directory = stack.enter_context(scratch_folder())
        rig = stack.enter_context(Rig())
        switch = _Daemons(rig, directory, stack)
        switch.vsctl("--no-wait", "init")
        switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"other_config:pmd-cpu-mask={1 << SWITCH_CPU:#x}")
        switch.start_vswitchd(stack)
        switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
        for number, port in ((1, "p1"), (2, "p2")):
            switch.add_port(port, number, interface_settings)
        flows = directory / "flows"
        flows.write_text("".join(f"{flow}\n" for flow in traffic.router_flows()))
        switch.run("ovs-ofctl", "add-flows", "br0", str(flows))
        version = switch.run("ovs-vswitchd", "--version").splitlines()[0]
        yield Forwarder(rig, details={"version": version}, polling_pids=(switch.vswitchd_pid,))


class _Daemons:
    """``ovsdb-server`` and ``ovs-vswitchd`` with a directory of their own."""

    def __init__(self, rig: Rig, directory: Path, stack: ExitStack) -> None:
        self._rig = rig
        self._directory = directory
        self._environment: Mapping[str, str] = {
            f"OVS_{kind}DIR": str(directory) for kind in ("RUN", "LOG", "DB", "SYSCONF")
        }
        self.vswitchd_pid = 0
        database = str(directory / "conf.db")
        self.run("ovsdb-tool", "create", database, str(SCHEMA))
        self._start(stack, "ovsdb-server", database, f"--remote=punix:{directory}/db.sock", "--unixctl=db.ctl")
        wait_until(lambda: (directory / "db.sock").exists(), START_TIMEOUT_S, what="ovsdb-server's socket")

    def start_vswitchd(self, stack: ExitStack) -> None:
        """Start the switch and wait until it answers."""
        control = self._directory / "vswitchd.ctl"
        command = ("ovs-vswitchd", f"unix:{self._directory}/db.sock", f"--unixctl={control}")
        self.vswitchd_pid = self._start(stack, *command)
        try:
            wait_until(control.exists, START_TIMEOUT_S, what="ovs-vswitchd")
        except WaitTimeoutError as error:
            raise SetupError(f"ovs-vswitchd did not start: {self._log_tail()}") from error

    def _start(self, stack: ExitStack, *command: str) -> int:
        with open(self._directory / f"{command[0]}.out", "wb") as log:
            process = self._rig.start(*command, log=log, environment=self._environment)
        stack.callback(stop_process, process)
        return process.pid

    def run(self, *command: str) -> str:
        """Run one of Open vSwitch's commands on these daemons."""
        return self._rig.run(*command, environment=self._environment)

    def vsctl(self, *arguments: str) -> str:
        """Change the configuration."""
        return self.run("ovs-vsctl", "--timeout=15", f"--db=unix:{self._directory}/db.sock", *arguments)

    def add_port(self, name: str, number: int, settings: tuple[str, ...]) -> None:
        """Add a port and see that the switch really opened it."""
        self.vsctl("add-port", "br0", name, "--", "set", "interface", name, f"ofport_request={number}", *settings)
        opened = self.vsctl("get", "interface", name, "ofport").strip()
        if opened != str(number):
            error = self.vsctl("get", "interface", name, "error").strip()
            raise NotSupportedError(f"Open vSwitch port with {settings[0]}", f"{error}; {self._log_tail()}")

    def _log_tail(self) -> str:
        log = self._directory / "ovs-vswitchd.out"
        return " | ".join(log.read_text(errors="replace").splitlines()[-3:]) if log.exists() else "no log"


def _check_installed() -> None:
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if missing or not SCHEMA.exists():
        raise NotSupportedError("Open vSwitch", "ci/setup --bench installs openvswitch-switch")
