"""Veth pairs in the namespace of the calling thread, and what is sent and received on them."""

from __future__ import annotations

import array
import ctypes
import fcntl
import mmap
import select
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from edit_model import internet_checksum
from pyroute2 import IPRoute

DEADLINE_S = 5.0
ETH_P_ALL = 3
SIOCETHTOOL, ETHTOOL_SGRO = 0x8946, 0x2C


@dataclass(frozen=True)
class Pair:
    """A veth pair: the switch's end and the host's."""

    port: str
    host: str
    port_ifindex: int
    host_ifindex: int


def make_pairs(count: int) -> list[Pair]:
    """Make veth pairs p0-h0, p1-h1 ... that are up, quiet, and whose host ends take frames from XDP (NAPI by GRO)."""
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    pairs = []
    with IPRoute() as ip:
        for i in range(count):
            ip.link("add", ifname=f"p{i}", kind="veth", peer={"ifname": f"h{i}"})
            indexes = [ip.link_lookup(ifname=f"{end}{i}")[0] for end in "ph"]
            for index in indexes:
                ip.link("set", index=index, state="up")
            enable_gro(f"h{i}")
            pairs.append(Pair(f"p{i}", f"h{i}", *indexes))
    return pairs


def enable_gro(interface: str) -> None:
    value = array.array("I", [ETHTOOL_SGRO, 1])
    request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, request)


def tap(interface: str) -> socket.socket:
    """Open a raw socket on an interface, before anything is sent."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((interface, 0))
    sock.settimeout(DEADLINE_S)
    return sock


def received(sock: socket.socket, count: int) -> list[bytes]:
    """Return the next frames that came in (not those sent from this end)."""
    frames: list[bytes] = []
    while len(frames) < count:
        data, address = sock.recvfrom(4096)
        if address[2] != socket.PACKET_OUTGOING:
            frames.append(data)
    return frames


def is_silent(sock: socket.socket) -> bool:
    """Tell whether nothing has come in so far."""
    while select.select([sock], [], [], 0)[0]:
        if sock.recvfrom(4096)[1][2] != socket.PACKET_OUTGOING:
            return False
    return True


def ipv4_packet(destination: bytes = b"\x0a\0\0\2", ttl: int = 64, payload: bytes = b"", size: int = 60) -> bytes:
    """An IPv4 packet in an Ethernet frame, with the right header checksum."""
    header = bytearray(
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, ttl, 253, 0, b"\x0a\0\0\1", destination)
    )
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2, "big")
    return (b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + bytes(header) + payload).ljust(size, b"\0")


class XskSocket:
    """An AF_XDP socket on queue 0 in copy mode, receiving only; the least that can be (uapi/linux/if_xdp.h)."""

    AF_XDP, SOL_XDP, COPY = 44, 283, 2
    MMAP_OFFSETS, RX_RING, UMEM_REG, UMEM_FILL, UMEM_COMPLETION = 1, 2, 4, 5, 6
    FILL_PAGE_OFFSET = 0x100000000
    N_FRAMES, FRAME_SIZE = 64, 2048

    def __init__(self, ifindex: int) -> None:
        self.socket = socket.socket(self.AF_XDP, socket.SOCK_RAW, 0)
        self.umem = mmap.mmap(-1, self.N_FRAMES * self.FRAME_SIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.umem))
        registration = struct.pack("=QQIII4x", address, len(self.umem), self.FRAME_SIZE, 0, 0)
        self.socket.setsockopt(self.SOL_XDP, self.UMEM_REG, registration)
        for option in (self.UMEM_FILL, self.UMEM_COMPLETION, self.RX_RING):
            self.socket.setsockopt(self.SOL_XDP, option, self.N_FRAMES)
        offsets = struct.unpack("=16Q", self.socket.getsockopt(self.SOL_XDP, self.MMAP_OFFSETS, 128))
        self.rx_offsets, self.fill_offsets = offsets[0:4], offsets[8:12]
        fd = self.socket.fileno()
        self.rx = mmap.mmap(fd, self.rx_offsets[2] + 16 * self.N_FRAMES, offset=0)
        self.fill = _map_far(fd, self.fill_offsets[2] + 8 * self.N_FRAMES, self.FILL_PAGE_OFFSET)
        for i in range(self.N_FRAMES):
            struct.pack_into("=Q", self.fill, self.fill_offsets[2] + 8 * i, i * self.FRAME_SIZE)
        struct.pack_into("=I", self.fill, self.fill_offsets[0], self.N_FRAMES)
        bind_xsk(fd, struct.pack("=HHIII", self.AF_XDP, self.COPY, ifindex, 0, 0))
        self.n_taken = 0

    def receive(self) -> bytes:
        """Wait for the next packet."""
        deadline = time.monotonic() + DEADLINE_S
        while struct.unpack_from("=I", self.rx, self.rx_offsets[0])[0] == self.n_taken:
            assert time.monotonic() < deadline, "no packet came to the AF_XDP socket"
            select.select([self.socket], [], [], 0.1)
        address, size, _ = struct.unpack_from("=QII", self.rx, self.rx_offsets[2] + 16 * (self.n_taken % self.N_FRAMES))
        self.n_taken += 1
        return self.umem[address : address + size]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)


def _map_far(fd: int, size: int, offset: int) -> ctypes.Array[ctypes.c_char]:
    """Map at an offset that Python's mmap takes for one beyond a file's end."""
    memory = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, offset)
    assert memory != ctypes.c_void_p(-1).value
    return (ctypes.c_char * size).from_address(memory)


def bind_xsk(fd: int, address: bytes) -> None:
    """Python's socket knows no AF_XDP addresses."""
    if _libc.bind(fd, address, len(address)):
        raise OSError(ctypes.get_errno(), "bind of an AF_XDP socket")
