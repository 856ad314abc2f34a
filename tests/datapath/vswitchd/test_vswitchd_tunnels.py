"""Checksums three deep, VXLAN in GTP-U: edits inside and outside leave all of them right, on both engines.

The sums are made here, over the bytes that arrive.
"""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest
from fabric_wires import Wires, internet_sum
from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from datapath.vswitchd.launch import Vswitchd

pytestmark = pytest.mark.kernel

SOURCE = """
#include <core.p4>
#include <ovsp4.p4>
header ethernet_t { bit<48> dst; bit<48> src; bit<16> kind; }
header ipv4_t {
    bit<16> head; bit<16> length; bit<32> id; bit<8> ttl; bit<8> protocol;
    @checksum bit<16> checksum;
    bit<32> src; bit<32> dst;
}
header outer_udp_t {
    bit<16> src; bit<16> dst; bit<16> length;
    @checksum["optional", "payload", "a.src", "a.dst", "a.protocol", "gtp", "b", "b_udp", "vxlan", "frame", "c",
              "c_udp", "c_tcp"]
    bit<16> checksum;
}
header middle_udp_t {
    bit<16> src; bit<16> dst; bit<16> length;
    @checksum["optional", "payload", "b.src", "b.dst", "b.protocol", "vxlan", "frame", "c", "c_udp", "c_tcp"]
    bit<16> checksum;
}
header inner_udp_t {
    bit<16> src; bit<16> dst; bit<16> length;
    @checksum["optional", "payload", "c.src", "c.dst", "c.protocol"] bit<16> checksum;
}
header inner_tcp_t {
    bit<16> src; bit<16> dst; bit<64> numbers; bit<16> flags; bit<16> window;
    @checksum["payload", "c.src", "c.dst", "c.protocol"] bit<16> checksum;
    bit<16> urgent;
}
header gtp_t { bit<32> head; bit<32> teid; }
header vxlan_t { bit<32> head; bit<24> vni; bit<8> rest; }
struct headers_t {
    ethernet_t ethernet; ipv4_t a; outer_udp_t a_udp; gtp_t gtp; ipv4_t b; middle_udp_t b_udp; vxlan_t vxlan;
    ethernet_t frame; ipv4_t c; inner_udp_t c_udp; inner_tcp_t c_tcp;
}
parser Nested(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        packet.extract(hdr.a);
        packet.extract(hdr.a_udp);
        packet.extract(hdr.gtp);
        packet.extract(hdr.b);
        packet.extract(hdr.b_udp);
        packet.extract(hdr.vxlan);
        packet.extract(hdr.frame);
        packet.extract(hdr.c);
        transition select(hdr.c.protocol) { 6: tcp; 17: udp; }
    }
    state tcp { packet.extract(hdr.c_tcp); transition accept; }
    state udp { packet.extract(hdr.c_udp); transition accept; }
}
Switch(Nested()) main;
"""
LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IPV4_AT = (14, 50, 100)  # of the three IPv4 headers
EDITS = {
    "an inner address": "set_field:10.9.8.7->c.dst",
    "two inner addresses, a port": "set_field:10.9.8.7->c.dst,set_field:1.2.3.4->c.src,set_field:99->c_udp.dst",
    "the inner time to live": "dec_ttl(c.ttl)",
    "an inner port": "set_field:99->c_udp.src,set_field:99->c_tcp.src",
    "a MAC address inside": "set_field:02:00:00:00:00:99->frame.dst",
    "an address of the middle": "set_field:10.9.8.7->b.dst,dec_ttl(b.ttl)",
    "the tunnels": "set_field:7->gtp.teid,set_field:8->vxlan.vni,set_field:9->b_udp.src,set_field:9->a_udp.src",
    "an outer address": "set_field:10.9.8.7->a.dst,dec_ttl(a.ttl)",
    "something everywhere": "set_field:1.2.3.4->a.src,dec_ttl(b.ttl),set_field:1.2.3.4->b.src,set_field:5->vxlan.vni,"
    "dec_ttl(c.ttl),set_field:1.2.3.4->c.src,set_field:77->c_udp.dst,set_field:77->c_tcp.dst",
}


def addresses(network: int) -> IP:
    return IP(src=f"10.0.{network}.1", dst=f"10.0.{network}.2")


