"""A running daemon with veths in its namespace: raw sockets at the hosts' ends, ports at the switch's."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from datapath.vswitchd.launch import Vswitchd

T = TypeVar("T")
CLONE_NEWNET = 0x40000000  # linux/sched.h
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4  # linux/socket.h, linux/if_packet.h
DEADLINE_S = 5.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until ``condition`` holds; fail after ``DEADLINE_S``."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain waited for {what}"
        time.sleep(0.005)


def inside(pid: int, function: Callable[[], T]) -> T:
    """Run a function in the network namespace of a process, on a thread of its own."""
    results: list[T] = []

    def run() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            assert libc.setns(fd, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        finally:
            os.close(fd)
        results.append(function())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


class Wires:
    """Veth pairs ``h1``-``s1``, ``h2``-``s2`` ... in a daemon's namespace."""

    def __init__(self, switch: Vswitchd, n: int) -> None:
        self.switch = switch
        self.sockets: dict[int, socket.socket] = {}
        for number in range(1, n + 1):
            self.add(number)

    def command(self, *words: str) -> None:
        """Run a command inside the daemon's network namespace."""
        subprocess.run(
            ["nsenter", f"--net=/proc/{self.switch.pid}/ns/net", *words], check=True, capture_output=True, timeout=10
        )

    def add(self, number: int) -> None:
        """Build one more pair; GRO at the host's end makes its driver take what XDP sends."""
        host = f"h{number}"
        self.command("ip", "link", "add", host, "type", "veth", "peer", "name", f"s{number}")
        self.command("ip", "link", "set", host, "up")
        self.command("ethtool", "-K", host, "gro", "on", "tx", "off")

        def listen() -> socket.socket:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            sock.bind((host, 0))
            sock.settimeout(DEADLINE_S)
            return sock

        self.sockets[number] = inside(self.switch.pid, listen)

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()

    def send(self, number: int, packet: bytes) -> None:
        """Send from a host."""
        self.sockets[number].send(packet)

    def receive(self, number: int) -> bytes:
        """Return the next packet that comes to a host."""
        while True:
            try:
                packet, notes, _, address = self.sockets[number].recvmsg(16384, 256)
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # told once after the interface was down
                    raise
                continue
            if address[2] != socket.PACKET_OUTGOING:
                return _with_tag(packet, notes)

    def pending(self, number: int) -> list[bytes]:
        """Return what has come to a host by now."""
        packets: list[bytes] = []
        self.sockets[number].setblocking(False)
        try:
            while True:
                packets.append(self.receive(number))
        except BlockingIOError:
            return packets
        finally:
            self.sockets[number].settimeout(DEADLINE_S)


def _with_tag(packet: bytes, notes: list[tuple[int, int, bytes]]) -> bytes:
    """Put the outer VLAN tag back, which the kernel hands over beside the packet."""
    for level, kind, data in notes:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return packet[:12] + struct.pack("!HH", tpid, tci) + packet[12:]
    return packet


def ipv4_packet(destination: str = "10.0.0.2", ttl: int = 64, source: str = "10.0.0.1", port: int = 7) -> bytes:
    """An Ethernet, IPv4, UDP packet whose header checksum is right and which has no UDP checksum."""
    header = bytearray(bytes.fromhex("4500002e00000000") + bytes([ttl, 17]) + bytes(2))
    header += socket.inet_aton(source) + socket.inet_aton(destination)
    header[10:12] = (0xFFFF ^ internet_sum(header)).to_bytes(2, "big")
    udp = port.to_bytes(2, "big") + b"\x00\x07\x00\x1a\x00\x00"
    return bytes.fromhex("0200000000020200000000010800") + bytes(header) + udp + bytes(18)


def internet_sum(data: bytes | bytearray) -> int:
    """The ones'-complement sum of RFC 1071; 0xffff over a header with a right checksum."""
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
