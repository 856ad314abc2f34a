"""Sends single packets from a host, byte for byte as given, through a raw socket in its namespace.

For a few packets at a time (a raw socket sends 0.45 Mpps at best, scapy builds 10,000 packets a second); line rate is
``generator.py``'s.  Called by ``OvsP4Host.send`` and by tests.
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, Union

from datapath import TestbedError

if TYPE_CHECKING:
    from scapy.packet import Packet

PacketLike = Union["Packet", bytes, bytearray, memoryview]
MIN_SIZE = 14  # bytes: an Ethernet header (linux/if_ether.h ETH_HLEN); a raw socket sends nothing shorter
_ETH_P_ALL = 0x0003
_FULL_WAIT_S = 1.0


class Sender(Protocol):
    """What is needed of a host."""

    name: str

    @property
    def interface(self) -> str: ...
    def socket(self, family: int, kind: int, protocol: int) -> socket.socket: ...


def to_bytes(packet: PacketLike) -> bytes:
    """Return a packet as it goes over the wire; scapy fills in what was left open."""
    return bytes(packet)


def as_list(packets: Any) -> list[PacketLike]:
    """Return the packets one by one; a scapy packet with ranges of values stands for several."""
    if isinstance(packets, bytes | bytearray | memoryview):
        return [packets]
    if hasattr(packets, "fields_desc"):
        return list(packets)  # iterating over a scapy packet expands its ranges
    return [single for item in packets for single in as_list(item)]


def inject(host: Sender, packets: PacketLike | Iterable[PacketLike]) -> int:
    """Send packets out of a host's interface.

    Args:
        host: who sends.
        packets: a packet, or several; scapy's or bytes, beginning with the Ethernet header.

    Returns:
        The number of packets sent.

    Raises:
        TestbedError: A packet is shorter than an Ethernet header, longer than the interface takes, or the interface
            is down.
    """
    frames = [to_bytes(packet) for packet in as_list(packets)]
    for number, frame in enumerate(frames, 1):
        if len(frame) < MIN_SIZE:
            raise TestbedError(f"packet {number} has {len(frame)} bytes; an interface sends {MIN_SIZE} or more")
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((host.interface, _ETH_P_ALL))
        for number, frame in enumerate(frames, 1):
            _send(sock, frame, f"packet {number} ({len(frame)} bytes) from {host.name}")
    return len(frames)


def _send(sock: socket.socket, frame: bytes, what: str) -> None:
    """Send one frame, waiting for room where there is none."""
    for _ in range(100):
        try:
            sock.send(frame)
            return
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                poller = select.poll()
                poller.register(sock, select.POLLOUT)
                poller.poll(_FULL_WAIT_S * 10)  # ms: a hundredth of the whole wait
                continue
            reasons = {
                errno.EMSGSIZE: "longer than the interface's MTU allows",
                errno.ENETDOWN: "the interface is down",
            }
            reason = reasons.get(error.errno or 0, error.strerror)
            raise TestbedError(f"cannot send {what}: {reason}") from error
    raise TestbedError(f"cannot send {what}: the interface's queue stays full")
