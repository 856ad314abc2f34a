"""Finds out which hosts reach which: an ICMP echo from every host to every other, all at once.

Raw sockets opened in the hosts' namespaces, no ping processes: 56 pairs take a few milliseconds.  Lost requests are
repeated until the deadline.  Called by ``Network.wait_reachable`` and by the plugin, which follows what was lost.

Source: RFC 792, echo and echo reply.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Protocol

from datapath import WaitTimeoutError
from testbed.checksums import internet_checksum

_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_FIRST_REPEAT_S = 0.05
_LONGEST_REPEAT_S = 0.5
_SHOWN = 10  # pairs named in a message


class Pingable(Protocol):
    """What is needed of a host."""

    @property
    def ip(self) -> str: ...
    def socket(self, family: int, kind: int, protocol: int) -> socket.socket: ...


class Address(Protocol):
    """What is needed of a host's addresses."""

    @property
    def ip(self) -> str: ...
    @property
    def mac(self) -> str: ...
    @property
    def gateway_mac(self) -> str: ...
    @property
    def neighbours(self) -> tuple[tuple[str, str], ...]: ...


Pair = tuple[str, str]  # names of who asks and who answers


def ping_all(hosts: Mapping[str, Pingable], timeout_s: float) -> set[Pair]:
    """Return the ordered pairs of hosts that got no answer within the time; empty if all are reachable."""
    missing = {(a, b) for a in hosts for b in hosts if a != b}
    if not missing:
        return missing
    identifier = os.getpid() & 0xFFFF
    numbers = {name: number for number, name in enumerate(hosts)}
    names = list(hosts)
    deadline = time.monotonic() + timeout_s
    repeat_s = _FIRST_REPEAT_S
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        sockets: dict[str, socket.socket] = {}
        for name, host in hosts.items():
            sock = stack.enter_context(host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, name)
            sockets[name] = sock
        while missing and time.monotonic() < deadline:
            for a, b in sorted(missing):
                _ask(sockets[a], hosts[b].ip, identifier, numbers[b])
            repeat_at = min(deadline, time.monotonic() + repeat_s)
            repeat_s = min(2 * repeat_s, _LONGEST_REPEAT_S)
            while missing and (left_s := repeat_at - time.monotonic()) > 0:
                for key, _ in selector.select(left_s):
                    for number in _answers(key.fileobj, identifier):  # type: ignore[arg-type]
                        if number < len(names):
                            missing.discard((key.data, names[number]))
    return missing


def wait_reachable(hosts: Mapping[str, Pingable], timeout_s: float) -> None:
    """Wait until every host reaches every other.

    Raises:
        WaitTimeoutError: Names the pairs that do not.
    """
    missing = ping_all(hosts, timeout_s)
    if missing:
        raise WaitTimeoutError(name_missing(missing, len(hosts), timeout_s))


def name_missing(missing: set[Pair], n_hosts: int, timeout_s: float) -> str:
    """Return a message about the pairs that got no answer."""
    shown = ", ".join(f"{a} -> {b}" for a, b in sorted(missing)[:_SHOWN]) + (" ..." if len(missing) > _SHOWN else "")
    n_pairs = n_hosts * (n_hosts - 1)
    return f"{len(missing)} of {n_pairs} pairs of hosts got no answer in {timeout_s:g} s: {shown}"


def echo_request(source: Address, destination: Address) -> bytes:
    """Return the frame that one host sends to ask another, over its router if it has no neighbour of that address."""
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.l2 import Ether

    next_hop = dict(source.neighbours).get(destination.ip, source.gateway_mac) or destination.mac
    return bytes(Ether(src=source.mac, dst=next_hop) / IP(src=source.ip, dst=destination.ip) / ICMP())


def _ask(sock: socket.socket, ip: str, identifier: int, number: int) -> None:
    header = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, number)
    checksum = internet_checksum(header)
    try:
        sock.sendto(struct.pack("!BBHHH", _ECHO_REQUEST, 0, checksum, identifier, number), (ip, 0))
    except OSError:
        return  # no route yet, or the link is down: the same as lost


def _answers(sock: socket.socket, identifier: int) -> list[int]:
    """Return the sequence numbers of the echo replies that wait in a socket."""
    found: list[int] = []
    while True:
        try:
            packet = sock.recv(2048)
        except BlockingIOError:
            return found
        except OSError:
            continue  # an ICMP error about a request; the answer is missing, that is all
        offset = (packet[0] & 0xF) * 4
        if len(packet) >= offset + 8:
            kind, _, _, theirs, number = struct.unpack_from("!BBHHH", packet, offset)
            if kind == _ECHO_REPLY and theirs == identifier:
                found.append(number)
