"""What both engines must do alike: tags, sizes, streams, buckets, and counters that add up while links go and come."""

from __future__ import annotations

import hashlib
import os
import socket
import threading

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from datapath import takes_jumbo_frames
from testbed.generator import Generator
from testbed.wait import wait_until

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="networks take root"),
]
BOTH = ("xdp", "afxdp")
single = pytest.mark.topology("single[hosts=3]", datapath=BOTH)
fabric = pytest.mark.topology("leaf-spine", datapath=BOTH)

PACKET_MAX = 11520  # DP_PACKET_MAX
jumbo = pytest.mark.skipif(not takes_jumbo_frames(), reason="frames above 3,500 bytes need Linux 6.6")
NOBODY = "02:00:00:00:00:99"  # no host answers
STREAM_BYTES = 64 << 20


def totals(network) -> tuple[int, int, int]:
    """Return how many packets s1 received, sent and dropped."""
    stats = network.client.stats("s1")
    ports = stats["ports"].values()
    received, sent = (sum(port[name] for port in ports) for name in ("rx_packets", "tx_packets"))
    return received, sent, sum(stats["drops"].values())


def wait_settled(network, before: tuple[int, int, int], n: int) -> None:
    """Wait until so many were received since ``before``, and each of them is a packet sent or dropped."""
    wait_until(
        lambda: [now - then for now, then in zip(totals(network), before, strict=True)],
        what=f"{n} packets received, each sent or dropped",
        until=lambda seen: seen[0] == n == seen[1] + seen[2],
    )


# ---------------------------------------------------------------------------------------------- frames as they are
@single
def test_a_tagged_frame_keeps_its_tags(hosts, inject, expect, add_flows):
    add_flows("s1", "priority=40000,in_port=1,actions=output:2")
    a, b = hosts["h1"], hosts["h2"]
    for tags in (Dot1Q(vlan=5, prio=3), Dot1Q(type=0x88A8, vlan=7) / Dot1Q(vlan=5)):
        packet = Ether(src=a.mac, dst=b.mac) / tags / IP(src=a.ip, dst=b.ip) / UDP() / b"tagged"
        with expect("h2", packet):
            inject("h1", packet)


@single
def test_hosts_talk_over_vlan_interfaces(hosts, add_flows):
    """The kernel's own tags: an offload would keep them beside the frame, where XDP cannot see them."""
    add_flows("s1", "priority=40000,in_port=1,actions=output:2", "priority=40000,in_port=2,actions=output:1")
    if "state" not in hosts["h1"].cmd(
        f"ip link add link {hosts['h1'].interface} name v5 type vlan id 5; ip link show v5"
    ):
        pytest.skip("the kernel has no VLAN interfaces (CONFIG_VLAN_8021Q)")
    hosts["h2"].cmd(f"ip link add link {hosts['h2'].interface} name v5 type vlan id 5")
    for i, host in enumerate((hosts["h1"], hosts["h2"]), 1):
        host.cmd(f"ip addr add 192.168.5.{i}/24 dev v5; ip link set v5 up")
    try:
        answer = hosts["h1"].cmd("ping -c 3 -i 0.05 -W 2 192.168.5.2")
        assert " 0% packet loss" in answer, answer
    finally:
        for name in ("h1", "h2"):
            hosts[name].cmd("ip link del v5")


@jumbo
@single
def test_every_size_arrives_as_it_was_sent_and_longer_ones_are_counted(network, hosts, inject, capture, add_flows):
    add_flows("s1", "priority=40000,in_port=1,actions=output:2")
    a, b = hosts["h1"], hosts["h2"]
    head = bytes(Ether(src=a.mac, dst=b.mac, type=0x88B5))
    sizes = [*range(14, 140), *range(509, 517), *range(1490, 1530), *range(2040, 2056), *range(3500, 3530)]
    sizes += [*range(3836, 3844), *range(7676, 7686), 9014, *range(PACKET_MAX - 4, PACKET_MAX + 1)]
    frames = [(head + bytes(i & 255 for i in range(size)))[:size] for size in sizes]
    too_long = [head + bytes(size - 14) for size in (PACKET_MAX + 1, 11600, 11900)]
    ports = [f"s1-eth{n}" for n in (1, 2)]
    set_mtu(network, hosts, ports, 12000)
    try:
        before, drops = totals(network), network.client.stats("s1")["drops"].get("TOO_LONG", 0)
        with capture("h2") as got:
            inject("h1", frames + too_long)
            wait_settled(network, before, len(frames) + len(too_long))
            wait_until(lambda: len(got.frames) >= len(frames))
        assert sorted(frame.data for frame in got.frames) == sorted(frames)
        assert network.client.stats("s1")["drops"]["TOO_LONG"] - drops == len(too_long)
    finally:
        set_mtu(network, hosts, ports, 1500)


