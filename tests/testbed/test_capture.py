"""Sending and capturing on a plain link: what comes is seen, in full, once, with its time."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap

from datapath import TestbedError
from testbed.capture import Capture
from testbed.namespaces import Namespace
from testbed.traffic import as_list, inject
from tests.testbed.pairs import Pair

pytestmark = pytest.mark.network
ETHER = Ether(dst="02:00:00:00:00:0b", src="02:00:00:00:00:0a")
PACKET = ETHER / IP(src="10.9.0.1", dst="10.9.0.9", ttl=64) / UDP(sport=1000, dport=2000) / Raw(b"some payload")


class Sender:
    """Side a of the pair, as ``inject`` wants it."""

    name = "a"
    interface = "a0"

    def __init__(self, namespace: Namespace) -> None:
        self.socket = namespace.socket


def _at_b(pair: Pair, pcap: Path | None = None) -> Capture:
    return Capture(pair.b, "b0", where="b", pcap=pcap)


def test_what_is_sent_is_captured(pair: Pair) -> None:
    with _at_b(pair) as capture:
        assert inject(Sender(pair.a), [PACKET, bytes(PACKET)]) == 2
        got = capture.expect(PACKET, count=2)
        assert got.data == bytes(PACKET)
        assert abs(got.time_s - time.time()) < 5
        assert not got.outgoing
        assert capture.n_lost == 0


def test_packets_sent_before_do_not_count(pair: Pair) -> None:
    inject(Sender(pair.a), PACKET)
    with _at_b(pair) as capture:
        capture.expect_none(wait_s=0.05)


@pytest.mark.parametrize("tags", [Dot1Q(vlan=100, prio=5), Dot1Q(vlan=0), Dot1AD(vlan=7) / Dot1Q(vlan=8)])
def test_vlan_tags_stay_in_the_frame(pair: Pair, tags: Dot1Q) -> None:
    packet = ETHER / tags / PACKET[IP]
    with _at_b(pair) as capture:
        inject(Sender(pair.a), packet)
        assert capture.expect(packet).data == bytes(packet)


def test_sizes_from_a_bare_header_to_the_mtu(pair: Pair) -> None:
    with _at_b(pair) as capture:
        for size in (14, 15, 59, 60, 61, 1513, 1514):
            packet = bytes(ETHER)[:12] + b"\x88\xb5" + bytes(range(256)) * 6
            inject(Sender(pair.a), packet[:size])
            assert len(capture.expect(packet[:size]).data) == size
            capture.clear()


def test_frames_that_cannot_be_sent(pair: Pair) -> None:
    with pytest.raises(TestbedError, match="packet 2 has 13 bytes"):
        inject(Sender(pair.a), [PACKET, b"x" * 13])
    with pytest.raises(TestbedError, match=r"packet 1 \(1600 bytes\) from a: longer than the interface's MTU"):
        inject(Sender(pair.a), b"x" * 1600)


def test_ranges_are_expanded() -> None:
    packets = as_list([ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ttl=[3, 4]), b"y" * 20])
    assert [packet[IP].ttl for packet in packets[:2]] == [3, 4]  # type: ignore[index]
    assert len(packets) == 3


def test_masked_expectation(pair: Pair) -> None:
    sent = PACKET.copy()
    sent[IP].ttl = 61
    with _at_b(pair) as capture:
        inject(Sender(pair.a), sent)
        got = capture.expect(PACKET, ignore=["IP.ttl", "IP.chksum"])
        assert got.packet[IP].ttl == 61


def test_a_failure_shows_the_closest_packet_field_by_field(pair: Pair) -> None:
    near, far = PACKET.copy(), PACKET.copy()
    near[IP].ttl = 63
    far[UDP].dport, far[IP].dst = 2001, "10.9.9.9"
    with _at_b(pair) as capture:
        inject(Sender(pair.a), [far, near])
        capture.expect(near)
        with pytest.raises(AssertionError) as caught:
            capture.expect(PACKET, timeout_s=0.05, ignore=["IP.chksum"])
    message = str(caught.value)
    assert message.startswith("b did not get Ether / IP / UDP 10.9.0.1:")
    assert (
        "within 0.05 s\nthe closest of 2 other packets differs in:\n  IP.ttl: expected 64, got 63\nalso came:"
        in message
    )
    assert "10.9.9.9" in message


def test_a_failure_without_any_packet(pair: Pair) -> None:
    with _at_b(pair) as capture, pytest.raises(AssertionError, match=r"within 0.02 s; nothing came at all"):
        capture.expect(PACKET, timeout_s=0.02)


def test_too_few(pair: Pair) -> None:
    with _at_b(pair) as capture:
        inject(Sender(pair.a), PACKET)
        with pytest.raises(AssertionError, match=r"\(1 of 2 came\); nothing else came"):
            capture.expect(PACKET, count=2, timeout_s=0.1)


def test_expect_none_fails_on_what_came(pair: Pair) -> None:
    with _at_b(pair) as capture:
        inject(Sender(pair.a), PACKET)
        capture.expect(PACKET)
        capture.expect_none(ETHER / b"other", wait_s=0)
        with pytest.raises(AssertionError, match=r"b got <Ether / IP / UDP .*, 54 bytes>, which should not have come"):
            capture.expect_none(PACKET, wait_s=0)


def test_outgoing_frames_only_if_asked_for(pair: Pair) -> None:
    with Capture(pair.a, "a0", where="a") as one, Capture(pair.a, "a0", where="a", both=True) as two:
        inject(Sender(pair.a), PACKET)
        assert two.expect(PACKET).outgoing
        one.expect_none(PACKET, wait_s=0)


def test_pcap_is_written_at_the_end(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "new" / "b.pcap"
    with _at_b(pair, path) as capture:
        inject(Sender(pair.a), [PACKET, PACKET])
        capture.expect(PACKET, count=2)
    assert struct.unpack("<I", path.read_bytes()[:4])[0] == 0xA1B23C4D
    read = rdpcap(str(path))
    assert [bytes(packet) for packet in read] == [bytes(PACKET)] * 2
    assert abs(float(read[0].time) - capture.frames[0].time_s) < 1e-6


def test_a_flood_is_counted_where_it_is_lost(pair: Pair) -> None:
    big = bytes(ETHER)[:12] + b"\x88\xb5" + b"x" * 1486
    with _at_b(pair) as capture:
        for _ in range(12):
            inject(Sender(pair.a), [big] * 1000)
        assert len(capture.frames) + capture.n_lost == 12_000
        assert capture.n_lost > 0, "8 MiB cannot hold them"


def test_capture_on_a_missing_interface(pair: Pair) -> None:
    with pytest.raises(TestbedError, match="cannot capture at nowhere: No such device"):
        Capture(pair.b, "none", where="nowhere").start()


def test_waiting_on_a_stopped_capture(pair: Pair) -> None:
    with _at_b(pair) as capture:
        pass
    with pytest.raises(TestbedError, match="is not running"):
        capture.expect(PACKET, timeout_s=1)
