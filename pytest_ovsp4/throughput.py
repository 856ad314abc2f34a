"""Throughput between two hosts: live frames from one, counted at the other.  Used by the ``throughput`` fixture."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.generator import Generator
from testbed.measure import Receiver
from testbed.nodes import OvsP4Host

WARM_UP_PPS = 5_000


@dataclass(frozen=True)
class Throughput:
    """What was sent, and what of it arrived."""

    sent: int  # packets
    received: int
    pps: float  # at the receiver

    @property
    def loss(self) -> float:
        """Share of the packets that did not arrive, 0 to 1."""
        return 1 - self.received / self.sent if self.sent else 0.0

    def __str__(self) -> str:
        return f"{self.sent} packets, {self.received} arrived ({self.loss:.2%} lost), {self.pps / 1e6:.2f} Mpps"


def measure_throughput(
    sender: OvsP4Host, receiver: OvsP4Host, frames: list[bytes], n_packets: int, rate_pps: float | None
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
    """
    with (
        Receiver(receiver.namespace, receiver.interface) as counter,
        Generator(sender.namespace, sender.interface, frames) as source,
    ):
        source.start(len(frames), None, WARM_UP_PPS)
        source.wait()
        counter.settle()
        counter.reset()
        source.start(n_packets, None, rate_pps)
        sent = source.wait()
        count = counter.settle()
    return Throughput(sent.n_packets, count.n_packets, count.pps)
