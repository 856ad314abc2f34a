"""Captures the frames that arrive at an interface, and waits for expected ones.

A packet socket is opened inside the interface's namespace; the kernel keeps what arrives until somebody looks, so
nothing needs a thread or a process.  Where one can look: at hosts, and in taps (``taps.py``).  Not at the port of a
switch: XDP takes frames there before packet sockets see them, and what it sends never passes them either.

Made by ``OvsP4Host.capture`` and ``Network.capture``.

Source: packet(7); linux/if_packet.h.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from datapath import TestbedError, write_pcap
from testbed.diff import diff_packets, dissect, ignore_mask, matches
from testbed.namespaces import Namespace

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_PACKET_IGNORE_OUTGOING = 23
_PACKET_OUTGOING = 4
_TP_STATUS_VLAN_VALID = 1 << 4
_TP_STATUS_VLAN_TPID_VALID = 1 << 6
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35  # SO_TIMESTAMPNS_OLD; a struct timespec of two longs
_BUFFER_SIZE = 8 << 20  # bytes that wait for somebody to look
_FRAME_MAX = 65536
_SHOWN = 5  # other packets named in a failure


@dataclass(frozen=True)
class Captured:
    """A captured frame."""

    data: bytes
    time_s: float  # since 1970, by the kernel
    outgoing: bool  # sent by the interface itself

    @property
    def packet(self) -> Any:
        """The frame as a scapy packet."""
        from scapy.layers.l2 import Ether

        return Ether(self.data)

    def __repr__(self) -> str:
        return f"<{self.packet.summary()}, {len(self.data)} bytes>"


class Capture:
    """A capture at one interface; starts with ``start`` or at the beginning of a ``with`` block."""

    def __init__(
        self, namespace: Namespace, interface: str, *, where: str, pcap: Path | None = None, both: bool = False
    ) -> None:
        """Prepare.

        Args:
            namespace: where the interface is.
            interface: its name.
            where: what to call it in messages.
            pcap: a file to write everything to at the end.
            both: also take what the interface sends.
        """
        self.where = where
        self._namespace = namespace
        self._interface = interface
        self._pcap = pcap
        self._both = both
        self._socket: socket.socket | None = None
        self._seen: list[Captured] = []
        self._n_lost = 0

    # -------------------------------------------------------------------------------------------- life
    def start(self) -> Self:
        """Begin; everything that arrives from now on is caught."""
        if self._socket is None:
            # without a protocol it takes nothing until it is bound, so nothing of other interfaces
            sock = self._namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_SIZE)
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
                if not self._both:
                    sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
                sock.bind((self._interface, _ETH_P_ALL))
                sock.setblocking(False)
            except OSError as error:
                sock.close()
                raise TestbedError(f"cannot capture at {self.where}: {error.strerror}") from error
            self._socket = sock
        return self

    def stop(self) -> None:
        """End; what was caught stays, and is written to the pcap file if one was asked for.  May be called again."""
        if self._socket is None:
            return
        self._drain()
        self._socket.close()
        self._socket = None
        if self._pcap is not None:
            self.write_pcap(self._pcap)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -------------------------------------------------------------------------------------------- what was caught
    @property
    def frames(self) -> list[Captured]:
        """Everything caught so far."""
        self._drain()
        return list(self._seen)

    @property
    def packets(self) -> list[Any]:
        """Everything caught so far, as scapy packets."""
        return [frame.packet for frame in self.frames]

    @property
    def n_lost(self) -> int:
        """How many frames the kernel threw away because nobody looked in time."""
        self._drain()
        return self._n_lost

    def clear(self) -> None:
        """Forget what was caught so far."""
        self._drain()
        self._seen.clear()

    def write_pcap(self, path: Path) -> None:
        """Write what was caught to a file."""
        self._drain()
        write_pcap(path, ((frame.time_s, frame.data) for frame in self._seen))

    # -------------------------------------------------------------------------------------------- expectations
    def expect(
        self,
        packet: Any,
        *,
        ignore: Iterable[str] = (),
        mask: bytes = b"",
        count: int = 1,
        timeout_s: float = 2.0,
    ) -> Captured:
        """Wait until a packet was caught; frames caught before the call count too.

        Args:
            packet: what is expected: a scapy packet or bytes.
            ignore: fields that do not count: ``["IP.ttl", "IP.chksum"]``, or a layer.
            mask: ones for the bits that count, instead of ``ignore``.
            count: how many such packets to wait for.
            timeout_s: seconds to wait.

        Returns:
            The last of them.

        Raises:
            AssertionError: It did not come; shows what came instead, field by field.
        """
        __tracebackhide__ = True  # pytest: a wrong name in ``ignore`` is the test's mistake
        expected = bytes(packet)
        mask = mask or ignore_mask(dissect(packet), ignore)
        deadline = time.monotonic() + timeout_s
        while True:
            found = [frame for frame in self.frames if matches(expected, frame.data, mask)]
            if len(found) >= count:
                return found[count - 1]
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AssertionError(self._failure(packet, mask, len(found), count, timeout_s))
            self._wait(left_s)

    def expect_none(self, packet: Any = None, *, ignore: Iterable[str] = (), wait_s: float = 0.1) -> None:
        """Fail if a packet (any, if none is given) was caught or is caught within the time.

        Better than waiting long: send a packet afterwards that must arrive, expect that, then call this with
        ``wait_s=0``.
        """
        mask = ignore_mask(dissect(packet), ignore) if packet is not None else b""
        deadline = time.monotonic() + wait_s
        while True:
            wrong = [f for f in self.frames if packet is None or matches(bytes(packet), f.data, mask)]
            if wrong:
                raise AssertionError(f"{self.where} got {wrong[0]!r}, which should not have come")
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            self._wait(left_s)

    def _failure(self, packet: Any, mask: bytes, n_found: int, count: int, timeout_s: float) -> str:
        """Say what came instead, the closest first."""
        expected = dissect(packet)
        text = f"{self.where} did not get {expected.summary()} within {timeout_s:g} s"
        if count > 1:
            text += f" ({n_found} of {count} came)"
        if self._n_lost:
            text += f"; the capture lost {self._n_lost} frames"
        others = [frame for frame in self._seen if not matches(bytes(expected), frame.data, mask)]
        if not others:
            return text + ("; nothing else came" if n_found else "; nothing came at all")
        closest = min(others, key=lambda frame: _distance(bytes(expected), frame.data, mask))
        text += f"\nthe closest of {len(others)} other packets differs in:\n"
        text += diff_packets(expected, closest.data, mask)
        rest = [frame for frame in others if frame is not closest]
        lines = [f"  {frame!r}" for frame in rest[:_SHOWN]] + ["  ..."] * (len(rest) > _SHOWN)
        return text + ("\nalso came:\n" + "\n".join(lines) if lines else "")

    # -------------------------------------------------------------------------------------------- the socket
    def _wait(self, timeout_s: float) -> None:
        if self._socket is None:
            raise TestbedError(f"the capture at {self.where} is not running; use it in a 'with' block")
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        poller.poll(timeout_s * 1000)

    def _drain(self) -> None:
        """Take over what the kernel has kept."""
        if self._socket is None:
            return
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(_FRAME_MAX, 256)
            except BlockingIOError:
                break
            except OSError:
                break  # the interface went down or away; what came before counts
            outgoing = address[2] == _PACKET_OUTGOING
            self._seen.append(_captured(data, ancillary, outgoing))
        _, n_lost = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self._n_lost += n_lost  # the kernel's counter restarts at every look


def _captured(data: bytes, ancillary: list[tuple[int, int, bytes]], outgoing: bool) -> Captured:
    """Put a frame together with its time, and with the VLAN tag that the kernel takes out of it."""
    time_s = 0.0
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(value) >= 16:
            seconds, nanoseconds = struct.unpack_from("qq", value)
            time_s = seconds + nanoseconds / 1e9
        elif (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA) and len(value) >= 20:
            # struct tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid
            status, _, _, _, _, tci, tpid = struct.unpack_from("IIIHHHH", value)
            if status & _TP_STATUS_VLAN_VALID:
                tpid = tpid if status & _TP_STATUS_VLAN_TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return Captured(data, time_s or time.time(), outgoing)


def _distance(expected: bytes, actual: bytes, mask: bytes) -> int:
    """Return how unlike two frames are, in bits; for choosing which difference to show."""
    bits = sum(((a ^ b) & m).bit_count() for a, b, m in zip(expected, actual, mask, strict=False))
    return bits + 8 * abs(len(expected) - len(actual))
