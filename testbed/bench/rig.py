"""The bench's own namespaces: a sender, the device under test and a receiver, joined by two veth pairs.

    sender           device             receiver
    tx  <──veth──>  p1  forwarder  p2  <──veth──>  rx

All three go when they are closed or this process dies.  Used by ``cases.py`` and the files beside it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Self, TypeVar

from datapath import SetupError
from testbed.interfaces import VethEnd, fit_for_xdp_peer, make_veth, prepare_namespace, set_up
from testbed.namespaces import Namespace

T = TypeVar("T")
SENDER_MAC = "02:00:00:00:00:01"
PORT1_MAC = "02:00:00:00:01:01"  # where the sender's packets go: the router's address on its side
PORT2_MAC = "02:00:00:00:01:02"  # the router's address on the receiver's side
RECEIVER_MAC = "02:00:00:00:00:02"
COMMAND_TIMEOUT_S = 60.0
TRAFFIC_CPU, SWITCH_CPU = 0, 1  # generator and all that the kernel does for its packets; a switch's own threads


class Rig:
    """Sender, device under test and receiver."""

    def __init__(self, device: Namespace | None = None) -> None:
        """Build it.

        Args:
            device: The device's namespace; one of our own by default.
        """
        self._stack = ExitStack()
        try:
            self.sender = self._stack.enter_context(Namespace.create())
            self.receiver = self._stack.enter_context(Namespace.create())
            self.device = self._stack.enter_context(device or Namespace.create())
            self._build(own_device=device is None)
        except BaseException:
            self._stack.close()
            raise

    def _build(self, own_device: bool) -> None:
        for namespace in (self.sender, self.receiver, *((self.device,) if own_device else ())):
            namespace.call(prepare_namespace)
        for host, name, mac, port, port_mac in (
            (self.sender, "tx", SENDER_MAC, "p1", PORT1_MAC),
            (self.receiver, "rx", RECEIVER_MAC, "p2", PORT2_MAC),
        ):
            ends = (VethEnd(name, mac, host), VethEnd(port, port_mac, self.device))
            host.call(lambda ends=ends: make_veth(*ends))  # type: ignore[misc]
            # Both ends get NAPI before either comes up: an interface that comes up first is marked as one whose peer
            # takes no redirected packets, and stays so.
            for configure in (fit_for_xdp_peer, set_up):
                for end in ends:
                    end.namespace.call(lambda name=end.name, do=configure: do(name))  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def in_device(self, function: Callable[[], T]) -> T:
        """Run a function in the device's namespace."""
        return self.device.call(function)

    def run(self, *command: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run a command in the device's namespace; returns what it printed.

        Args:
            command: The program and its arguments.
            environment: Variables to be added.
            stdin: What it reads.

        Raises:
            SetupError: It failed; carries what it said.
        """
        with subprocess.Popen(
            self._entering(command),
            pass_fds=[self.device.fd],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            output, _ = process.communicate(stdin, timeout=COMMAND_TIMEOUT_S)
        if process.returncode:
            raise SetupError(f"{' '.join(command)}: {output.strip()}")
        return output

    def start(
        self, *command: str, log: IO[bytes], cpu: int = SWITCH_CPU, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process in the device's namespace, on one CPU; it dies when we do."""

        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(cpu), *self._entering(command)],
            pass_fds=[self.device.fd],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def _entering(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net=/proc/self/fd/{self.device.fd}", *command]


def stop_process(process: subprocess.Popen[bytes], timeout_s: float = 5.0) -> None:
    """End a process: asked first, then made to."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
