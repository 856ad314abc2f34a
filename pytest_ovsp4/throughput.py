"""Throughput between two hosts: live frames from one, counted at the other.  Used by the ``throughput`` fixture."""

from __future__ import annotations

import time
from dataclasses import dataclass

from testbed.generator import Generator
from testbed.measure import Count, Receiver
from testbed.nodes import OvsP4Host

WARM_UP_PPS = 5_000
_QUIET_S = 1.0  # nothing arrives for so long: what is missing is lost, and not only late on a busy machine
_POLL_S = 0.0005


@dataclass(frozen=True)
class Throughput:
    """What was sent, and what of it arrived."""

    sent: int  # packets
    received: int
    pps: float  # at the receiver
    window: int | None = None  # so many on their way at most: then `pps` is the pace of the measurement

    @property
    def loss(self) -> float:
        """Share of the packets that did not arrive, 0 to 1."""
        return 1 - self.received / self.sent if self.sent else 0.0

    def __str__(self) -> str:
        at_once = f", {self.window} at once" if self.window else ""
        return f"{self.sent} packets{at_once}, {self.received} arrived ({self.loss:.2%} lost), {rate_text(self.pps)}"


def rate_text(pps: float) -> str:
    """Return packets a second in a unit that leaves digits to read."""
    if pps >= 100_000:
        return f"{pps / 1e6:.2f} Mpps"
    return f"{pps / 1e3:.1f} kpps" if pps >= 1000 else f"{pps:.0f} pps"


def measure_throughput(
    sender: OvsP4Host,
    receiver: OvsP4Host,
    frames: list[bytes],
    n_packets: int,
    rate_pps: float | None,
    window: int | None = None,
) -> Throughput:
    """Send frames in turn and count all that arrives at the receiver meanwhile.

    Beforehand each frame is sent once, slowly, so that every switch on the way has its flow: what is measured is
    forwarding, not the milliseconds that setting flows up takes.

    Args:
        sender: Who sends.
        receiver: Where packets are counted; they are dropped there.
        frames: 1 to 1,024 frames, beginning with Ethernet.
        n_packets: How many to send.
        rate_pps: Packets a second; as fast as possible by default.
        window: Never have more than so many packets on their way; by default all are sent without looking.
    """
    with (
        Receiver(receiver.namespace, receiver.interface) as counter,
        Generator(sender.namespace, sender.interface, frames) as source,
    ):
        source.start(len(frames), None, WARM_UP_PPS)
        _collect(counter, source.wait().n_packets)
        counter.settle()
        counter.reset()
        n_sent = n_lost = 0
        while n_sent < n_packets:
            source.start(min(window or n_packets, n_packets - n_sent), None, rate_pps)
            n_sent += source.wait().n_packets
            n_lost = n_sent - _collect(counter, n_sent - n_lost).n_packets
        count = counter.settle()  # copies that nobody asked for come last
    return Throughput(n_sent, count.n_packets, count.pps, window)


def _collect(counter: Receiver, n_packets: int) -> Count:
    """Wait until so many packets have been counted, or until no more come."""
    last, since = -1, time.monotonic()
    while (count := counter.count()).n_packets < n_packets:
        if count.n_packets != last:
            last, since = count.n_packets, time.monotonic()
        elif time.monotonic() - since > _QUIET_S:
            break
        time.sleep(_POLL_S)
    return count
