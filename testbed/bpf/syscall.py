"""bpf(2) by ctypes: maps, programs, test runs and links; each kernel object lives as long as its descriptor.

No library stands between us and the kernel, so loading takes a millisecond, and nothing is pinned: when the process
dies, whatever it attached is gone.  Fed with bytecode by ``build.py``; used by ``generator.py`` and ``measure.py``.

Source: linux/bpf.h, union bpf_attr.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datapath import LoadError, NotSupportedError, SetupError, VerifierError

_SYSCALL_NUMBER = {"x86_64": 321, "aarch64": 280}.get(platform.machine(), 280)  # asm/unistd.h
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _PROG_LOAD, _PROG_TEST_RUN, _LINK_CREATE = 0, 1, 2, 5, 10, 28
_PROG_TYPE_XDP = 6
_ATTACH_XDP = 37  # enum bpf_attach_type
XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE = 1 << 1, 1 << 2  # linux/if_link.h
_TEST_XDP_LIVE_FRAMES = 1 << 1
_PSEUDO_MAP_FD = 1  # source register of a ld_imm64 whose immediate is a map's descriptor
_LD_IMM64 = 0x18
_PER_CPU_TYPES = (5, 6)  # BPF_MAP_TYPE_PERCPU_HASH, _ARRAY
_VERIFIER_LOG_SIZE = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class MapSpec:
    """A map as the program declares it."""

    name: str
    kind: int  # enum bpf_map_type
    key_size: int  # bytes
    value_size: int
    max_entries: int
    flags: int = 0


@dataclass(frozen=True)
class ProgramSpec:
    """A program as compiled: bytecode in which each map's descriptor is its index in ``maps``."""

    name: str
    bytecode: bytes
    maps: tuple[MapSpec, ...]
    compiler: str  # "clang 14.0.6, bcc 0.26.0"