def set_mtu(network, hosts, ports: list[str], mtu: int) -> None:
    for name in ("h1", "h2"):
        hosts[name].cmd(f"ip link set {hosts[name].interface} mtu {mtu}")
    for port in ports:
        network.switches["s1"].cmd(f"ip link set {port} mtu {mtu}")


# ---------------------------------------------------------------------------------------------- streams
@fabric
def test_a_tcp_stream_crosses_the_fabric_whole(hosts):
    """Frames of full size, checksums by the sender, acknowledgements the other way."""
    piece = bytes(range(256)) * 256
    digest = hashlib.sha256()
    with hosts["h8"].socket(kind=socket.SOCK_STREAM) as server, hosts["h1"].socket(kind=socket.SOCK_STREAM) as client:
        server.bind((hosts["h8"].ip, 5001))
        server.listen()
        client.settimeout(10)
        client.connect((hosts["h8"].ip, 5001))
        connection, _ = server.accept()
        connection.settimeout(10)

        def send() -> None:
            with client:
                for _ in range(STREAM_BYTES // len(piece)):
                    client.sendall(piece)

        sender = threading.Thread(target=send)
        sender.start()
        with connection:
            n = 0
            while data := connection.recv(1 << 20):
                digest.update(data)
                n += len(data)
        sender.join()
    assert n == STREAM_BYTES
    assert digest.digest() == hashlib.sha256(piece * (STREAM_BYTES // len(piece))).digest()


# ---------------------------------------------------------------------------------------------- buckets
def select_group(*more: str) -> str:
    """A group whose buckets write their number into the packet."""
    buckets = [
        ",".join([f"bucket=weight:{weight}", f"actions=set_field:192.0.2.{number}->ipv4.srcAddr", "output:2", *more])
        for number, weight in ((1, 3), (2, 1), (3, 5))
    ]
    return ",".join(["group_id=77,type=select", *buckets])


@single
def test_every_engine_takes_the_bucket_that_the_trace_says(network, hosts, inject, capture, add_flows, add_groups):
    """First with a group that the kernel can run; then with one that it leaves to the user engine."""
    a = hosts["h1"]
    packets = [
        bytes(Ether(src=a.mac, dst=NOBODY) / IP(src="10.9.0.1", dst=f"10.8.{i >> 8}.{i & 255}") / UDP(sport=i, dport=9))
        for i in range(3000)
    ]

    def choices() -> dict[bytes, int]:
        with capture("h2") as got:
            for at in range(0, len(packets), 250):
                inject("h1", packets[at : at + 250])
                wait_until(lambda n=at + 250: len(got.frames) >= n)
        return {frame.data[30:34]: frame.data[29] for frame in got.frames}

    add_groups("s1", select_group())
    add_flows("s1", "priority=40000,udp,actions=group:77")
    chosen = choices()
    assert len(chosen) == len(packets)
    shares = [sum(number == n for number in chosen.values()) / len(packets) for n in (1, 2, 3)]
    assert shares == pytest.approx([3 / 9, 1 / 9, 5 / 9], abs=0.04)
    for packet in packets[::10]:
        traced = bytes.fromhex(network.client.trace("s1", packet, 1)["outputs"][0]["packet"])
        assert traced[29] == chosen[packet[30:34]]
    add_groups("s1", select_group("set_field:1->ipv4.ttl", "output:99"))
    assert choices() == chosen
    busy = [flow for flow in network.client.dump_megaflows("s1") if flow["n_packets"] > 1000]
    assert [flow["engines"] for flow in busy] == [["user"]]


# ---------------------------------------------------------------------------------------------- counters
def mixed(source: str, n: int) -> list[bytes]:
    """Packets that hit, miss, die by time to live, are rejected, are dropped by a flow, and have nowhere to go."""
    ether = Ether(src=source, dst=NOBODY)
    ip = IP(src="10.9.0.1", dst="10.8.0.1")
    kinds = [
        lambda i: ether / ip / UDP(sport=i, dport=1) / b"forwarded",
        lambda i: ether / ip / UDP(sport=i, dport=2) / b"dropped",
        lambda i: ether / IP(dst="10.8.0.2", ttl=1 + i % 2) / UDP(sport=i, dport=3) / b"time to live",
        lambda i: ether / ip / UDP(sport=i, dport=4) / b"nowhere",
        lambda i: ether / IP(version=5),
        lambda i: ether / ip / UDP(sport=i, dport=5) / b"not in the kernel",
    ]
    return [bytes(kinds[i % len(kinds)](i)) for i in range(n)]


MIXED_FLOWS = (
    "priority=40000,udp,udp.dstPort=1,actions=output:2",
    "priority=40000,udp,udp.dstPort=2,actions=drop",
    "priority=40000,udp,udp.dstPort=3,actions=dec_ttl,output:2",
    "priority=40000,udp,udp.dstPort=4,actions=output:99",
    "priority=40000,udp,udp.dstPort=5,actions=output:2,set_field:1->ipv4.ttl,output:3",
    "priority=40001,udp,udp.dstPort=5,udp.srcPort=77,actions=drop",
)


@single
@pytest.mark.parametrize("rate_pps", [20_000, None], ids=["paced", "overload"])
def test_every_packet_is_counted_once_under_mixed_load(network, hosts, add_flows, rate_pps):
    add_flows("s1", *MIXED_FLOWS)
    a = hosts["h1"]
    templates = mixed(a.mac, 1020)
    copies = (sum(b"not in the kernel" in p for p in templates) - 1) / len(templates)  # one flow of them is dropped
    before, flows_before = totals(network), flow_packets(network)
    with Generator(a.pid, a.interface, templates) as source:
        source.start(51_000, None, rate_pps)
        n = source.wait().n_packets
    second = round(n * copies) if rate_pps else None  # packets that are sent twice; under overload some are lost before
    wait_until(
        lambda: [now - then for now, then in zip(totals(network), before, strict=True)],
        what=f"{n} packets received, each sent or dropped",
        until=lambda seen: seen[0] == n and n <= seen[1] + seen[2] <= n * (1 + copies),
    )
    if second is None:
        return
    seen = [now - then for now, then in zip(totals(network), before, strict=True)]
    assert seen[1] + seen[2] == n + second
    n_rejected = n // 6
    wait_until(
        lambda: flow_packets(network) - flows_before,
        what="every packet that was not rejected counted by a flow",
        until=lambda counted: counted == n - n_rejected,
    )


def flow_packets(network) -> int:
    return sum(flow["n_packets"] for flow in network.client.dump_flows("s1", "table=0"))


@single
def test_a_copy_for_a_missing_port_is_a_drop(network, hosts, inject, add_flows):
    add_flows("s1", "priority=40000,udp,actions=output:2,output:99")
    a = hosts["h1"]
    packet = Ether(src=a.mac, dst=NOBODY) / IP(dst="10.8.0.3") / UDP()
    before = totals(network)
    inject("h1", packet)
    wait_until(lambda: totals(network)[2] > before[2])  # it has a megaflow now
    before, drops = totals(network), network.client.stats("s1")["drops"]["BAD_PORT"]
    inject("h1", [packet] * 50)
    wait_until(
        lambda: [now - then for now, then in zip(totals(network), before, strict=True)],
        until=lambda seen: seen == [50, 50, 50],
    )
    assert network.client.stats("s1")["drops"]["BAD_PORT"] - drops == 50


# ---------------------------------------------------------------------------------------------- links
def link_is(network, up: bool) -> bool:
    ports = network.client.show()["bridges"]["s1"]["ports"].values()
    return next(port["up"] for port in ports if port["port"] == 2) == up


@single
@pytest.mark.parametrize("outputs", ["output:2", "output:2,output:99"], ids=["port", "set"])
def test_packets_for_a_port_that_is_down_are_dropped_and_counted(network, hosts, inject, expect, add_flows, outputs):
    add_flows("s1", f"priority=40000,udp,actions={outputs}")
    a = hosts["h1"]
    packet = Ether(src=a.mac, dst=NOBODY) / IP(dst="10.8.0.4") / UDP() / outputs.encode()
    n_copies = outputs.count("output")
    for _ in range(3):
        with expect("h2", packet):
            inject("h1", packet)
        network.set_link("s1", "h2", False)
        try:
            wait_until(lambda: link_is(network, False))
            drops = network.client.stats("s1")["drops"].get("BAD_PORT", 0)
            before = totals(network)
            inject("h1", [packet] * 20)
            wait_until(
                lambda b=before: [now - then for now, then in zip(totals(network), b, strict=True)],
                until=lambda seen: seen == [20, 0, 20 * n_copies],
            )
            assert network.client.stats("s1")["drops"]["BAD_PORT"] - drops == 20 * n_copies
        finally:
            network.set_link("s1", "h2", True)
            wait_until(lambda: link_is(network, True))


@single
@pytest.mark.parametrize("mtu", [3400, pytest.param(9000, marks=jumbo)])
def test_an_interface_may_be_renamed_whatever_its_mtu(network, switches, mtu):
    switch, client = switches["s1"], network.client
    switch.cmd(f"ip link add jumbo mtu {mtu} type veth peer name far mtu {mtu}")
    try:
        client.add_port("s1", "jumbo", 9)
        switch.cmd("ip link set jumbo name another")  # a port stays one, under the name that it was added by
        assert client.show()["bridges"]["s1"]["ports"]["jumbo"]["port"] == 9
    finally:
        switch.cmd("ip link del far")
    wait_until(lambda: "jumbo" not in client.show()["bridges"]["s1"]["ports"])
