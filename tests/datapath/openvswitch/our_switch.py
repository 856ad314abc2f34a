"""Our switch, to compare: one daemon with the same tables in a bridge on each engine, and hosts at real veths.

A packet goes three ways, by ``trace``, through the XDP engine and through the AF_XDP engine; all must agree before the
result is held against Open vSwitch's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from fabric_wires import Wires

from datapath.client import Client
from datapath.vswitchd.launch import Vswitchd

DEADLINE_S = 5.0
MARK = b"\x5a\xa5ovsp4"  # ends the packets of these tests, so that nobody else's are counted


class OurSwitch:
    """Bridges ``xdp`` and ``afxdp`` with ports 1 .. n each."""

    ENGINES = ("xdp", "afxdp")

    def __init__(self, switch: Vswitchd, n_ports: int, program: str = "l2l3") -> None:
        self.client: Client = switch.client
        self.ports = range(1, n_ports + 1)
        self._wires = Wires(switch, len(self.ENGINES) * n_ports)
        self._first_wire = {engine: i * n_ports for i, engine in enumerate(self.ENGINES)}
        for engine in self.ENGINES:
            given = self.client.add_bridge(engine, program, engine)
            assert given["engine"] == engine, given["reason"]
            for number in self.ports:
                self.client.add_port(engine, f"s{self._first_wire[engine] + number}", number)

    def close(self) -> None:
        self._wires.close()

    def load(self, flows: Sequence[str], groups: Sequence[str] = ()) -> None:
        """Replace all flows and groups."""
        for engine in self.ENGINES:
            self.client.del_flows(engine)
            self.client.del_groups(engine)
            if groups:
                self.client.add_groups(engine, groups)
            self.client.add_flows(engine, flows)

    def forward(self, packets: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Let packets in and return what comes out; all three ways must agree.

        Args:
            packets: (in_port, frame).

        Returns:
            (port, frame), by port.
        """
        expected = self.trace(packets)
        for engine in self.ENGINES:
            for port, packet in packets:
                self._wires.send(self._first_wire[engine] + port, packet)
        for engine in self.ENGINES:
            sent, wanted = Counter(self._collect(engine, Counter(expected))), Counter(expected)
            assert sent == wanted, f"{engine} does not do what trace says: lacks {wanted - sent}, has {sent - wanted}"
        return expected

    def trace(self, packets: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Return what ``trace`` says that comes out."""
        outputs = [output for port, packet in packets for output in self.client.trace("xdp", packet, port)["outputs"]]
        return sorted(((o["port"], bytes.fromhex(o["packet"])) for o in outputs), key=lambda sent: sent[0])

    def _collect(self, engine: str, expected: Counter[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Wait for what is expected, and take whatever else of ours is there by then."""
        sent: list[tuple[int, bytes]] = []
        deadline = time.monotonic() + DEADLINE_S
        while True:
            for number in self.ports:
                came = self._wires.pending(self._first_wire[engine] + number)
                sent += [(number, packet) for packet in came if packet.endswith(MARK) or expected[number, packet]]
            if len(sent) >= expected.total() or time.monotonic() > deadline:
                return sent
            time.sleep(0.0005)
