"""Counts what arrives at a host, by an XDP program on its interface, and records what was measured on which machine.

A ``Receiver`` attaches ``bpf/receiver.c`` to the host's interface for as long as it is open; the attachment belongs to
this process and goes with it.  Together with ``generator.py`` this measures throughput and loss; the plugin's
assertions and ``bench/`` use both.
"""

from __future__ import annotations

import functools
import platform
import shutil
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from datapath import WaitTimeoutError
from testbed.bpf.build import compile_bpf
from testbed.bpf.syscall import Link, Program
from testbed.namespaces import Namespace, call_in

MATCH_MAX_SIZE = 256  # bytes, MATCH_WORDS * 8 of bpf/receiver.c
_COUNTERS = struct.Struct("=QQQQQ")  # struct counters of bpf/receiver.c
_POLL_S = 0.002


@dataclass(frozen=True)
class Count:
    """What a receiver has seen since it was attached or reset."""

    n_packets: int
    n_bytes: int
    n_others: int  # packets that were not the wanted ones; they went on to the host
    first_ns: int  # boot clock at the first packet; 0: none
    last_ns: int  # at the last, or one of the last 64

    @property
    def pps(self) -> float:
        """Packets a second between the first and the last."""
        span_ns = self.last_ns - self.first_ns
        return (self.n_packets - 1) * 1e9 / span_ns if span_ns > 0 else 0.0


class Receiver:
    """Counts packets at an interface.

    Counted packets are dropped there (``drop=True``), which is the cheapest, or handed to the host.  An XDP program
    on a veth also switches its NAPI on, so that redirected packets arrive at all.
    """

    def __init__(
        self,
        host: int | Namespace,
        interface: str,
        template: bytes | None = None,
        mask: bytes | None = None,
        *,
        drop: bool = True,
    ) -> None:
        """Prepare; ``with`` attaches.

        Args:
            host: The host's network namespace, or a process in it.
            interface: The host's interface.
            template: Count only packets that begin like this, up to 256 bytes; all packets by default.
            mask: Which bits of the template count, as long as the template; all by default.
            drop: Drop what is counted; else the host gets it.

        Raises:
            ValueError: The template or the mask makes no sense.
        """
        self._host = host
        self._interface = interface
        self._match = _match(template, mask, drop)
        self._program: Program | None = None
        self._link: Link | None = None

    def __enter__(self) -> Self:
        """Attach the counter.

        Raises:
            SetupError: No such interface, or it has an XDP program already.
            NotSupportedError: No root, or the interface has no native XDP.
        """
        program = self._program = Program(compile_bpf("receive", "receiver.c"))
        try:
            program.maps["match_map"].update(0, self._match)
            self._link = call_in(self._host, lambda: program.attach(self._interface))
        except BaseException:
            program.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._link:
            self._link.close()
        if self._program:
            self._program.close()

    def count(self) -> Count:
        """Return what was seen since the last ``reset``."""
        return self._read()

    def reset(self) -> None:
        """Count from here on; call it while nothing arrives."""
        assert self._program, "the receiver is not attached"
        self._program.maps["counters_map"].update(0, b"")

    def set_match(self, template: bytes | None = None, mask: bytes | None = None, *, drop: bool = True) -> None:
        """Change what is counted, from here on; arguments as at the making."""
        assert self._program, "the receiver is not attached"
        self._program.maps["match_map"].update(0, _match(template, mask, drop))

    def wait_for(self, n_packets: int, timeout_s: float = 5.0) -> Count:
        """Wait until so many packets have been counted.

        Raises:
            WaitTimeoutError: Fewer arrived in time; says how many.
        """
        deadline = time.monotonic() + timeout_s
        while (seen := self.count()).n_packets < n_packets:
            if time.monotonic() > deadline:
                raise WaitTimeoutError(
                    f"{self._interface}: {seen.n_packets} of {n_packets} packets arrived within {timeout_s:g} s"
                    f" ({seen.n_others} others)"
                )
            time.sleep(_POLL_S)
        return seen

    def settle(self, quiet_s: float = 0.05, timeout_s: float = 5.0) -> Count:
        """Wait until nothing has arrived for ``quiet_s`` seconds, at most ``timeout_s``, and return the count."""
        deadline = time.monotonic() + timeout_s
        seen, since = self.count(), time.monotonic()
        while time.monotonic() < min(since + quiet_s, deadline):
            time.sleep(_POLL_S)
            if (now := self.count()).n_packets != seen.n_packets:
                seen, since = now, time.monotonic()
        return seen

    def _read(self) -> Count:
        """Add up the CPUs' counters."""
        assert self._program, "the receiver is not attached"
        raw = self._program.maps["counters_map"].read(0)
        parts = [_COUNTERS.unpack_from(raw, at) for at in range(0, len(raw), _COUNTERS.size)]
        firsts = [p[3] for p in parts if p[3]]
        return Count(
            sum(p[0] for p in parts),
            sum(p[1] for p in parts),
            sum(p[2] for p in parts),
            min(firsts, default=0),
            max(p[4] for p in parts),
        )


def _match(template: bytes | None, mask: bytes | None, drop: bool) -> bytes:
    """Return struct match of bpf/receiver.c."""
    template = template or b""
    mask = mask if mask is not None else b"\xff" * len(template)
    if len(template) > MATCH_MAX_SIZE:
        raise ValueError(f"a template of {len(template)} bytes: at most {MATCH_MAX_SIZE} can be compared")
    if len(mask) != len(template):
        raise ValueError(f"the mask has {len(mask)} bytes, the template {len(template)}")
    size = len(mask.rstrip(b"\0"))
    value = bytes(v & m for v, m in zip(template[:size], mask[:size], strict=True))
    return struct.pack(f"=II{MATCH_MAX_SIZE}s{MATCH_MAX_SIZE}s", size, int(drop), value, mask[:size])


@functools.cache
def describe_machine() -> Mapping[str, str]:
    """Return what every measurement records about the machine: kernel, processor, compilers.

    The XDP mode and the topology belong to the single measurement; its caller adds them.
    """
    cc = shutil.which("cc")
    version = subprocess.run([cc, "--version"], capture_output=True, text=True, check=False).stdout if cc else ""
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": str(len(_cpus())),
        "compiler": version.splitlines()[0] if version else "none",
        "bpf_compiler": compile_bpf("receive", "receiver.c").compiler,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cpus() -> list[str]:
    return [line for line in Path("/proc/stat").read_text().splitlines() if line[:3] == "cpu" and line[3].isdigit()]