def packets() -> list[bytes]:
    """Every UDP checksum there and zero; TCP inside too."""
    built: list[Packet] = []
    for outer, middle, inner in itertools.product(({}, {"chksum": 0}), repeat=3):
        inside = [TCP(sport=1, dport=2)] if inner else []
        for last in [UDP(sport=1, dport=2, **inner), *inside]:
            built.append(
                LINK / addresses(1) / UDP(sport=2152, dport=2152, **outer) / GTP_U_Header(teid=1)
                / addresses(2) / UDP(sport=1, dport=4789, **middle) / VXLAN(vni=5)
                / LINK / addresses(3) / last / Raw(b"of odd size")
            )  # fmt: skip
    return [bytes(packet) for packet in built]


def wrong_sums(packet: bytes) -> list[str]:
    """Return the checksums that do not hold, by where the header is."""
    wrong = []
    for at in IPV4_AT:
        protocol, l4 = packet[at + 9], at + 20
        if internet_sum(packet[at:l4]) != 0xFFFF:
            wrong.append(f"IPv4 at {at}")
        if protocol == 17 and packet[l4 + 6 : l4 + 8] == b"\0\0":
            continue
        size = len(packet) - l4
        data = packet[at + 12 : at + 20] + struct.pack("!HH", protocol, size) + packet[l4:] + bytes(size % 2)
        if internet_sum(data) != 0xFFFF:
            wrong.append(f"protocol {protocol} at {l4}")
    return wrong


def sums_of(packet: bytes) -> list[bytes]:
    """Return the checksums of the three IPv4 headers and of what follows them."""
    return [packet[at + 10 : at + 12] for at in IPV4_AT] + [packet[at + 26 : at + 28] for at in IPV4_AT]


@pytest.fixture(params=["xdp", "afxdp"])
def nested(switch: Vswitchd, wires: Wires, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    path = tmp_path / "nested.p4"
    path.write_text(SOURCE)
    switch.client.add_bridge("br1", str(path), request.param)
    for number in (1, 2, 3):
        switch.client.add_port("br1", f"s{number}", number)
    return "br1"


def test_all_checksums_follow(switch: Vswitchd, wires: Wires, nested: str) -> None:
    whole = packets()
    assert len(whole) == 12
    assert [wrong_sums(packet) for packet in whole] == [[]] * 12
    engine = switch.client.show()["bridges"][nested]["engine"]
    for what, edits in EDITS.items():
        switch.client.del_flows(nested)
        switch.client.add_flows(nested, [f"actions={edits},output:2"])
        for packet in [*whole, *whole]:  # those that miss, and those that the engine forwards alone
            wires.send(1, packet)
            sent = wires.receive(2)
            assert sent != packet
            assert wrong_sums(sent) == [], (what, packet.hex())
            assert [sent[at + 20 + 6 : at + 28] == b"\0\0" for at in IPV4_AT[:2]] == [
                packet[at + 20 + 6 : at + 28] == b"\0\0" for at in IPV4_AT[:2]
            ]
        if what != "something everywhere":  # more edits than the XDP program makes
            installed = [megaflow["engines"] for megaflow in switch.client.dump_megaflows(nested)]
            assert installed == [["user", "xdp"] if engine == "xdp" else ["user"]] * len(installed)


def test_checksums_that_a_bucket_writes_are_right_again_behind_the_group(
    switch: Vswitchd, wires: Wires, nested: str
) -> None:
    fields = ("a.checksum", "b.checksum", "c.checksum", "a_udp.checksum", "b_udp.checksum", "c_udp.checksum")
    writes = ",".join(f"set_field:0xbeef->{field}" for field in fields)
    switch.client.add_groups(nested, [f"group_id=1,type=all,bucket=actions={writes},output:3"])
    switch.client.add_flows(
        nested, ["actions=set_field:1.2.3.4->c.src,dec_ttl(b.ttl),output:2,group:1,dec_ttl(c.ttl),output:2"]
    )
    for packet in [p for p in packets() for _ in range(2) if p[109] == 17]:
        wires.send(1, packet)
        copy, first, last = wires.receive(3), wires.receive(2), wires.receive(2)
        assert sums_of(copy) == [b"\xbe\xef"] * 6
        assert (wrong_sums(first), wrong_sums(last)) == ([], []), packet.hex()
        assert sums_of(first)[3:5] == [sums_of(last)[3], sums_of(last)[4]]  # they sum it with its own checksum
        assert last[108] == packet[108] - 1
