"""A running network: builds what a ``Topology`` describes, out of Mininet nodes and one ``vswitchd``.

    with Network.start(topologies.load("leaf-spine")) as net:
        net.wait_reachable()
        net.hosts["h1"].send(packet)

Order of work: the hosts' shells and ``vswitchd`` start side by side; then the switch nodes, the links, the addresses,
the bridges with ports, groups and flows.  Everything belongs to a process or a descriptor of ours, so that whatever
happens to this process nothing stays behind.

Reads ``addressing.py`` (who has which address), ``routing.py`` (flows); used by the pytest plugin and ``cli.py``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from datapath import Client, SetupError, TestbedError, compile_program, find_program
from testbed import interfaces, reachability
from testbed.addressing import Addresses, derive_addresses, port_mac
from testbed.capture import Capture
from testbed.fabric import Fabric, unique_name
from testbed.l3_fields import find_l3_fields
from testbed.links import OvsP4Link
from testbed.mininet_import import Mininet
from testbed.nodes import OvsP4Host, OvsP4Switch
from testbed.routing import SwitchRules, derive_rules
from topologies import End, L3Fields, Link, Topology

_ABANDON_TIMEOUT_S = 2.0  # for a daemon that is still starting when the network is given up


class _QuietMininet(Mininet):  # type: ignore[misc]
    """Mininet without its changes to the machine's own settings (it writes sysctls at the first network)."""

    @classmethod
    def init(cls) -> None:
        """Do nothing."""


