"""Follows a packet through the network by asking each switch what it would do, until it arrives or dies.

Behind the failure messages of ``expectation.py``.  The switches' ``trace`` has no side effects: it says which parser
states, flows and group buckets the packet meets, and what it looks like when it leaves.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from datapath import WaitTimeoutError, write_pcap
from testbed.network import Network
from testbed.reachability import echo_request, name_missing, ping_all
from topologies import End

_HOPS_MAX = 16
_CONNECTED_TIMEOUT_S = 5.0  # from the start of a network; all pairs answer within milliseconds


def wait_connected(network: Network) -> None:
    """Wait until every host reaches every other.

    Raises:
        WaitTimeoutError: Names the pairs that do not, and follows a packet of the first of them.
    """
    missing = ping_all(network.hosts, _CONNECTED_TIMEOUT_S)
    if missing:
        addresses = network.addresses.hosts
        asking, asked = sorted(missing)[0]
        lines = [name_missing(missing, len(addresses), _CONNECTED_TIMEOUT_S), ""]
        lines += follow(network, asking, echo_request(addresses[asking], addresses[asked]))
        raise WaitTimeoutError("\n".join(lines))


def drops_of(network: Network) -> dict[str, dict[str, int]]:
    """Return every switch's drop counters by reason."""
    return {switch: dict(network.client.stats(switch)["drops"]) for switch in network.switches}


def injected_pcap(path: Path, packets: list[bytes]) -> None:
    """Write what a test injected to a file."""
    write_pcap(path, ((time.time(), packet) for packet in packets))


def follow(network: Network, host: str, packet: bytes) -> list[str]:
    """Return the way of a packet from a host, a few lines for each switch; the last hop with all fields.

    Several copies (a flood) are followed one after the other, each switch port once.
    """
    lines = [f"the way of the packet that {host} sent ({len(packet)} bytes):"]
    to_visit = [(network.topology.attachment(host), packet)]
    seen: set[End] = set()
    while to_visit and len(seen) < _HOPS_MAX:
        end, packet = to_visit.pop(0)
        if end in seen:
            lines.append(f"  {end.node}: in at port {end.port} again: a loop")
            continue
        seen.add(end)
        trace = network.client.trace(end.node, packet, end.port)
        lines += _hop(end, trace)
        outputs = trace["outputs"]
        if not outputs:
            lines.append(f"    DIED HERE: {trace['dropped'] or 'no output'}")
            lines += _fields(trace["parser"]["headers"])
        for output in outputs:
            far = _far_end(network, End(end.node, output["port"]))
            if far is None:
                lines.append(f"    out at port {output['port']}, where there is no link")
            elif far.node in network.hosts:
                arrived = network.client.trace(end.node, bytes.fromhex(output["packet"]), output["port"])
                lines += [f"    arrives at {far.node}:", *_fields(arrived["parser"]["headers"])]
            else:
                to_visit.append((far, bytes.fromhex(output["packet"])))
    return lines


def _hop(end: End, trace: dict[str, Any]) -> list[str]:
    parser = trace["parser"]
    lines = [
        f"  {end.node}, in at port {end.port}",
        f"    parser: {' -> '.join(parser['states'])}: {parser['verdict']}"
        + (f" ({parser['error']})" if parser["error"] != "NoError" else ""),
    ]
    lines += [f"    table {step['table']}: {step['flow'] or 'no flow'}" for step in trace["steps"]]
    lines += [f"    group {group['group']}: bucket {group['bucket']}" for group in trace["groups"]]
    if trace["steps"]:
        lines.append(f"    megaflow: {trace['megaflow'] or 'any packet'} -> {trace['actions'] or 'drop'}")
    return lines


def _fields(headers: dict[str, Any]) -> list[str]:
    """Return the headers, a line each, field by field."""
    return [f"      {path}: {header['text']}" for path, header in headers.items()]


def _far_end(network: Network, end: End) -> End | None:
    """Return where the link at a switch port leads to."""
    for link in network.topology.links:
        if end in (link.a, link.b):
            return link.other(end.node)
    return None
