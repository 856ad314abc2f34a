"""What a leaf-spine fabric must do: route between all hosts over both spines, edit headers right, drop what must die.

Runs on any routed topology: pytest --topology=leaf-spine --datapath=xdp --datapath=afxdp tests/examples
"""

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

PAYLOADS = {"udp": UDP(sport=4000, dport=53) / b"query", "tcp": TCP(sport=4000, dport=80) / b"GET", "icmp": ICMP()}
FAR = ("h1", "h8")  # on the first and the last leaf of the default leaf-spine: three routers apart


@pytest.fixture
def routed(hosts, network):
    """Make a packet from one host to another, and what arrives of it after so many routers."""

    def make(source: str, destination: str, payload: Packet, ttl: int = 64) -> Packet:
        gateway = network.addresses.hosts[source].gateway_mac
        a, b = hosts[source], hosts[destination]
        return Ether(dst=gateway, src=a.mac) / IP(src=a.ip, dst=b.ip, ttl=ttl) / payload

    return make


@pytest.fixture
def arrived(hosts, network):
    """Say how a routed packet looks where it arrives: the last router's MAC, and a TTL less by the hops."""

    def make(packet: Packet, destination: str, n_routers: int) -> Packet:
        expected = packet.copy()
        expected[Ether].dst = hosts[destination].mac
        expected[Ether].src = network.addresses.hosts[destination].gateway_mac
        expected[IP].ttl -= n_routers
        return expected

    return make


def test_every_host_reaches_every_other(network):
    network.wait_reachable()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_packet_crosses_the_fabric_with_every_header_right(payload, routed, arrived, inject, expect, packet_checksums):
    source, destination = FAR
    packet = routed(source, destination, payload)
    with expect(destination, arrived(packet, destination, 3)) as seen:
        inject(source, packet)
    packet_checksums(seen.captured.data)


def test_local_traffic_stays_on_the_leaf(routed, arrived, inject, expect):
    packet = routed("h1", "h2", UDP(sport=1, dport=2) / b"next door")
    with expect("h2", arrived(packet, "h2", 1)):
        inject("h1", packet)


def test_packet_without_time_to_live_dies(routed, inject, expect_none):
    with expect_none("h8", drop="TTL"):
        inject("h1", routed(*FAR, UDP(sport=1, dport=2), ttl=2))


def test_ipv4_options_do_not_hide_the_transport_header(routed, arrived, inject, expect, packet_checksums):
    packet = routed(*FAR, UDP(sport=7, dport=9) / b"with options")
    packet[IP].options = [b"\x01\x01\x01\x00"]
    with expect("h8", arrived(packet, "h8", 3)) as seen:
        inject("h1", packet)
    packet_checksums(seen.captured.data)


def test_connections_spread_over_the_spines_without_a_megaflow_each(network, topology, routed, inject, expect):
    leaf = topology.attachment("h1").node
    spines = [link for link in topology.links_of(leaf) if link.other(leaf).node not in network.hosts]
    uplinks = [link.end(leaf).interface for link in spines]

    def sent_up() -> list[int]:
        ports = network.client.stats(leaf)["ports"]
        return [ports[name]["tx_packets"] for name in uplinks]

    before, n_megaflows = sent_up(), len(network.client.dump_megaflows(leaf))
    packets = [routed(*FAR, UDP(sport=10_000 + i, dport=443) / Raw(b"connection")) for i in range(200)]
    with expect("h8", packets[-1], ignore=["Ether", "IP.ttl", "IP.chksum"]):
        inject("h1", packets)
    shares = [now - then for now, then in zip(sent_up(), before, strict=True)]
    assert sum(shares) >= 200
    assert min(shares) > 200 / len(uplinks) / 2, f"uneven over the uplinks: {shares}"
    assert len(network.client.dump_megaflows(leaf)) <= n_megaflows + 2


def test_a_flow_added_while_running_takes_effect_at_once(
    topology, routed, arrived, inject, expect, expect_none, add_flows
):
    packet = routed(*FAR, UDP(sport=5, dport=5353))
    with expect("h8", arrived(packet, "h8", 3)):
        inject("h1", packet)
    add_flows(topology.attachment("h1").node, "priority=60000,udp.dstPort=5353,actions=drop")
    with expect_none("h8", drop="NO_ACTION"):
        inject("h1", packet)


def test_rewritten_address_keeps_both_checksums_right(
    network, topology, hosts, routed, inject, expect, packet_checksums, add_flows
):
    """A destination NAT: the IPv4 header's checksum and UDP's, whose pseudo-header has the address, must follow."""
    packet = routed("h1", "h8", UDP(sport=5, dport=53) / b"nat me")
    leaf = topology.attachment("h1").node
    nat = f"priority=60000,udp.dstPort=53,actions=set_field:{hosts['h2'].ip}->ipv4.dstAddr,set_field:5300->udp.dstPort,"
    mac = f"set_field:{hosts['h2'].mac}->ethernet.dstAddr"
    port = next(link.end(leaf).port for link in topology.links_of("h2"))
    add_flows(leaf, f"{nat}{mac},output:{port}")
    expected = packet.copy()
    expected[Ether].dst, expected[IP].dst, expected[UDP].dport = hosts["h2"].mac, hosts["h2"].ip, 5300
    with expect("h2", expected) as seen:
        inject("h1", packet)
    packet_checksums(seen.captured.data)


def test_traffic_survives_the_loss_of_a_spine(network, routed, inject, expect):
    leaf = network.topology.attachment("h1").node
    spine = next(s for link in network.topology.links_of(leaf) if (s := link.other(leaf).node) not in network.hosts)
    leaves = [link.other(spine).node for link in network.topology.links_of(spine)]
    packets = [routed(*FAR, UDP(sport=20_000 + i, dport=443)) for i in range(20)]
    try:
        for other in leaves:
            network.set_link(spine, other, up=False)
        network.wait_reachable()
        with expect("h8", packets[-1], ignore=["Ether", "IP.ttl", "IP.chksum"]):
            inject("h1", packets)
    finally:
        for other in leaves:
            network.set_link(spine, other, up=True)
    network.wait_reachable()


def test_line_rate_traffic_arrives_whole(network, routed, throughput, switches):
    packets = [routed(*FAR, UDP(sport=1000 + i, dport=443) / Raw(bytes(18))) for i in range(64)]
    in_kernel = all(switch.engine == "xdp" for switch in switches.values())
    if in_kernel:
        result = throughput("h1", "h8", packets, n_packets=200_000)
    else:  # in userspace whoever is kept from the processor for long loses packets, unless few are on their way
        result = throughput("h1", "h8", packets, n_packets=20_000, window=128)
    assert result.loss == 0, result
