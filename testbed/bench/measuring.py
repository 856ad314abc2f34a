"""Measures one forwarder: warms it up, checks that packets come out as they should, then counts in rounds.

Used by ``run.py`` for every case in the same way.

Placement: the generator, and everything that the kernel does for its packets, is on CPU 0; threads of a switch in
userspace are on CPU 1.  So a forwarder in the kernel shares CPU 0 with the generator, is offered exactly what it can
take and loses nothing; one in userspace is overrun at full speed, hence the second figure, the loss when offered 80 %
of what it can take.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from testbed.bench.case import Forwarder
from testbed.bench.rig import RECEIVER_MAC, TRAFFIC_CPU
from testbed.bench.traffic import N_FLOWS
from testbed.generator import Generator
from testbed.measure import Receiver
from testbed.wait import wait_until

WARM_UP_TIMEOUT_S = 20.0
WARM_UP_PPS = (20_000, 10_000, 5_000)
PACED_SHARE = 0.8  # of the throughput


@dataclass(frozen=True)
class Round:
    """One round's figures."""

    pps: float  # received
    offered_pps: float
    loss: float  # share of the packets sent that did not arrive


class Bench:
    """A forwarder with a generator on its one side and a receiver on the other."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self.rounds: list[Round] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        rig = self.forwarder.rig
        try:
            self._receiver = self._stack.enter_context(Receiver(rig.receiver, "rx"))
            generator = Generator(rig.sender, "tx", self.forwarder.templates, cpu=TRAFFIC_CPU)
            self._generator = self._stack.enter_context(generator)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let the forwarder work for a while."""
        self.forwarder.resume()
        try:
            yield
        finally:
            self.forwarder.pause()

    def warm_up(self) -> None:
        """Send slowly until every flow gets through, so that each is set up; then check what comes out.

        Raises:
            WaitTimeoutError: Packets do not get through; says how many do.
        """
        self._wait_all("packets, one a flow, to get through")
        if self.forwarder.rewrites:
            # Routed: to the receiver's MAC address, with the time to live decremented to 63.
            wanted = bytes.fromhex(RECEIVER_MAC.replace(":", "")) + bytes(16) + b"\x3f"
            self._receiver.set_match(wanted, b"\xff" * 6 + bytes(16) + b"\xff")
            self._wait_all("packets to come out with MAC address and TTL rewritten")
            self._receiver.set_match()

    def _wait_all(self, what: str) -> None:
        """Send each template once, again and ever slower, until all of one turn are counted."""
        rates = itertools.chain(WARM_UP_PPS, itertools.repeat(WARM_UP_PPS[-1]))
        what = f"all of {N_FLOWS} {what}"
        wait_until(lambda: self._count_at(next(rates)), WARM_UP_TIMEOUT_S, what=what, until=lambda n: n == N_FLOWS)

    def _count_at(self, rate_pps: int) -> int:
        """Send each template once; return how many packets are counted."""
        self.forwarder.check()
        self._receiver.reset()
        self._generator.start(n_packets=N_FLOWS, rate_pps=rate_pps)
        self._generator.wait()
        return self._receiver.settle(quiet_s=0.1).n_packets

    def run_round(self, duration_s: float) -> None:
        """Send as fast as possible for some time, and note the figures."""
        self.rounds.append(self._measure(duration_s, None))

    def run_paced(self, duration_s: float) -> Round:
        """Send 80 % of the median throughput."""
        return self._measure(duration_s, PACED_SHARE * self.median_pps())

    def median_pps(self) -> float:
        return statistics.median(r.pps for r in self.rounds)

    def median_loss(self) -> float:
        return statistics.median(r.loss for r in self.rounds)

    def _measure(self, duration_s: float, rate_pps: float | None) -> Round:
        self._receiver.reset()
        self._generator.start(duration_s=duration_s, rate_pps=rate_pps)
        sent = self._generator.wait()
        seen = self._receiver.settle(quiet_s=0.05)
        self.forwarder.check()
        return Round(seen.pps, sent.pps, max(0.0, 1 - seen.n_packets / sent.n_packets))
