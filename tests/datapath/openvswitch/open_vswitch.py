"""A real Open vSwitch to compare with: its userspace datapath with dummy ports, private to one test run.

Dummy ports take packets by a management command and write what they send to pcap files, and the clock can be stopped:
this is how Open vSwitch tests itself.  Daemons, database and sockets live in one temporary directory and a network
namespace without interfaces, and die with this process.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS = ("ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl")
DEADLINE_S = 10.0
_SENTINEL_IN, _SENTINEL_OUT = "p8", "p9"  # ports of a second bridge
_SENTINEL = bytes(12) + b"\x88\xb5" + bytes(46)  # IEEE's EtherType for local experiments


class OvsError(Exception):
    """Open vSwitch refused something; carries its words."""


def missing() -> str:
    """Return why Open vSwitch cannot be started here, or ""."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent or not SCHEMA.exists():
        return "Open vSwitch is not installed: ci/setup --bench"
    return "" if os.geteuid() == 0 else "needs root: network namespaces"


class OpenVSwitch:
    """Bridge ``br0`` with ports 1 .. n; it speaks OpenFlow 1.3, with Open vSwitch's extensions."""

    def __init__(self, n_ports: int) -> None:
        self.ports = range(1, n_ports + 1)
        self._stack = ExitStack()
        self._groups: tuple[str, ...] = ()
        try:
            self._directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ovsp4-ovs-")))
            self._environment = {f"OVS_{kind}DIR": str(self._directory) for kind in ("RUN", "LOG", "DB", "SYSCONF")}
            self._start_daemons()
            self._control = self._stack.enter_context(connect(self._directory / "vswitchd.ctl"))
            self._control.settimeout(DEADLINE_S)
            self._add_bridge("br0", [f"p{number}" for number in self.ports])
            self._add_bridge("sentinel", [_SENTINEL_IN, _SENTINEL_OUT])
            self.ofctl("add-flow", "sentinel", "in_port=1,actions=output:2")
            self.set_frags("nx-match")
            names = [f"p{number}" for number in self.ports]
            self._pcaps = {name: self._stack.enter_context(self._pcap(name)) for name in [*names, _SENTINEL_OUT]}
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> OpenVSwitch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # ------------------------------------------------------------------------------------------------ processes
    def _start_daemons(self) -> None:
        directory = self._directory
        self._run("ovsdb-tool", "create", str(directory / "conf.db"), str(SCHEMA))
        remote = f"unix:{directory}/db.sock"
        self._start("ovsdb-server", str(directory / "conf.db"), f"--remote=p{remote}", "--unixctl=db.ctl")
        connect(directory / "db.sock").close()
        self._run("ovs-vsctl", f"--db={remote}", "--no-wait", "init")
        control = f"--unixctl={directory}/vswitchd.ctl"
        self._start("ovs-vswitchd", remote, control, "--enable-dummy=override", "--disable-system")
        connect(directory / "vswitchd.ctl").close()
        # Else it sees no further than the first of two tags.
        self._vsctl("set", "Open_vSwitch", ".", "other_config:vlan-limit=2")

    def _start(self, *command: str) -> None:
        with open(self._directory / f"{command[0]}.out", "wb") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", *command],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._stack.callback(_stop, process)

    @staticmethod
    def _wait_for(path: Path) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not path.exists():
            assert time.monotonic() < deadline, f"Open vSwitch did not start: no {path.name}"
            time.sleep(0.005)

    def _run(self, *command: str, stdin: str = "") -> str:
        """Run one of Open vSwitch's commands and return what it printed."""
        done = subprocess.run(
            command,
            input=stdin,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        if done.returncode:
            raise OvsError(done.stderr.strip())
        return done.stdout

    def _vsctl(self, *arguments: str) -> None:
        self._run("ovs-vsctl", "--timeout=10", f"--db=unix:{self._directory}/db.sock", *arguments)

    def _add_bridge(self, bridge: str, ports: Sequence[str]) -> None:
        command = ["add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=dummy", "fail_mode=secure"]
        for number, port in enumerate(ports, 1):
            pcap = f"options:tx_pcap={self._directory}/{port}.pcap"
            interface = ("interface", port, "type=dummy", f"ofport_request={number}", pcap)
            command += ["--", "add-port", bridge, port, "--", "set", *interface]
        self._vsctl(*command)

    # ------------------------------------------------------------------------------------------------ commands
    def ofctl(self, verb: str, *arguments: str, stdin: str = "", protocol: str = "OpenFlow13") -> str:
        """Run ``ovs-ofctl``.

        Raises:
            OvsError: It refused.
        """
        return self._run("ovs-ofctl", "-O", protocol, verb, *arguments, stdin=stdin)

    def appctl(self, method: str, *parameters: str) -> str:
        """Give the daemon a management command; it is carried out by the thread that also forwards."""
        self._control.sendall(json.dumps({"id": 0, "method": method, "params": parameters}).encode())
        text = ""
        while True:
            text += self._control.recv(65536).decode()
            try:
                reply = json.loads(text)
            except json.JSONDecodeError:
                continue
            if reply["error"]:
                raise OvsError(reply["error"])
            return str(reply["result"])

    def load(self, flows: Sequence[str], groups: Sequence[str] = ()) -> None:
        """Replace all flows and groups.

        Flows go first: version 3.1.0 aborts when a group is deleted that a flow names twice (``ofproto.c``, "assertion
        rule->state == RULE_INSERTED failed").
        """
        self.forget_megaflows()  # else packets may go by the old tables for a while
        if groups or self._groups:
            self.ofctl("del-flows", "br0")
            self.ofctl("del-groups", "br0")
            self.ofctl("add-groups", "br0", "-", stdin="\n".join(groups))
        self._groups = tuple(groups)
        self.ofctl("add-flows", "br0", "-", stdin="\n".join(["delete", *flows]))

    def forget_megaflows(self) -> None:
        """Throw the datapath's megaflows away; their counters go to the flows first.

        A purge leaves out those that a revalidator is just looking at (``revalidator_sweep__`` tries their locks).
        """
        deadline = time.monotonic() + DEADLINE_S
        self.appctl("revalidator/purge")
        while self.appctl("dpctl/dump-flows"):
            assert time.monotonic() < deadline, "Open vSwitch keeps megaflows"
            self.appctl("revalidator/purge")

    def set_frags(self, mode: str) -> None:
        """Say what flows see of fragments: the first one's ports (``nx-match``), or none (``normal``, the default)."""
        self.ofctl("set-frags", "br0", mode)

    # ------------------------------------------------------------------------------------------------ packets
    def forward(self, packets: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Let packets in and return what comes out.

        Args:
            packets: (in_port, frame).

        Returns:
            (port, frame), by port, in order of departure.
        """
        for port, packet in packets:
            self.appctl("netdev-dummy/receive", f"p{port}", packet.hex())
        self._wait_until_forwarded(len(packets))
        return [(number, packet) for number in self.ports for packet in self._sent_by(f"p{number}")]

    def _wait_until_forwarded(self, n_packets: int) -> None:
        """In each round the daemon takes as much from one port as from another, so the last sentinel is the last."""
        n_left = n_packets + 1
        for _ in range(n_left):
            self.appctl("netdev-dummy/receive", _SENTINEL_IN, _SENTINEL.hex())
        deadline = time.monotonic() + DEADLINE_S
        while n_left:
            n_left -= len(self._sent_by(_SENTINEL_OUT))
            assert time.monotonic() < deadline, "Open vSwitch does not forward"
        self.appctl("version")  # answered when the round is over

    def _pcap(self, port: str) -> PcapTail:
        path = self._directory / f"{port}.pcap"
        self._wait_for(path)
        return PcapTail(path)

    def _sent_by(self, port: str) -> list[bytes]:
        return self._pcaps[port].read()


class PcapTail:
    """Reads what is appended to a pcap file.

    Source: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
    """

    _FILE_HEADER, _RECORD = 24, struct.Struct("=IIII")  # seconds, microseconds, captured size, size

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._pending = b""
        self._n_skip = self._FILE_HEADER

    def __enter__(self) -> PcapTail:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> list[bytes]:
        """Return the packets since the last call."""
        self._pending += self._file.read()
        if self._n_skip and len(self._pending) >= self._n_skip:
            self._pending, self._n_skip = self._pending[self._n_skip :], 0
        packets = []
        while not self._n_skip and len(self._pending) >= self._RECORD.size:
            _, _, size, _ = self._RECORD.unpack_from(self._pending)
            end = self._RECORD.size + size
            if len(self._pending) < end:
                break
            packets.append(self._pending[self._RECORD.size : end])
            self._pending = self._pending[end:]
        return packets


def parse_dump(text: str) -> list[Mapping[str, str]]:
    """Split ``dump-flows`` into name -> value as scripts do, by commas and spaces; ``actions`` takes the rest."""
    flows = []
    for line in text.splitlines():
        head, found, actions = line.partition("actions=")
        if not found:
            continue
        items = [item.partition("=") for item in head.replace(",", " ").split()]
        flows.append({**{name: value for name, _, value in items}, "actions": actions})
    return flows


def connect(path: Path) -> socket.socket:
    """Connect to a daemon that is starting: a socket's file is there before anybody listens at it."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            if time.monotonic() > deadline:
                raise OvsError(f"Open vSwitch did not start: nobody listens at {path.name}") from error
            time.sleep(0.005)
        else:
            return connection


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
