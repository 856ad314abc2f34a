"""What a switch must survive on both engines: garbage, truncated packets, a full cache, tables changing under load."""

import os
import random

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from testbed.generator import Generator
from testbed.wait import wait_until

pytestmark = [
    pytest.mark.network,
    pytest.mark.topology("single[hosts=2]", datapath=("xdp", "afxdp")),
    pytest.mark.skipif(os.geteuid() != 0, reason="networks take root"),
]

MIN_FRAME = 14  # a raw socket sends nothing shorter


def every_kind(source: str, destination: str) -> list[bytes]:
    """Return a packet of each protocol that l2l3 knows."""
    ether = Ether(src=source, dst=destination)
    payloads = [
        ARP(),
        IP(src="1.2.3.4", dst="5.6.7.8") / TCP() / b"tcp",
        IP(src="1.2.3.4", dst="5.6.7.8", options=[b"\x01\x01\x01\x00"]) / UDP() / b"udp",
        IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP() / b"udp",
        Dot1Q(vlan=5) / Dot1Q(vlan=6) / IP(src="1.2.3.4", dst="5.6.7.8") / TCP(),
    ]
    return [bytes(ether / payload) for payload in payloads]


def accounted(network) -> tuple[int, int]:
    """Return how many packets the switch received, and how many of them it sent or dropped."""
    stats = network.client.stats("s1")
    received = sum(port["rx_packets"] for port in stats["ports"].values())
    sent = sum(port["tx_packets"] for port in stats["ports"].values())
    return received, sent + sum(stats["drops"].values())


def test_truncated_and_random_packets_are_counted_and_forwarding_goes_on(
    network, hosts, inject, expect, add_flows, traffic_seed: random.Random
):
    add_flows("s1", "priority=1,actions=output:2")
    kinds = every_kind(hosts["h1"].mac, "02:00:00:00:00:99")
    packets = [kind[:size] for kind in kinds for size in range(MIN_FRAME, len(kind) + 1)]
    packets += [traffic_seed.randbytes(traffic_seed.randint(MIN_FRAME, 200)) for _ in range(500)]
    packets += [flip(kind, traffic_seed) for kind in kinds for _ in range(50)]
    before = accounted(network)[0]
    errors_before = network.client.stats("s1")["parser_errors"].get("PacketTooShort", 0)
    inject("h1", packets)
    wait_until(
        lambda: accounted(network),
        what=f"{len(packets)} packets sent or dropped",
        until=lambda seen: seen[0] >= before + len(packets) and seen[0] == seen[1],
    )
    assert network.client.stats("s1")["parser_errors"]["PacketTooShort"] > errors_before
    good = Ether(src=hosts["h1"].mac, dst=hosts["h2"].mac) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / b"still here"
    with expect("h2", good):
        inject("h1", good)


def flip(packet: bytes, chance: random.Random) -> bytes:
    """Return the packet with a few bits changed."""
    data = bytearray(packet)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def test_a_full_flow_cache_is_counted_and_forwarding_goes_on(network, hosts, inject, expect, add_flows):
    """More connections than megaflows fit: each matched exactly, so each wants one of its own."""
    add_flows("s1", "priority=40000,udp,udp.srcPort=1,udp.dstPort=1,ipv4.identification=1,actions=drop")
    a, b = hosts["h1"], hosts["h2"]
    limit = network.client.stats("s1")["megaflow_limit"]
    templates = [
        bytes(
            Ether(src=a.mac, dst=b.mac)
            / IP(src=a.ip, dst=b.ip, id=2 + i % 64)
            / UDP(sport=2 + i, dport=9)
            / Raw(bytes(18))
        )
        for i in range(1024)
    ]
    vary = 14 + 20  # UDP's ports: the generator writes the packet's number over them
    with Generator(a.pid, a.interface, templates, vary_offset=vary) as source:
        source.start(limit + 20_000, None, 100_000)
        source.wait()
    stats = network.client.stats("s1")
    assert stats["megaflows"] <= limit
    assert stats["uncached"] > 0, "the switch must say how often there was no room"
    good = Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip, id=3) / UDP(sport=7, dport=7) / b"still here"
    with expect("h2", good):
        inject("h1", good)


def test_tables_change_under_load_without_a_stale_flow(network, hosts, inject, expect, add_flows):
    a, b = hosts["h1"], hosts["h2"]
    templates = [bytes(Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / TCP(sport=1000 + i)) for i in range(100)]
    wanted = Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / UDP(sport=9, dport=4000)
    with Generator(a.pid, a.interface, templates) as source:
        source.start(None, 3.0, 30_000)
        for _ in range(20):
            add_flows("s1", "priority=50000,udp.dstPort=4000,actions=drop")
            before = network.client.stats("s1")["drops"].get("NO_ACTION", 0)
            inject("h1", wanted)
            wait_until(lambda was=before: network.client.stats("s1")["drops"].get("NO_ACTION", 0) > was)
            network.client.del_flows("s1", "priority=50000,udp.dstPort=4000", strict=True)
            with expect("h2", wanted):
                inject("h1", wanted)
        source.wait()
