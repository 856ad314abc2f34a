"""What the kernel can do, found by doing it in scratch namespaces; read by ``doctor.py``."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import socket
import struct
import subprocess
from pathlib import Path

from datapath import NotSupportedError, WaitTimeoutError, takes_jumbo_frames
from testbed.bench.rig import Rig
from testbed.bpf.build import compile_bpf
from testbed.bpf.syscall import Link, Program, interface_index
from testbed.capability import Probe, missing_rights
from testbed.generator import blast
from testbed.interfaces import netlink
from testbed.measure import Receiver
from testbed.namespaces import Namespace
from testbed.shell import lifeline, spawn

_FRAME = bytes.fromhex("020000000002020000000001") + b"\x88\xb5" + bytes(46)  # EtherType for experiments, IEEE 802
_N_PACKETS = 64
_WAIT_S = 2.0
# linux/if_xdp.h
_AF_XDP, _SOL_XDP, _XDP_COPY = 44, 283, 1 << 1
_RX_RING, _UMEM_REG, _UMEM_FILL_RING, _UMEM_COMPLETION_RING = 2, 4, 5, 6
_CHUNK_SIZE, _N_CHUNKS = 4096, 16


def _root() -> str:
    missing = missing_rights()
    if missing:
        raise NotSupportedError(f"missing: {', '.join(missing)}", "run as root, in a container with --privileged")
    return "root, with the capabilities needed"


def _kernel() -> str:
    release = platform.release()
    numbers = tuple(int(n) for n in release.split("-")[0].split(".")[:2])
    if numbers < (5, 18):
        raise NotSupportedError(f"{release} is too old", "use kernel 5.18 or later")
    return release


def _namespaces() -> str:
    Namespace.create().close()
    shell = spawn([*lifeline(), "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, complaint = shell.communicate(timeout=_WAIT_S)
    if shell.returncode:
        raise NotSupportedError(complaint.strip(), "run as root; in a chroot, / must be a mount point (mount --bind)")
    return "can be made"


def _jit() -> str:
    path = Path("/proc/sys/net/core/bpf_jit_enable")
    if not path.exists():
        return "cannot be told in this namespace"
    if path.read_text().strip() == "0":
        raise NotSupportedError("BPF programs are interpreted", "sysctl -w net.core.bpf_jit_enable=1")
    return "on"


def _xdp_veth() -> str:
    """Redirect packets from one veth to another, in native mode."""
    return _through_device("redirect", ("p2",))


def _devmap_broadcast() -> str:
    """Flood: to all ports but the one that a packet came from."""
    return _through_device("broadcast", ("p1", "p2"))


def _through_device(function: str, ports: tuple[str, ...]) -> str:
    """Send packets through a program on a veth, and see them come out of the other one."""
    program = Program(compile_bpf(function, f"{function}.c"))

    def attach() -> Link:
        for i, port in enumerate(ports):
            program.maps["port_map"].update(i, struct.pack("=I", interface_index(port)))
        return program.attach("p1")

    with Rig() as rig, Receiver(rig.receiver, "rx") as receiver:
        link = rig.in_device(attach)
        try:
            blast(rig.sender, "tx", [_FRAME], n_packets=_N_PACKETS)
            receiver.wait_for(_N_PACKETS, _WAIT_S)
        except WaitTimeoutError as error:
            raise NotSupportedError(f"packets are lost: {error}", "use kernel 5.18 or later, with veth") from error
        finally:
            link.close()
            program.close()
    return f"{_N_PACKETS} packets passed"


def _jumbo_frames() -> str:
    if not takes_jumbo_frames():
        raise NotSupportedError("frames are of 3,500 bytes at most", "use kernel 6.6 or later")
    return "up to 11,520 bytes"


def _live_frames() -> str:
    with Rig() as rig, Receiver(rig.device, "p1") as receiver:
        sent = blast(rig.sender, "tx", [_FRAME], n_packets=1000)
        receiver.wait_for(1000, _WAIT_S)
    return f"1000 packets at {sent.pps / 1e6:.1f} Mpps"


def _af_xdp() -> str:
    """Open an AF_XDP socket on a veth: memory, rings, bind."""
    with Rig() as rig:
        return rig.in_device(_bind_af_xdp)


def _bind_af_xdp() -> str:
    """Bind a socket in copy mode to p1's first queue; runs in its namespace."""
    try:
        sock = socket.socket(_AF_XDP, socket.SOCK_RAW, 0)
    except OSError as error:
        raise NotSupportedError(
            f"no AF_XDP sockets: {error.strerror}", "use a kernel with CONFIG_XDP_SOCKETS"
        ) from error
    size = _CHUNK_SIZE * _N_CHUNKS
    with sock, mmap.mmap(-1, size) as memory:
        anchor = ctypes.c_char.from_buffer(memory)
        try:
            registration = struct.pack("=QQIII4x", ctypes.addressof(anchor), size, _CHUNK_SIZE, 0, 0)
            sock.setsockopt(_SOL_XDP, _UMEM_REG, registration)
            for ring in (_UMEM_FILL_RING, _UMEM_COMPLETION_RING, _RX_RING):
                sock.setsockopt(_SOL_XDP, ring, struct.pack("=I", _N_CHUNKS))
            # Python's bind() does not know the address family.
            address = struct.pack("=HHIII", _AF_XDP, _XDP_COPY, interface_index("p1"), 0, 0)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.bind(sock.fileno(), address, len(address)):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            del anchor  # or the memory could not be given back
    return "bound in copy mode"


def _qdisc(kind: str) -> str:
    """Put a queueing discipline on a loopback of our own."""
    arguments = {
        "netem": {"delay": 1000},
        "htb": {"default": 1},
        "tbf": {"rate": 1_000_000, "burst": 10_000, "latency": 10_000},
    }[kind]

    def put() -> None:
        from pyroute2.netlink.exceptions import NetlinkError

        with netlink() as ipr:
            try:
                ipr.tc("add", kind, index=interface_index("lo"), handle="1:", **arguments)
            except NetlinkError as error:
                remedy = f"use a kernel with the module sch_{kind} (Ubuntu: linux-modules-extra)"
                raise NotSupportedError(f"the kernel has no {kind}", remedy) from error

    with Namespace.create() as namespace:
        namespace.call(put)
    return "there"


PROBES = (
    Probe("root", _root),
    Probe("kernel", _kernel),
    Probe("namespaces", _namespaces, "run as root", needs_root=True),
    Probe("bpf-jit", _jit, needed_for="speed"),
    Probe("xdp-veth", _xdp_veth, "see the other lines", needs_root=True),
    Probe("devmap-broadcast", _devmap_broadcast, "see the other lines", "flooding in the kernel", needs_root=True),
    Probe("af-xdp", _af_xdp, "use a kernel with CONFIG_XDP_SOCKETS", needs_root=True),
    Probe("jumbo-frames", _jumbo_frames, "", "an MTU above 3,400"),
    Probe("live-frames", _live_frames, "use kernel 5.18 or later", "throughput tests and ovsp4 bench", needs_root=True),
    Probe("htb", lambda: _qdisc("htb"), "", "links with a bandwidth", needs_root=True),
    Probe("tbf", lambda: _qdisc("tbf"), "", "links with a bandwidth", needs_root=True),
    Probe("netem", lambda: _qdisc("netem"), "", "links with a delay", needs_root=True),
)
