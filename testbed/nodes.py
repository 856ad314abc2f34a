"""Mininet's Host and Switch as this testbed needs them: ``OvsP4Host`` and ``OvsP4Switch``.

Both keep Mininet's contract: ``Mininet(host=OvsP4Host, switch=OvsP4Switch, link=OvsP4Link)``, or
``mn --custom testbed/mininet_custom.py --switch ovsp4``.  Their shells die with us (``shell.py``).
A switch node is attached to the fabric namespace of its ``vswitchd`` (``fabric.py``); its ports are interfaces there.

Used by ``network.py``, ``mininet_custom.py``.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datapath import FlowError, OvsP4Error, SetupError
from testbed import fabric as fabrics
from testbed import interfaces
from testbed.capture import Capture
from testbed.fabric import Fabric
from testbed.links import call_in, is_switch_port
from testbed.mininet_import import Host, Switch
from testbed.namespaces import Namespace
from testbed.routing import SwitchRules
from testbed.shell import Command, Life, enter_command, lifeline, spawn
from testbed.traffic import PacketLike, inject

_SHELL_END_TIMEOUT_S = 2.0
_LOOK_AT_SHELL_MS = 100
_PROMPT = chr(127)  # what Mininet takes for it

_MAKES_A_PAIR = re.compile(r"ip link add name \S+ (address \S+ )?type veth peer name \S+ (address \S+ )?netns \d+")


def _run(command: Sequence[str]) -> str:
    """Run a command to its end, and return all it says."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