class Network:
    """A network that runs.  Made by ``Network.start``; ``stop`` it, or use it in a ``with`` block."""

    def __init__(self, topology: Topology, name: str, results_dir: Path | None, taps: bool) -> None:
        """Prepare; nothing runs yet.  Use ``start``."""
        self.topology = topology
        self.name = name
        self.results_dir = results_dir
        self.addresses: Addresses = derive_addresses(topology)
        self.mininet: Any = None
        self._taps = taps
        self._fabric: Fabric | None = None
        self._links: dict[frozenset[End], OvsP4Link] = {}

    @classmethod
    def start(
        cls,
        topology: Topology,
        datapath: str = "",
        results_dir: Path | str | None = None,
        name: str | None = None,
        *,
        taps: bool = False,
    ) -> Self:
        """Build a network and start it.

        Args:
            topology: what to build (``topologies.load``).
            datapath: "xdp", "afxdp" or "auto"; by default what the topology says.
            results_dir: where ``vswitchd.log`` goes; by default the log goes to standard error.
            name: the network's name for ``ovsp4`` commands; by default the topology's with this process's number.
            taps: lead every link between switches through a tap, so that its frames can be captured (slower).

        Raises:
            SetupError: It could not be built; what was built is gone again.
            TopologyError: The topology does not fit the P4 program.
            LoadError: The machine cannot run it.
        """
        if os.geteuid() != 0:
            raise SetupError("a network takes root: run with sudo")
        folder = Path(results_dir) if results_dir is not None else None
        network = cls(topology, name or unique_name(topology.name), folder, taps)
        try:
            network._build(datapath or topology.datapath)
        except OSError as error:
            network.stop()
            raise SetupError(f"cannot build the network {network.name}: {error}") from error
        except BaseException:
            network.stop()
            raise
        return network

    # -------------------------------------------------------------------------------------------- what it consists of
    @property
    def hosts(self) -> Mapping[str, OvsP4Host]:
        """The hosts by name."""
        return {host.name: host for host in self.mininet.hosts} if self.mininet else {}

    @property
    def switches(self) -> Mapping[str, OvsP4Switch]:
        """The switches by name."""
        return {switch.name: switch for switch in self.mininet.switches} if self.mininet else {}

    @property
    def fabric(self) -> Fabric:
        """The namespace of the switch ports, with its ``vswitchd``."""
        if self._fabric is None:
            raise TestbedError(f"the network {self.name} is not running")
        return self._fabric

    @property
    def client(self) -> Client:
        """The management client of the network's switches."""
        return self.fabric.client

    @property
    def is_running(self) -> bool:
        return self._fabric is not None and self._fabric.vswitchd.is_alive

    # -------------------------------------------------------------------------------------------- building
    def _build(self, datapath: str) -> None:
        if self.results_dir is not None:
            self.results_dir.mkdir(parents=True, exist_ok=True)
        log_file = self.results_dir / "vswitchd.log" if self.results_dir is not None else None
        starter = _FabricStart(self.name, log_file)
        try:
            rules = derive_rules(self.topology, self.addresses, self._fields())
            self.mininet = _QuietMininet(controller=None, build=False, link=OvsP4Link)
            self._add_hosts()
        except BaseException:
            starter.abandon()
            raise
        self._fabric = starter.result()
        self.name = self._fabric.name
        self._add_switches(rules, datapath)
        for link in self.topology.links:
            self._add_link(link)
        self.mininet.configHosts()
        self.mininet.built = True
        self.mininet.start()

    def _fields(self) -> L3Fields:
        """Return the P4 paths that the derived flows use."""
        if self.topology.routing == "none":
            return self.topology.fields
        program = compile_program(
            find_program(self.topology.program),
            include_dirs=self.topology.include_dirs,
            defines=dict(self.topology.defines),
        )
        return find_l3_fields(self.topology, program.layout.fields)

    def _add_hosts(self) -> None:
        for host in self.topology.hosts:
            address = self.addresses.hosts[host.name]
            self.mininet.addHost(
                host.name,
                cls=OvsP4Host,
                ip=f"{address.ip}/{address.prefix_length}",
                gateway=address.gateway,
                gateway_mac=address.gateway_mac,
                neighbours=address.neighbours,
            )

    def _add_switches(self, rules: dict[str, SwitchRules], datapath: str) -> None:
        for number, switch in enumerate(self.topology.switches, 1):
            self.mininet.addSwitch(
                switch.name,
                cls=OvsP4Switch,
                dpid=f"{number:x}",
                fabric=self._fabric,
                program=self.topology.program,
                datapath=datapath,
                on_reject=self.topology.on_reject,
                include_dirs=self.topology.include_dirs,
                defines=dict(self.topology.defines),
                rules=rules[switch.name],
            )

    def _add_link(self, link: Link) -> None:
        hosts = self.addresses.hosts
        macs = [hosts[e.node].mac if e.node in hosts else port_mac(self.topology, e) for e in (link.a, link.b)]
        internal = link.a.node not in hosts and link.b.node not in hosts
        self._links[frozenset((link.a, link.b))] = self.mininet.addLink(
            link.a.node,
            link.b.node,
            port1=link.a.port,
            port2=link.b.port,
            addr1=macs[0],
            addr2=macs[1],
            mtu=self.topology.mtu,
            bandwidth_mbps=link.bandwidth_mbps,
            delay_ms=link.delay_ms,
            tap=link.tap or (self._taps and internal),
        )

    # -------------------------------------------------------------------------------------------- while it runs
    def wait_reachable(self, timeout_s: float = 5.0) -> None:
        """Wait until every host reaches every other (ICMP echo).

        Raises:
            WaitTimeoutError: Names the pairs that do not.
        """
        reachability.wait_reachable(self.hosts, timeout_s)

    def capture(self, switch: str, port: int, pcap: Path | None = None) -> Capture:
        """Return a capture of the frames that leave a switch port; use it in a ``with`` block.

        XDP forwards past packet sockets at the port itself, so this looks at what arrives at the other end: at the
        host, or in the tap of a link between switches.

        Raises:
            TestbedError: There is no such port, or it leads to a switch and its link has no tap.
        """
        link = next((link for link in self.topology.links if End(switch, port) in (link.a, link.b)), None)
        if link is None:
            ports = [link.end(switch).port for link in self.topology.links_of(switch)]
            raise TestbedError(f"{switch} has no port {port}; its ports are {', '.join(map(str, sorted(ports)))}")
        where = f"{switch} port {port}"
        tap = self._links[frozenset((link.a, link.b))].tap
        if tap is not None:
            name = tap.names[0] if link.a == End(switch, port) else tap.names[1]
            return Capture(tap.namespace, name, where=where, pcap=pcap)
        far = link.other(switch)
        if far.node not in self.hosts:
            raise TestbedError(
                f"frames from {switch} to {far.node} pass from XDP to XDP and cannot be captured; "
                f"put 'tap: true' on that link, or start the network with taps=True"
            )
        return Capture(self.hosts[far.node].namespace, far.interface, where=where, pcap=pcap)

    def set_link(self, a: str, b: str, up: bool) -> None:
        """Take down all links between two nodes, or bring them up again."""
        links = self.mininet.linksBetween(self.mininet[a], self.mininet[b])
        if not links:
            raise TestbedError(f"there is no link between {a} and {b}")
        for intf in (intf for link in links for intf in (link.intf1, link.intf2)):
            change = interfaces.set_up if up else interfaces.set_down
            intf.node.namespace.call(partial(change, intf.name))

    # -------------------------------------------------------------------------------------------- the end
    def stop(self) -> None:
        """Stop everything; when it returns, all processes are gone.  May be called again."""
        nodes = [*self.mininet.hosts, *self.mininet.switches] if self.mininet else []
        for node in nodes:
            node.kill_shell()
        if self._fabric is not None:
            self._fabric.stop()
            self._fabric = None
        for node in nodes:
            node.terminate()
        for link in self._links.values():
            link.close()
        self._links = {}
        self.mininet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _FabricStart:
    """Starts the fabric on a thread while the hosts are made."""

    def __init__(self, name: str, log_file: Path | None) -> None:
        self._fabric: Fabric | None = None
        self._error: BaseException | None = None
        self._abandoned = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(name, log_file), name="start-vswitchd", daemon=True)
        self._thread.start()

    def _run(self, name: str, log_file: Path | None) -> None:
        try:
            fabric = Fabric(name, log_file)
        except BaseException as error:  # raised by result()
            self._error = error
            return
        with self._lock:
            self._fabric = fabric
            if self._abandoned:
                fabric.stop()

    def result(self) -> Fabric:
        """Wait for the fabric; raises what went wrong with it."""
        try:
            self._thread.join()
        except BaseException:
            self.abandon()
            raise
        if self._error is not None:
            raise self._error
        assert self._fabric is not None
        return self._fabric

    def abandon(self) -> None:
        """Stop the fabric: now if it is there, else as soon as it is."""
        with self._lock:
            self._abandoned = True
            if self._fabric is not None:
                self._fabric.stop()
        self._thread.join(_ABANDON_TIMEOUT_S)
