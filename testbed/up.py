"""``ovsp4 up``: builds a network, says how to look at it, and keeps it until Ctrl-C.  Read by ``cli.py``."""

from __future__ import annotations

import signal
import sys

import topologies
from datapath import SwitchError
from testbed.network import Network

CHECK_S = 1.0


def run_network(topology: str, datapath: str | None, name: str | None) -> int:
    """Build a network and wait for Ctrl-C or SIGTERM.

    Args:
        topology: Name, path, or name with parameters.
        datapath: The engine; None: what the topology says.
        name: The network's name for other verbs; None: the topology's, with this process's number.

    Returns:
        The exit status.

    Raises:
        OvsP4Error: It could not be built, or its switch has died.
    """
    wanted = {signal.SIGINT, signal.SIGTERM}
    with Network.start(topologies.load(topology), datapath or "", name=name) as network:
        print(_how_to_look(network), flush=True)
        # Blocked only now: while it is being built, Ctrl-C interrupts as usual.
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        while signal.sigtimedwait(wanted, CHECK_S) is None:
            if not network.is_running:
                raise SwitchError(f"the switch daemon of {network.name} has died")
        print("\nstopping", file=sys.stderr)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, set())
    return 0


def _how_to_look(network: Network) -> str:
    """Return what a person types next, with this network's names and process numbers."""
    hosts, switches = network.hosts, network.switches
    lines = [
        f"{network.name} is up: {len(switches)} switches, {len(hosts)} hosts.  Ctrl-C ends it.",
        *sorted({f"on {s.engine}, not XDP: {s.engine_reason}" for s in switches.values() if s.engine_reason}),
        "",
        f"  ovsp4 show --network {network.name}",
    ]
    first = next(iter(switches), None)
    if first:
        lines += [
            f"  ovsp4 {verb} --network {network.name} {first}" for verb in ("dump-flows", "dump-megaflows", "stats")
        ]
    if switches:
        width = max(map(len, switches))
        lines += ["", "switches, and what is at their ports:"]
        lines += [f"  {name:<{width}}  {_neighbours(network.topology, name)}" for name in switches]
    if hosts:
        lines += ["", "hosts (a shell in one: nsenter -t PID -n):"]
        lines += [f"  {host.name:<8} PID {host.pid:<8} {host.IP()}" for host in hosts.values()]
    return "\n".join(lines)


def _neighbours(topology: topologies.Topology, switch: str) -> str:
    """Return ``1 h1, 2 s2``: where the links of a switch lead, by port."""
    ends = {link.end(switch).port: link.other(switch) for link in topology.links_of(switch)}
    return ", ".join(f"{port} {ends[port].node}" for port in sorted(ends)) or "nothing"