class _Shell:
    """Replaces how a Mininet node starts and ends its shell; comes before Mininet's class among the bases."""

    life: Life | None = None
    shell: Any
    pid: int

    def startShell(self, mnopts: str | None = None) -> None:
        """Start the shell, and find the process that is in the node's namespaces; on an error nothing is left of it."""
        try:
            super().startShell(mnopts)  # type: ignore[misc]
        except BaseException:
            self.kill_shell()
            if self.stdin is not None:  # type: ignore[attr-defined]  # else Mininet had no time to keep the terminal
                self.terminate()
            raise
        self.pid = self.life.pid if self.life else self.pid

    def _popen(self, cmd: list[str], **params: Any) -> Any:
        """Start a process for the node; the first is its shell."""
        if self.shell is not None or self.life is not None:
            return spawn(cmd, Command, **params)
        return self._start_shell(cmd, **params)

    def _start_shell(self, cmd: list[str], **params: Any) -> Any:
        """Start Mininet's command for the shell."""
        return spawn([*lifeline(), *cmd], **params)

    def read(self, size: int = 1024) -> str:
        """Read the shell's output; Mininet's first call wants the prompt: then the shell is up."""
        if self.life is not None:
            return str(super().read(size))  # type: ignore[misc]
        text = self._read_to_prompt(size)
        self.life = Life(self.shell)
        return text

    def _read_to_prompt(self, size: int) -> str:
        """Read until the shell asks for commands; one that could not be started never does, and Mininet would wait."""
        words = select.poll()  # Mininet's own also waits for room to write
        words.register(self.stdout, select.POLLIN)  # type: ignore[attr-defined]
        text = ""
        while not text.endswith(_PROMPT):
            has_ended = self.shell.poll() is not None
            if words.poll(0 if has_ended else _LOOK_AT_SHELL_MS):
                text += super().read(size)  # type: ignore[misc]
            elif has_ended:
                name = self.name  # type: ignore[attr-defined]
                raise SetupError(
                    f"{name} cannot have a shell in namespaces of its own: {text.strip()}; "
                    "'ovsp4 doctor' tells what this machine lacks"
                )
        return text

    def cmd(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command in the node's shell and return what it says.

        Mininet's own Link makes its pair here, naming the other node by a PID that means nothing in the shell's PID
        namespace; that command runs beside the shell, in the node's network namespace.
        """
        if len(args) == 1 and isinstance(args[0], str) and _MAKES_A_PAIR.fullmatch(args[0]):
            return self.namespace.call(partial(_run, args[0].split()))  # type: ignore[attr-defined]
        return super().cmd(*args, **kwargs)  # type: ignore[misc]

    def popen(self, *args: Any, **kwargs: Any) -> Any:
        """Start a command in the node's namespaces; it ends with the node."""
        kwargs.setdefault("mncmd", enter_command(self.pid))
        return super().popen(*args, **kwargs)  # type: ignore[misc]

    def kill_shell(self) -> None:
        """Kill the shell and all below it, without waiting: the first half of ``terminate``."""
        if self.life is not None:
            self.life.kill()
        elif self.shell is not None:  # it has not said anything yet
            self.shell.kill()

    def terminate(self) -> None:
        """End the shell and everything started in it, and wait until it is gone."""
        if self.shell is None:
            return
        self.kill_shell()
        for mapping in (self.inToNode, self.outToNode):  # type: ignore[attr-defined]
            for fd in [fd for fd, node in mapping.items() if node is self]:
                del mapping[fd]  # Mininet keeps them for ever, and fds are used again
        self.cleanup()  # type: ignore[attr-defined]
        if self.life is not None:
            self.life.wait(_SHELL_END_TIMEOUT_S)


class OvsP4Host(_Shell, Host):  # type: ignore[misc]
    """A host: a shell in a network namespace of its own, IPv6 off, with one interface.

    Besides Mininet's methods (``cmd``, ``popen`` ...) it has ``name``, ``pid``, ``ip``, ``mac``, ``interface``,
    ``gateway``, ``gateway_mac``, ``send``, ``capture`` and ``socket``.
    """

    def __init__(self, name: str, **params: Any) -> None:
        """Make the host; Mininet's parameters, and ``gateway``, ``gateway_mac``, ``neighbours`` (ARP entries)."""
        super().__init__(name, **params)
        self.gateway: str = params.get("gateway", "")
        self.gateway_mac: str = params.get("gateway_mac", "")
        try:
            self.namespace = Namespace.of(self.pid)
            self.namespace.call(interfaces.prepare_namespace)
        except BaseException:
            self.terminate()
            raise

    @property
    def interface(self) -> str:
        """The name of the host's interface."""
        return str(self.defaultIntf().name)

    @property
    def ip(self) -> str:
        """The host's IPv4 address."""
        return str(self.IP())

    @property
    def mac(self) -> str:
        """The host's MAC address."""
        return str(self.MAC())

    def config(
        self,
        mac: str | None = None,
        ip: str | None = None,
        defaultRoute: str | None = None,
        neighbours: Sequence[tuple[str, str]] = (),
        gateway: str = "",
        **_params: Any,
    ) -> dict[str, Any]:
        """Set addresses, default route and ARP entries."""
        results: dict[str, Any] = {}
        if self.defaultIntf() is None:
            return results
        self.setParam(results, "setMAC", mac=mac)
        self.setParam(results, "setIP", ip=ip)
        self.setParam(results, "setDefaultRoute", defaultRoute=defaultRoute)
        name = self.interface
        if gateway:
            self.namespace.call(lambda: interfaces.set_default_route(name, gateway))
        if neighbours:
            self.namespace.call(lambda: interfaces.add_neighbours(name, neighbours))
        return results

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_DGRAM, protocol: int = 0) -> socket.socket:
        """Open a socket in the host's namespace; the caller closes it."""
        return self.namespace.socket(family, kind, protocol)

    def send(self, packets: PacketLike | Iterable[PacketLike]) -> int:
        """Send packets (scapy's, or bytes) out of the host's interface as they are; return how many.

        Raises:
            TestbedError: A packet is too short or too long for the interface.
        """
        return inject(self, packets)

    def capture(self, pcap: Path | None = None) -> Capture:
        """Return a capture of what arrives at the host; use it in a ``with`` block."""
        return Capture(self.namespace, self.interface, where=f"{self.name} ({self.interface})", pcap=pcap)

    def terminate(self) -> None:
        """End the host."""
        super().terminate()
        if hasattr(self, "namespace"):
            self.namespace.close()


