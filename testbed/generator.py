"""Sends packets at line rate from a host, by running a small XDP program on live frames (no kernel module needed).

The caller gives up to 1,024 templates; the program (``bpf/generator.c``) writes one after the other over each frame it
gets and redirects it out of the host's interface, so that it arrives at the interface's peer as any packet does.  The
system call runs on a thread in the host's namespace, in pieces of half a second, so that a Ctrl-C ends it; the death of
the process does at once.  Used by the plugin's throughput assertions and by ``bench/``; what arrives is counted by
``measure.py``.

The thread stays on one CPU, where the kernel forwards each batch before it makes the next: a switch in the kernel is
measured at its own speed then, and loses nothing.  A switch in userspace is overrun if nothing paces the generator.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from datapath import SetupError
from testbed.bpf.build import compile_bpf
from testbed.bpf.syscall import Program, interface_index
from testbed.namespaces import Namespace, call_in

MAX_TEMPLATES = 1024
MIN_SIZE, MAX_SIZE = 14, 2048  # bytes; the test-run call refuses less than an Ethernet header
_WORDS = (8, 32, 256)  # a program for frames of up to so many words of 8 bytes
_FIRST_PIECE = 1 << 14  # runs of the first system call, which tells how fast they are
_PIECE_S = 0.5  # aimed at for each further call; ends between two calls are 20 ms without traffic
_SETTLE_S = 0.2  # for the last packets to show in the counters of the interface
_CONFIG = struct.Struct("=IIIIQQQQQQQQII")  # struct config of bpf/generator.c


@dataclass(frozen=True)
class Sent:
    """What a generator sent."""

    n_packets: int
    n_bytes: int
    n_refused: int  # of n_packets: did not fit into the peer's receive ring, so are lost at the first hop
    duration_s: float

    @property
    def pps(self) -> float:
        """Packets a second, offered."""
        return self.n_packets / self.duration_s if self.duration_s else 0.0


@dataclass(frozen=True)
class _Progress:
    """Where the program stands."""

    n_sent: int
    n_limit: int  # lowered to n_sent when the time is over
    first_ns: int
    last_ns: int


def blast(
    sender: int | Namespace,
    interface: str,
    templates: Sequence[bytes],
    n_packets: int | None = None,
    duration_s: float | None = None,
    rate_pps: float | None = None,
    *,
    vary_offset: int = 0,
    cpu: int | None = None,
) -> Sent:
    """Send templates in turn from a host's interface, and return when all are sent.

    Args:
        sender: The host's network namespace, or a process in it.
        interface: The host's interface; its peer must run NAPI (an XDP program, or ``gro on``).
        templates: 1 to 1,024 frames of 14 to 2,048 bytes, without the frame check sequence.
        n_packets: How many to send; else ``duration_s`` says for how long.
        duration_s: Seconds to send for.
        rate_pps: Packets a second; as fast as possible by default.
        vary_offset: Write the packet's number, 4 bytes big endian, at this byte of every packet; 0: nowhere.
        cpu: Run on this CPU; by default on the one where it happens to start.

    Returns:
        What was sent.

    Raises:
        SetupError: No such interface, or its peer takes nothing.
        ValueError: The templates or amounts make no sense.
        NotSupportedError: No root, or no kernel 5.18.
    """
    with Generator(sender, interface, templates, vary_offset=vary_offset, cpu=cpu) as generator:
        generator.start(n_packets, duration_s, rate_pps)
        return generator.wait()


class Generator:
    """A loaded generator that can send several times, in the background."""

    def __init__(
        self,
        sender: int | Namespace,
        interface: str,
        templates: Sequence[bytes],
        *,
        vary_offset: int = 0,
        cpu: int | None = None,
    ) -> None:
        """Load the program; parameters as for ``blast``."""
        _check_templates(templates, vary_offset)
        self._sender = sender
        self._interface = interface
        self._templates = tuple(templates)
        self._vary_offset = vary_offset
        self._cpu = cpu
        self._n_runs = {False: _FIRST_PIECE, True: _FIRST_PIECE}  # of the next system call; paced or not
        self._stop = threading.Event()
        self._sending: Future[Sent] | None = None
        longest = max(len(t) for t in templates)
        words = next(w for w in _WORDS if longest <= 8 * w)
        spec = compile_bpf("generate", "generator.c", {"TEMPLATE_WORDS": str(words)})
        self._program = Program(spec, {"template_map": len(templates)})
        for i, template in enumerate(self._templates):
            self._program.maps["template_map"].update(i, struct.pack("=II", len(template), 0) + template)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self, n_packets: int | None = None, duration_s: float | None = None, rate_pps: float | None = None
    ) -> None:
        """Begin to send; parameters as for ``blast``."""
        if (n_packets is None) == (duration_s is None):
            raise ValueError("give either n_packets or duration_s")
        if (n_packets or 0) < 0 or (duration_s or 0) < 0 or (rate_pps is not None and rate_pps <= 0):
            raise ValueError("n_packets and duration_s cannot be negative, rate_pps must be above 0")
        if self._sending and not self._sending.done():
            raise ValueError("the generator is sending already")
        self._stop.clear()
        limit = n_packets if n_packets is not None else 1 << 62
        interval_ns = int(1e9 / rate_pps) if rate_pps else 0
        limit_ns = int((duration_s or 0) * 1e9)
        sending: Future[Sent] = Future()
        self._sending = sending

        def run() -> None:
            try:
                sending.set_result(call_in(self._sender, lambda: self._send(limit, limit_ns, interval_ns)))
            except BaseException as error:  # handed to whoever waits
                sending.set_exception(error)

        threading.Thread(target=run, name=f"generator-{self._interface}", daemon=True).start()

    def wait(self) -> Sent:
        """Return what was sent, once the sending has ended; raises what went wrong, as ``blast`` does."""
        if self._sending is None:
            raise ValueError("the generator was not started")
        try:
            return self._sending.result()
        except BaseException:
            self._stop.set()
            raise

    def stop(self) -> Sent:
        """End the sending within half a second, and return what was sent."""
        self._stop.set()
        return self.wait()

    def close(self) -> None:
        """Stop and unload."""
        self._stop.set()
        if self._sending:
            self._sending.exception()  # waits for the thread, which uses the program
        self._program.close()

    # -------------------------------------------------------------------------------- on the thread in the namespace
    def _send(self, n_limit: int, limit_ns: int, interval_ns: int) -> Sent:
        """Send in pieces until the program says that the amount or the time is reached, or the stop flag is set."""
        # Never from CPU to CPU: what the kernel still has to do for a batch stays behind on the old one, and the peer's
        # ring would overflow meanwhile.
        os.sched_setaffinity(0, {_current_cpu() if self._cpu is None else self._cpu})
        self._configure(n_limit, limit_ns, interval_ns)
        frame = max(self._templates, key=len)
        before = _tx_counters(self._interface)
        paced = interval_ns > 0  # most runs of a paced program only look at the clock
        progress = self._progress()
        while progress.n_sent < progress.n_limit and not self._stop.is_set():
            n_runs = self._n_runs[paced]
            if not paced:
                n_runs = min(n_runs, progress.n_limit - progress.n_sent)
            start = time.monotonic()
            self._program.run_live(frame, n_runs)
            progress = self._progress()
            self._n_runs[paced] = max(_FIRST_PIECE, int(n_runs * _PIECE_S / (time.monotonic() - start)))
        n_sent = progress.n_sent
        n_taken, n_refused = self._accepted(before, n_sent)
        if n_sent and not n_taken and not n_refused:
            raise SetupError(
                f"none of {n_sent} packets left {self._interface}: it or its peer is down, or the peer runs no NAPI;"
                " turn gro on there, or attach an XDP program"
            )
        return Sent(n_sent, self._n_bytes(n_sent), n_refused, (progress.last_ns - progress.first_ns) / 1e9)

    def _configure(self, n_limit: int, limit_ns: int, interval_ns: int) -> None:
        """Point the program at the interface, and begin with the first template."""
        try:
            index = interface_index(self._interface)
        except OSError as error:
            raise SetupError(f"no interface {self._interface} in the sender's namespace") from error
        longest = max(len(t) for t in self._templates)
        begin = (index, len(self._templates), longest, self._vary_offset, 0)
        config = _CONFIG.pack(*begin, n_limit, limit_ns, interval_ns, 0, 0, 0, 0, 0, 0)
        self._program.maps["config_map"].update(0, config)

    def _progress(self) -> _Progress:
        """Return how far the program is."""
        config = _CONFIG.unpack(self._program.maps["config_map"].read(0))
        return _Progress(n_sent=config[4], n_limit=config[5], first_ns=config[10], last_ns=config[11])

    def _accepted(self, before: tuple[int, int], n_sent: int) -> tuple[int, int]:
        """Return how many packets the peer took and how many it refused, when the counters have come to rest."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            now = _tx_counters(self._interface)
            taken, refused = now[0] - before[0], now[1] - before[1]
            if taken + refused >= n_sent or time.monotonic() > deadline:
                return taken, refused
            time.sleep(0.001)

    def _n_bytes(self, n_sent: int) -> int:
        rounds, rest = divmod(n_sent, len(self._templates))
        sizes = [len(t) for t in self._templates]
        return rounds * sum(sizes) + sum(sizes[:rest])


def _current_cpu() -> int:
    return int(ctypes.CDLL(None).sched_getcpu())


def _check_templates(templates: Sequence[bytes], vary_offset: int) -> None:
    if not 1 <= len(templates) <= MAX_TEMPLATES:
        raise ValueError(f"{len(templates)} templates: give 1 to {MAX_TEMPLATES}")
    for i, template in enumerate(templates):
        if not MIN_SIZE <= len(template) <= MAX_SIZE:
            raise ValueError(f"template {i} has {len(template)} bytes: {MIN_SIZE} to {MAX_SIZE} can be sent")
    if vary_offset and not 0 < vary_offset <= min(len(t) for t in templates) - 4:
        raise ValueError(f"vary_offset {vary_offset} is not within the shortest template")


def _tx_counters(interface: str) -> tuple[int, int]:
    """Return (sent, dropped) of an interface of the calling thread's namespace.

    Of a veth, "sent" counts what the peer's XDP side took out of its ring, "dropped" what did not fit into it.
    """
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            fields = numbers.split()
            return int(fields[9]), int(fields[11])
    raise SetupError(f"no interface {interface} in this namespace")
