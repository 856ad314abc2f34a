"""Links through a tap: everything passes unchanged, can be watched in the middle, and is slowed down as asked."""

from __future__ import annotations

import socket
import time

import pytest
from scapy.layers.l2 import Dot1Q, Ether

from datapath import NotSupportedError
from testbed.capture import Capture
from testbed.traffic import inject
from testbed.wait import wait_until
from tests.testbed.pairs import Pair
from tests.testbed.test_capture import ETHER, PACKET, Sender

pytestmark = pytest.mark.network


def test_frames_pass_and_are_seen_in_the_middle(tapped_pair: Pair) -> None:
    tap = tapped_pair.tap
    assert tap is not None
    with (
        Capture(tapped_pair.b, "b0", where="b") as end,
        Capture(tap.namespace, "a", where="middle, from a") as middle,
        Capture(tap.namespace, "b", where="middle, from b") as other_way,
    ):
        inject(Sender(tapped_pair.a), PACKET)
        assert end.expect(PACKET).data == bytes(PACKET)
        middle.expect(PACKET, timeout_s=0)
        other_way.expect_none(PACKET, wait_s=0)


@pytest.mark.parametrize("size", [14, 15, 17, 20, 60, 1514])
def test_frames_of_any_size_pass_with_their_tags(tapped_pair: Pair, size: int) -> None:
    tagged = bytes(ETHER / Dot1Q(vlan=77, prio=3) / bytes(1500))  # the kernel takes no tag without an EtherType behind
    frame = tagged[:size] if size >= 20 else bytes(ETHER)[:12] + b"\x88\xb5\1\2\3\4"[: size - 12]
    with Capture(tapped_pair.b, "b0", where="b") as end:
        inject(Sender(tapped_pair.a), frame)
        assert end.expect(frame).data == frame


def test_multicast_for_bridges_passes_too(tapped_pair: Pair) -> None:
    lldp = Ether(dst="01:80:c2:00:00:0e", src="02:00:00:00:00:0a", type=0x88CC) / bytes(46)
    with Capture(tapped_pair.b, "b0", where="b") as end:
        inject(Sender(tapped_pair.a), lldp)
        end.expect(lldp)


def _send_for(pair: Pair, n_bytes: int) -> float:
    """Send so many bytes by TCP through the pair; return how long it took."""
    with pair.b.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("10.9.0.2", 0))
        server.listen()
        with pair.a.socket(socket.AF_INET, socket.SOCK_STREAM) as sender:
            sender.connect(server.getsockname())
            receiver, _ = server.accept()
            with receiver:
                sender.setblocking(False)
                receiver.setblocking(False)
                return _pump(sender, receiver, n_bytes)


def _pump(sender: socket.socket, receiver: socket.socket, n_bytes: int) -> float:
    import select

    started, n_sent, n_received = time.monotonic(), 0, 0
    while n_received < n_bytes:
        assert time.monotonic() - started < 20, f"stuck at {n_received} bytes"
        readable, writable, _ = select.select([receiver], [sender] if n_sent < n_bytes else [], [], 1)
        if readable:
            n_received += len(receiver.recv(1 << 20))
        if writable:
            n_sent += sender.send(bytes(min(1 << 16, n_bytes - n_sent)))
    return time.monotonic() - started


def test_bandwidth_is_limited(tapped_pair: Pair) -> None:
    assert tapped_pair.tap is not None
    unlimited_s = _send_for(tapped_pair, 2_500_000)
    tapped_pair.tap.shape(bandwidth_mbps=40)
    limited_s = _send_for(tapped_pair, 2_500_000)
    rate_mbps = 2_500_000 * 8 / limited_s / 1e6
    assert 20 < rate_mbps < 44, rate_mbps
    assert unlimited_s < limited_s


def test_delay_or_a_clear_refusal(tapped_pair: Pair) -> None:
    assert tapped_pair.tap is not None
    refusal = ""
    try:
        tapped_pair.tap.shape(delay_ms=20)
    except NotSupportedError as error:
        refusal = str(error)
    if refusal:
        what = "delay_ms (queueing discipline netem)"
        assert refusal == f"{what}: this kernel lacks sch_netem; load the module, or leave it out"
        return
    started = time.monotonic()
    with Capture(tapped_pair.b, "b0", where="b") as end:
        inject(Sender(tapped_pair.a), PACKET)
        end.expect(PACKET)
    assert time.monotonic() - started >= 0.02


def test_a_closed_tap_cuts_the_link(tapped_pair: Pair) -> None:
    assert tapped_pair.tap is not None
    for _ in range(2):
        tapped_pair.tap.close()
    left = wait_until(
        lambda: tapped_pair.a.call(socket.if_nameindex), what="the end of the link", until=lambda names: len(names) == 1
    )
    assert left == [(1, "lo")]