class Map:
    """A BPF map with 32-bit keys."""

    def __init__(self, spec: MapSpec) -> None:
        self.spec = spec
        attr = struct.pack(
            "=IIIIIII16s",
            *(spec.kind, spec.key_size, spec.value_size, spec.max_entries, spec.flags, 0, 0),
            spec.name.encode()[:15],
        )
        self.fd = _create(_MAP_CREATE, attr, f"BPF map {spec.name}")
        per_cpu = spec.kind in _PER_CPU_TYPES
        self.size = (spec.value_size + 7) // 8 * 8 * possible_cpus() if per_cpu else spec.value_size  # of an entry

    def update(self, key: int, value: bytes) -> None:
        """Set an entry; the value has at most ``size`` bytes, and zeros follow."""
        key_buffer = ctypes.c_uint32(key)
        value_buffer = ctypes.create_string_buffer(value, self.size)
        attr = struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(key_buffer), ctypes.addressof(value_buffer), 0)
        _create(_MAP_UPDATE, attr, f"entry {key} of BPF map {self.spec.name}")

    def read(self, key: int) -> bytes:
        """Return an entry; of a per-CPU map, one value after the other, each padded to 8 bytes."""
        key_buffer = ctypes.c_uint32(key)
        value_buffer = ctypes.create_string_buffer(self.size)
        attr = struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(key_buffer), ctypes.addressof(value_buffer), 0)
        _create(_MAP_LOOKUP, attr, f"entry {key} of BPF map {self.spec.name}")
        return value_buffer.raw

    def close(self) -> None:
        """Close it; attached programs keep using the map."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Program:
    """A loaded XDP program with maps of its own."""

    def __init__(self, spec: ProgramSpec, sizes: Mapping[str, int] | None = None) -> None:
        """Create the maps and load the program.

        Args:
            spec: What to load.
            sizes: Other numbers of entries than the source gives, by map name.

        Raises:
            VerifierError: The kernel refused the program; carries the end of its log.
            NotSupportedError: We lack the right, or the kernel the feature.
        """
        self.spec = spec
        self.maps: dict[str, Map] = {}
        self.fd = -1
        try:
            for m in spec.maps:
                entries = (sizes or {}).get(m.name, m.max_entries)
                self.maps[m.name] = Map(MapSpec(m.name, m.kind, m.key_size, m.value_size, entries, m.flags))
            self.fd = self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> int:
        code = _with_descriptors(self.spec.bytecode, [self.maps[m.name].fd for m in self.spec.maps])
        code_buffer = ctypes.create_string_buffer(code, len(code))
        license_buffer = ctypes.create_string_buffer(b"GPL")
        log = ctypes.create_string_buffer(_VERIFIER_LOG_SIZE)
        name = self.spec.name.encode()[:15]
        for log_level in (0, 1):  # only a refused program is worth its log
            attr = struct.pack(
                "=IIQQIIQII16s",
                *(_PROG_TYPE_XDP, len(code) // 8, ctypes.addressof(code_buffer), ctypes.addressof(license_buffer)),
                *(log_level, len(log) if log_level else 0, ctypes.addressof(log) if log_level else 0, 0, 0, name),
            )
            fd = _bpf(_PROG_LOAD, attr)
            if fd >= 0:
                return fd
            if fd == -errno.EPERM:
                raise NotSupportedError("loading BPF programs", "run as root (CAP_BPF and CAP_NET_ADMIN)")
        tail = "\n".join(log.value.decode(errors="replace").splitlines()[-20:])
        raise VerifierError(f"the kernel refused the program {self.spec.name}: {os.strerror(-fd)}\n{tail}")

    def attach(self, interface: str, flags: int = XDP_FLAGS_DRV_MODE) -> Link:
        """Attach to an interface of the calling thread's namespace, until the link is closed or the process dies."""
        try:
            index = interface_index(interface)
        except OSError as error:
            raise SetupError(f"no interface {interface} in this namespace") from error
        fd = _bpf(_LINK_CREATE, struct.pack("=IIII", self.fd, index, _ATTACH_XDP, flags))
        if fd in (-errno.EBUSY, -errno.EEXIST):
            raise SetupError(f"{interface} already has an XDP program: detach it first")
        if fd == -errno.EOPNOTSUPP:
            raise NotSupportedError(f"native XDP on {interface}", "use an interface whose driver has it, such as veth")
        if fd < 0:
            raise SetupError(f"cannot attach {self.spec.name} to {interface}: {os.strerror(-fd)}")
        return Link(fd)

    def run_live(self, frame: bytes, repeat: int, batch_size: int = 64) -> None:
        """Run the program on ``repeat`` live frames; what it redirects or transmits really leaves (kernel 5.18).

        Args:
            frame: What each frame buffer holds at first; frames come round again as the program left them.
            repeat: How many.
            batch_size: How many are handed on together; at most 256.

        Raises:
            InterruptedError: A signal ended the run early.
        """
        data = ctypes.create_string_buffer(frame, len(frame))
        attr = struct.pack(
            "=IIIIQQIIIIQQIII",
            *(self.fd, 0, len(frame), 0, ctypes.addressof(data), 0, repeat, 0),
            *(0, 0, 0, 0, _TEST_XDP_LIVE_FRAMES, 0, batch_size),
        )
        status = _bpf(_PROG_TEST_RUN, attr)
        if status == -errno.EINTR:
            raise InterruptedError("the run was interrupted")
        if status == -errno.EINVAL:
            raise NotSupportedError("live frames through the kernel's test run", "use kernel 5.18 or later")
        if status < 0:
            raise LoadError(f"running {self.spec.name} on live frames: {os.strerror(-status)}")

    def test_run(self, frame: bytes, repeat: int) -> tuple[int, int]:
        """Run the program on a frame so often, without sending it anywhere.

        Args:
            frame: At least 14 bytes; each run finds it as the last one left it.
            repeat: How often.

        Returns:
            The last verdict, and the mean time of a run in nanoseconds.
        """
        data = ctypes.create_string_buffer(frame, len(frame))
        attr = struct.pack("=IIIIQQII", self.fd, 0, len(frame), 0, ctypes.addressof(data), 0, repeat, 0)
        buffer = ctypes.create_string_buffer(attr, len(attr))
        if _libc.syscall(_SYSCALL_NUMBER, _PROG_TEST_RUN, buffer, len(attr)) < 0:
            raise LoadError(f"running {self.spec.name}: {os.strerror(ctypes.get_errno())}")
        _, verdict, *_, duration_ns = struct.unpack_from("=IIIIQQII", buffer)
        return verdict, duration_ns

    def close(self) -> None:
        """Close the program and its maps; where it is attached it stays attached."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        for m in self.maps.values():
            m.close()


class Link:
    """An attachment; closing it detaches."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


@functools.cache
def possible_cpus() -> int:
    """Return how many CPUs the kernel provides for: a per-CPU value has that many parts."""
    last = Path("/sys/devices/system/cpu/possible").read_text().strip().split(",")[-1]
    return int(last.split("-")[-1]) + 1


def interface_index(interface: str) -> int:
    """Return an interface's index in the calling thread's namespace; raises OSError if there is none."""
    index = _libc.if_nametoindex(interface.encode())  # socket.if_nametoindex refuses names a bytes call takes
    if index == 0:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), interface)
    return int(index)


def _with_descriptors(bytecode: bytes, descriptors: list[int]) -> bytes:
    """Return the bytecode with map indexes replaced by descriptors."""
    code = bytearray(bytecode)
    for at in range(0, len(code), 8):
        if code[at] == _LD_IMM64 and code[at + 1] >> 4 == _PSEUDO_MAP_FD:
            index = struct.unpack_from("=i", code, at + 4)[0]
            struct.pack_into("=i", code, at + 4, descriptors[index])
    return bytes(code)


def _bpf(command: int, attr: bytes) -> int:
    """Call bpf(2); returns its result or a negative errno."""
    buffer = ctypes.create_string_buffer(attr, len(attr))
    result = _libc.syscall(_SYSCALL_NUMBER, command, buffer, len(attr))
    return int(result) if result >= 0 else -ctypes.get_errno()


def _create(command: int, attr: bytes, what: str) -> int:
    """Call bpf(2); a failure is raised."""
    result = _bpf(command, attr)
    if result == -errno.EPERM:
        raise NotSupportedError(what, "run as root (CAP_BPF and CAP_NET_ADMIN)")
    if result < 0:
        raise LoadError(f"{what}: {os.strerror(-result)}")
    return result
