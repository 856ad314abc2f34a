"""A v1model router whose table is written as flows: routes, default action, checksum."""

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

pytestmark = pytest.mark.topology("routed.yaml")


@pytest.fixture
def from_h1(hosts):
    """Make a packet of h1's to an address."""

    def make(destination: str, ttl: int = 64) -> Packet:
        h1 = hosts["h1"]
        frame = Ether(src=h1.mac, dst=h1.gateway_mac)
        return frame / IP(src=h1.ip, dst=destination, ttl=ttl) / UDP(sport=7, dport=9) / b"hello"

    return make


def test_three_routes_in_a_row(from_h1, hosts, inject, expect, packet_checksums):
    sent = from_h1("10.0.3.7")
    arriving = sent.copy()
    arriving[Ether].src, arriving[Ether].dst, arriving[IP].ttl = hosts["h3"].gateway_mac, hosts["h3"].mac, 61
    with expect("h3", arriving) as seen:
        inject("h1", sent)
    packet_checksums(seen.captured.data)


def test_default_action_drops(from_h1, inject, expect_none):
    with expect_none("h3", drop="NO_ACTION"):
        inject("h1", from_h1("10.0.9.9"))


def test_a_life_ends_on_the_second_router(from_h1, inject, expect_none):
    with expect_none("h3", drop="TTL"):
        inject("h1", from_h1("10.0.3.7", ttl=2))


def test_hosts_use_it_like_any_network(hosts):
    answer = hosts["h1"].cmd(f"ping -c 1 -W 2 {hosts['h3'].ip}")
    assert " 0% packet loss" in answer, answer