class OvsP4Switch(_Shell, Switch):  # type: ignore[misc]
    """A switch: a bridge of a ``vswitchd``, with one port for each of the node's interfaces.

    Args:
        fabric: where it lives; by default the one that all switches without a fabric share.
        program: its P4 program, a path or the name of one that ships.
        datapath: "auto", "xdp" or "afxdp".
        rules: groups and flows to start with.  By default, MAC switching along a tree over the whole Mininet network.
    """

    is_ovsp4_switch = True
    controlIntf = None  # Mininet's: there is no control interface, management goes through the client

    def __init__(
        self,
        name: str,
        *,
        fabric: Fabric | None = None,
        program: str = "l2l3",
        datapath: str = "auto",
        on_reject: str = "drop",
        include_dirs: Sequence[str] = (),
        defines: dict[str, str] | None = None,
        rules: SwitchRules | None = None,
        **params: Any,
    ) -> None:
        self._shares_fabric = fabric is None
        self.fabric = fabric if fabric is not None else fabrics.join()
        self._bridge_options: dict[str, Any] = {
            "program": program,
            "datapath": datapath,
            "on_reject": on_reject,
            "include_dirs": tuple(include_dirs),
            "defines": dict(defines or {}),
        }
        self.rules = rules
        self.engine = ""  # once started: "xdp" or "afxdp"
        self.engine_reason = ""  # why not the one that "auto" prefers, in one line
        self._started = False
        params["inNamespace"] = True  # the fabric's, not the machine's
        try:
            super().__init__(name, **params)
        except BaseException:
            self._leave()
            raise

    @property
    def namespace(self) -> Namespace:
        """Where the switch's interfaces are."""
        return self.fabric.namespace

    @property
    def program(self) -> str:
        return str(self._bridge_options["program"])

    def _start_shell(self, cmd: list[str], **params: Any) -> Any:
        """Start the shell in the fabric, in place of the new namespace that mnexec's option n makes."""
        mnexec, options, *rest = cmd
        return spawn([*lifeline(self.fabric.pid), mnexec, options.replace("n", ""), *rest], **params)

    def start(self, controllers: Sequence[Any] = ()) -> None:
        """Make the bridge, add the ports, install the rules.  Controllers are not asked: rules are static."""
        from testbed.mininet_rules import standalone_rules

        del controllers
        client = self.fabric.client
        answer = client.add_bridge(self.name, **self._bridge_options)
        self._started = True
        self.engine, self.engine_reason = answer.get("engine", ""), answer.get("reason", "").partition("\n")[0]
        for port, intf in sorted(self.intfs.items()):
            self._fit_far_end(intf)
            client.add_port(self.name, intf.name, port)
        rules = self.rules if self.rules is not None else standalone_rules(self)
        try:
            if rules.groups:
                client.add_groups(self.name, rules.groups)
            if rules.flows:
                client.add_flows(self.name, rules.flows)
        except FlowError as error:
            raise FlowError(f"flows and groups of {self.name}: {error}") from error

    def _fit_far_end(self, intf: Any) -> None:
        """Set offloads at the other end where someone else made the link (Mininet's own Link)."""
        call_in(self, lambda: interfaces.set_up(intf.name))
        link = intf.link
        if link is None or getattr(link, "tap", None) is not None:
            return
        other = link.intf2 if link.intf1 is intf else link.intf1
        if not is_switch_port(other.node):
            call_in(other.node, lambda: interfaces.fit_for_xdp_peer(other.name))

    def stop(self, deleteIntfs: bool = True) -> None:
        """Remove the bridge; fine if its daemon is gone."""
        if self._started:
            self._started = False
            with contextlib.suppress(OvsP4Error):
                self.fabric.client.del_bridge(self.name)
        super().stop(deleteIntfs)

    def terminate(self) -> None:
        """End the node."""
        super().terminate()
        self._leave()

    def _leave(self) -> None:
        if self._shares_fabric:
            self._shares_fabric = False
            fabrics.leave()

    def dpctl(self, *args: str) -> str:
        """Answer Mininet's ``dpctl VERB`` (dump-flows, add-flow ...) with what ``ovsp4 VERB`` says."""
        verb, *rest = args or ("show",)
        bridge = [] if verb == "show" else [self.name]  # that one is about the whole network
        command = [sys.executable, "-m", "testbed.cli", verb, "--network", self.fabric.name, *bridge, *rest]
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return done.stdout + done.stderr
