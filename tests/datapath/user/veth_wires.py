"""What the user engine's tests share: a program, and veths in a child process's own namespace."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import socket
import struct
import subprocess
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from datapath.user.binding import DpAction

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SOL_PACKET, PACKET_STATISTICS = 263, 6  # linux/socket.h, linux/if_packet.h
ETH_IPV4 = Path(__file__).parents[1] / "runtime" / "eth_ipv4.c"
KEY_SIZE = 56
ETHERNET, IPV4 = 16, 30  # offsets in the key


def compiled_eth_ipv4() -> Any:
    """The hand-written program, as the compiler would deliver it."""
    return SimpleNamespace(
        c_source=ETH_IPV4.read_text(), layout=SimpleNamespace(key_size=KEY_SIZE, hash=0x0123456789ABCDEF)
    )


def output(port: int, flags: int = 0) -> DpAction:
    return DpAction(op=1, arg=port, flags=flags)


def run_in_namespace(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call ``function`` in a child with a network namespace of its own; return or raise what it does.

    The child dies with us, and its namespace with it.
    """
    read_fd, write_fd = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns where there are other threads (pytest-xdist has one): the child uses none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            result = (True, function(*arguments))
        except BaseException as error:  # whatever it is, the parent shall say it
            result = (False, f"{error!r}\n{traceback.format_exc()}")
        with os.fdopen(write_fd, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    assert data, f"the child died with status {status}"
    done, value = pickle.loads(data)
    if not done:
        pytest.fail(value, pytrace=False)
    return value


class Wires:
    """Veth pairs ``h1``-``s1`` ... in this namespace: raw sockets at the ``h`` ends, ports at the ``s`` ends."""

    def __init__(self, n: int, mtu: int = 1500) -> None:
        """Build them, with an XDP program at the ``s`` ends that hands everything to sockets yet to be named."""
        from datapath.xdp.loader import load_xsk_only

        for family in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{family}/disable_ipv6").write_text("1")
        self._program = load_xsk_only()
        self._mtu = mtu
        self.sockets: dict[int, socket.socket] = {}
        self._n_seen: dict[int, int] = {}
        for number in range(1, n + 1):
            self.add(number)

    def add(self, number: int) -> None:
        """Build one more."""
        host, switch = f"h{number}", f"s{number}"
        run("ip", "link", "add", host, "type", "veth", "peer", "name", switch)
        for interface in (host, switch):
            run("ip", "link", "set", interface, "mtu", str(self._mtu), "up")
        run("ethtool", "-K", host, "gro", "on")  # without NAPI a veth delivers nothing that AF_XDP sends
        self._program.attach(socket.if_nametoindex(switch))
        self.sockets[number] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sockets[number].bind((host, 0))
        self.sockets[number].settimeout(5)

    def attach(self, engine: Any, number: int) -> None:
        """Make ``s<number>`` port ``number`` of the engine."""
        engine.add_port(number, f"s{number}")
        self._program.xsk_register(socket.if_nametoindex(f"s{number}"), engine.xsk_fd(number))

    def send(self, number: int, packet: bytes) -> None:
        self.sockets[number].send(packet)

    def receive(self, number: int) -> bytes:
        """Return the next packet that arrives at ``h<number>``; not those sent from it."""
        while True:
            packet, address = self.sockets[number].recvfrom(16384)
            if address[2] != socket.PACKET_OUTGOING:
                return packet

    def n_seen(self, number: int) -> int:
        """Return how many packets have come to ``h<number>``'s socket, also those that it had no room for."""
        packets, _ = struct.unpack("II", self.sockets[number].getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._n_seen[number] = self._n_seen.get(number, 0) + packets  # the kernel counts from 0 again
        return self._n_seen[number]

    def pending(self, number: int) -> list[bytes]:
        """Return what has arrived by now."""
        packets = []
        self.sockets[number].setblocking(False)
        try:
            while True:
                packets.append(self.receive(number))
        except BlockingIOError:
            return packets
        finally:
            self.sockets[number].settimeout(5)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def wait_until(condition: Callable[[], Any], timeout_s: float = 5) -> None:
    """Return when ``condition`` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def ipv4_packet(destination: str = "10.0.0.2", ttl: int = 64, size: int = 60) -> bytes:
    """An Ethernet frame with an IPv4 header whose checksum is right."""
    header = bytearray(bytes.fromhex("4500") + (size - 14).to_bytes(2, "big") + bytes(4) + bytes([ttl, 17]) + bytes(2))
    header += socket.inet_aton("10.0.0.1") + socket.inet_aton(destination)
    header[10:12] = (internet_sum(header) ^ 0xFFFF).to_bytes(2, "big")
    return (bytes.fromhex("0200000000020200000000010800") + bytes(header)).ljust(size, b"\xa5")


def internet_sum(data: bytes | bytearray) -> int:
    """The ones'-complement sum of RFC 1071."""
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
