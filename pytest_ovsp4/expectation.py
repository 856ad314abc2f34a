"""What a test expects to arrive, or not to arrive, at a host; and what to say when it is otherwise.

Behind the ``expect`` and ``expect_none`` fixtures.  ``testbed/capture.py`` compares packets; this adds what the test
injected, followed hop by hop (``diagnosis.py``), and saves the captures.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from datapath import WaitTimeoutError
from pytest_ovsp4.diagnosis import drops_of, follow, injected_pcap
from testbed.capture import Captured
from testbed.nodes import OvsP4Host
from testbed.traffic import PacketLike
from testbed.wait import wait_until

if TYPE_CHECKING:
    from pytest_ovsp4.journal import Journal

_POLL_S = 0.02


class _Watch:
    """A capture at a host, and what the test injects meanwhile."""

    def __init__(self, journal: Journal, host: OvsP4Host) -> None:
        self.host = host
        self._journal = journal
        self._capture = host.capture()
        journal.captures.append((host.name, self._capture))
        self._n_injected_before = 0
        self._drops_before: dict[str, dict[str, int]] = {}

    def __enter__(self) -> Self:
        self._n_injected_before = len(self._journal.injected)
        self._drops_before = drops_of(self._journal.network)
        self._capture.start()
        return self

    @property
    def _injected(self) -> list[tuple[str, bytes]]:
        return self._journal.injected[self._n_injected_before :]

    def _new_drops(self) -> dict[str, dict[str, int]]:
        """Return what each switch dropped since the block began, by reason; only what is not zero."""
        news: dict[str, dict[str, int]] = {}
        for switch, drops in drops_of(self._journal.network).items():
            for reason, number in drops.items():
                more = number - self._drops_before[switch].get(reason, 0)
                if more > 0:
                    news.setdefault(switch, {})[reason] = more
        return news

    def _explain(self, message: str) -> AssertionError:
        """Add to a failure where the packets went, and save the captures."""
        lines = [message]
        for host, packet in dict.fromkeys(self._injected):
            lines += ["", *follow(self._journal.network, host, packet)]
            break  # one packet's way is enough; all are in the pcap
        if not self._injected:
            lines += ["", "nothing was injected inside the 'with' block"]
        for switch, drops in self._new_drops().items():
            lines.append(f"{switch} dropped meanwhile: " + ", ".join(f"{n} {reason}" for reason, n in drops.items()))
        folder = self._journal.results_dir
        folder.mkdir(parents=True, exist_ok=True)
        received = folder / f"{self.host.name}-received.pcap"
        self._capture.write_pcap(received)
        injected_pcap(folder / "injected.pcap", [packet for _, packet in self._injected])
        lines += ["", f"captures: {received}", f"          {folder / 'injected.pcap'}"]
        return AssertionError("\n".join(lines))


class Expectation(_Watch):
    """A packet that must arrive while the ``with`` block runs, or soon after; then ``captured`` is the last one."""

    def __init__(
        self,
        journal: Journal,
        host: OvsP4Host,
        packet: PacketLike,
        ignore: tuple[str, ...],
        mask: bytes,
        count: int,
        timeout_s: float,
    ) -> None:
        super().__init__(journal, host)
        self._packet = packet
        self._ignore = ignore
        self._mask = mask
        self._count = count
        self._timeout_s = timeout_s
        self.captured: Captured | None = None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        failure = None
        try:
            if kind is None:
                self.captured = self._capture.expect(
                    self._packet,
                    ignore=self._ignore,
                    mask=self._mask,
                    count=self._count,
                    timeout_s=self._timeout_s,
                )
        except AssertionError as error:
            failure = self._explain(str(error))
        finally:
            self._capture.stop()
        if failure is not None:
            raise failure


class Absence(_Watch):
    """Nothing may arrive while the ``with`` block runs, nor until what was injected is accounted for."""

    def __init__(self, journal: Journal, host: OvsP4Host, drop: str, quiet_s: float, timeout_s: float) -> None:
        super().__init__(journal, host)
        self._drop = drop
        self._quiet_s = quiet_s
        self._timeout_s = timeout_s

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        failure = None
        try:
            if kind is None:
                self._wait()
                frames = self._capture.frames
                if frames:
                    failure = self._explain(f"{self.host.name} got {frames[0]!r}, and should get nothing")
        except WaitTimeoutError as error:
            failure = self._explain(str(error))
        finally:
            self._capture.stop()
        if failure is not None:
            raise failure

    def _wait(self) -> None:
        """Wait until the network has dropped all that was injected, or has come to rest."""
        wanted = len(self._injected)
        if self._drop:
            wait_until(
                lambda: sum(drops.get(self._drop, 0) for drops in self._new_drops().values()),
                self._timeout_s,
                what=f"{wanted} packets dropped as {self._drop}",
                until=lambda dropped: dropped >= wanted or bool(self._capture.frames),
            )
            return
        last, since = self._activity(), time.monotonic()
        while time.monotonic() - since < self._quiet_s and not self._capture.frames:
            time.sleep(_POLL_S)
            now = self._activity()
            if now != last:
                last, since = now, time.monotonic()

    def _activity(self) -> list[int]:
        """Return the packet counters of all ports."""
        client, switches = self._journal.network.client, self._journal.network.switches
        ports = (port for switch in switches for port in client.stats(switch)["ports"].values())
        return [number for port in ports for number in (port["rx_packets"], port["tx_packets"])]
