"""Packets that really travel: veth, XDP in native mode, devmaps, AF_XDP."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from edit_model import internet_checksum
from xdp_harness import IP_KEY, VALID, Bridge, in_own_namespace, loaded, output, route
from xdp_network import Pair, XskSocket, ipv4_packet, is_silent, make_pairs, received, tap

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for XDP and namespaces"),
]


@contextmanager
def bridge_of(pairs: list[Pair], bridge_id: int = 1) -> Iterator[Bridge]:
    """A bridge with one port a pair, numbered from 1."""
    bridge = Bridge(loaded().open_bridge(bridge_id))
    try:
        for i, pair in enumerate(pairs):
            assert bridge.call("port_add", i + 1, pair.port_ifindex) == 0
        yield bridge
    finally:
        bridge.close()


def key_and_mask(destination: bytes | None = None, in_port: int | None = None) -> tuple[bytes, bytes]:
    """Match on IPv4 being there, and perhaps on address and input port."""
    key, mask = bytearray(56), bytearray(56)
    key[VALID], mask[VALID] = 0xC0, 0xC0
    if destination is not None:
        key[IP_KEY + 16 : IP_KEY + 20], mask[IP_KEY + 16 : IP_KEY + 20] = destination, b"\xff" * 4
    if in_port is not None:
        key[0:4], mask[0:4] = struct.pack(">I", in_port), b"\xff" * 4
    return bytes(key), bytes(mask)


@in_own_namespace
def test_routes_between_ports() -> None:
    pairs = make_pairs(2)
    with bridge_of(pairs) as bridge, tap("h0") as sender, tap("h1") as receiver:
        flow = bridge.put(*key_and_mask(b"\x0a\0\0\2"), route(2))
        assert flow > 0
        for i in range(10):
            sender.send(ipv4_packet(payload=bytes([i] * 20)))
        frames = received(receiver, 10)
        assert [f[34] for f in frames] == list(range(10))
        assert all(f[:12] == b"\2\0\0\0\0\x11\2\0\0\0\0\x22" and f[22] == 63 for f in frames)
        assert all(internet_checksum(f[14:34]) == 0 for f in frames)
        assert bridge.stats(flow) == (10, 600)
        assert bridge.port_stats(1) == (10, 600, 0, 0)
        assert bridge.port_stats(2) == (0, 0, 10, 600)
        assert bridge.drops() == ({}, {})


@in_own_namespace
def test_floods_to_all_but_the_input_port() -> None:
    pairs = make_pairs(3)
    with bridge_of(pairs) as bridge, tap("h0") as h0, tap("h1") as h1, tap("h2") as h2:
        assert bridge.put(*key_and_mask(), [output(1), output(2), output(3)]) > 0
        h0.send(ipv4_packet(payload=b"from 0"))
        assert [f[34:40] for f in received(h1, 1) + received(h2, 1)] == [b"from 0"] * 2
        h1.send(ipv4_packet(payload=b"from 1"))
        assert [f[34:40] for f in received(h0, 1) + received(h2, 1)] == [b"from 1"] * 2
        assert is_silent(h1)
        assert bridge.port_stats(1) == (1, 60, 1, 60)
        assert bridge.port_stats(3) == (0, 0, 2, 120)


@in_own_namespace
def test_a_set_follows_its_ports() -> None:
    """A port that leaves a bridge gets no more floods; one that comes back does."""
    pairs = make_pairs(3)
    with bridge_of(pairs) as bridge, tap("h0") as h0, tap("h1") as h1, tap("h2") as h2:
        assert bridge.put(*key_and_mask(in_port=1), [output(2), output(3)]) > 0
        assert bridge.call("port_del", 2) == 0
        h0.send(ipv4_packet(payload=b"one"))
        assert received(h2, 1)[0][34:37] == b"one"
        assert is_silent(h1)
        assert bridge.call("port_add", 2, pairs[1].port_ifindex) == 0
        h0.send(ipv4_packet(payload=b"two"))
        assert received(h1, 1)[0][34:37] == received(h2, 1)[0][34:37] == b"two"


@in_own_namespace
def test_a_miss_reaches_the_af_xdp_socket_as_it_came() -> None:
    pairs = make_pairs(2)
    with bridge_of(pairs) as bridge, tap("h0") as sender:
        xsk = XskSocket(pairs[0].port_ifindex)
        loaded().xsk_register(pairs[0].port_ifindex, xsk.socket.fileno())
        miss, old = ipv4_packet(b"\x0a\0\0\7"), ipv4_packet(b"\x0a\0\0\2", ttl=1)
        assert bridge.put(*key_and_mask(b"\x0a\0\0\2"), route(2)) > 0
        sender.send(miss)
        assert xsk.receive() == miss
        sender.send(old)  # its time to live is over: nothing may be changed yet
        assert xsk.receive() == old
        assert bridge.drops() == ({}, {})
        assert bridge.port_stats(1) == (0, 0, 0, 0)  # the user engine counts them
        loaded().xsk_unregister(pairs[0].port_ifindex)
        xsk.socket.close()


@in_own_namespace
def test_two_bridges_on_one_object_keep_apart() -> None:
    pairs = make_pairs(4)
    with (
        bridge_of(pairs[:2], 1) as one,
        bridge_of(pairs[2:], 2) as two,
        tap("h0") as h0,
        tap("h1") as h1,
        tap("h2") as h2,
        tap("h3") as h3,
    ):
        assert one.put(*key_and_mask(), [output(2)]) > 0
        assert two.put(*key_and_mask(), [output(2)]) > 0
        h0.send(ipv4_packet(payload=b"one"))
        h2.send(ipv4_packet(payload=b"two"))
        assert received(h1, 1)[0][34:37] == b"one"
        assert received(h3, 1)[0][34:37] == b"two"
        assert is_silent(h1)
        assert is_silent(h3)
        assert one.port_stats(1) == two.port_stats(1) == (1, 60, 0, 0)


@in_own_namespace
def test_ports_are_refused_where_they_cannot_be() -> None:
    (pair,) = make_pairs(1)
    with bridge_of([pair]) as bridge:
        assert bridge.call("port_add", 1, pair.host_ifindex) == -17  # EEXIST: the port has an interface
        assert bridge.call("port_add", 2, pair.port_ifindex) == -16  # EBUSY: the interface has a port
        assert bridge.call("port_add", 2, 12345) == -22  # EINVAL: there is no such interface
        assert bridge.call("port_add", 2, 1) == -95  # EOPNOTSUPP: lo has no native XDP
        assert bridge.call("port_add", 0, pair.host_ifindex) == -22
        assert bridge.call("port_add", 2, 70000) == -34  # ERANGE
        assert bridge.call("port_del", 2) == -2
