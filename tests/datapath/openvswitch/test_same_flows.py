"""Named cases: the same flows and packets, and the same bytes out of the same ports as Open vSwitch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from our_switch import MARK
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

pytestmark = [pytest.mark.kernel, pytest.mark.network]

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IP4 = IP(src="10.0.0.1", dst="10.0.0.2", ttl=64)
IP6 = IPv6(src="fd00::1", dst="fd00::2", hlim=64)
DATA = Raw(b"some payload " + MARK)
TAG = Dot1Q(vlan=5, prio=3)
PACKETS: dict[str, Any] = {
    "udp4": ETHER / IP4 / UDP(sport=1000, dport=2000) / DATA,
    "udp4 without checksum": ETHER / IP4 / UDP(sport=1000, dport=2000, chksum=0) / DATA,
    "udp4 with tos": ETHER / IP(src="10.0.0.1", dst="10.0.0.9", tos=0xBB) / UDP(sport=1000, dport=2000) / DATA,
    "tcp4": ETHER / IP4 / TCP(sport=1000, dport=2000) / DATA,
    "tcp4 tagged": ETHER / TAG / IP4 / TCP(sport=1000, dport=2000) / DATA,
    "tcp4 options": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[("NOP")] * 4) / TCP(sport=1, dport=2) / DATA,
    "icmp4": ETHER / IP4 / ICMP() / DATA,
    "sctp4": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", proto=132) / DATA,
    "udp6": ETHER / IP6 / UDP(sport=1000, dport=2000) / DATA,
    "udp6 with class": ETHER / IPv6(src="fd00::1", dst="fd00::2", tc=0xBB, fl=0x12345) / UDP(sport=1, dport=2) / DATA,
    "tcp6 tagged": ETHER / TAG / IP6 / TCP(sport=1000, dport=2000) / DATA,
    "tcp6 tagged twice": ETHER / TAG / Dot1Q(vlan=6) / IP6 / TCP(sport=1000, dport=2000) / DATA,
    "icmp6": ETHER / IP6 / ICMPv6EchoRequest() / DATA,
    "arp": ETHER / ARP(psrc="10.0.0.1", pdst="10.0.0.2") / DATA,
    "other": Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff", type=0x88B5) / DATA,
    "ttl 1": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ttl=1) / UDP(sport=1000, dport=2000) / DATA,
    "ttl 0": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ttl=0) / UDP(sport=1000, dport=2000) / DATA,
    "hop limit 1": ETHER / IPv6(src="fd00::1", dst="fd00::2", hlim=1) / UDP(sport=1000, dport=2000) / DATA,
}

CASES: dict[str, list[str]] = {
    "a table without flows": ["table=1,actions=output:2"],
    "priorities": ["priority=1,actions=output:2", "priority=9,ip,actions=output:3", "priority=5,ip,actions=drop"],
    "prefixes": [
        "priority=8,ip,nw_dst=10.0.0.0/8,actions=output:2",
        "priority=16,ip,nw_dst=10.0.0.2/32,actions=output:3",
        "priority=15,ipv6,ipv6_dst=fd00::/64,actions=output:4",
    ],
    "any mask": [
        "ip,nw_src=10.0.0.1/255.0.0.255,actions=output:2",
        "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=3",
    ],
    "MAC addresses": ["dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=output:2"],
    "in_port": ["in_port=1,actions=output:2", "in_port=2,actions=output:3"],
    "ports of TCP and UDP": [
        "ip,tcp,tp_dst=2000,actions=output:2",
        "ip,udp,tp_dst=2000,actions=output:3",
        "ip,udp,tp_src=0x3e0/0xfff0,actions=output:4",
        "ipv6,udp6,tp_src=1000,actions=output:4",
    ],
    "ICMP": ["ip,icmp,icmp_type=8,actions=output:2", "icmp6,icmpv6_type=128,icmpv6_code=0,actions=output:3"],
    "ARP": ["arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_sha=00:00:00:00:00:00/01:00:00:00:00:00,actions=2"],
    "ARP by nw_src": ["arp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_proto=1,actions=output:2"],
    "dl_type": [
        "dl_type=0x0800,actions=output:2",
        "dl_type=0x86dd,actions=output:3",
        "dl_type=0x0806,actions=output:4",
        "dl_type=0x88b5,actions=output:4,output:2",
    ],
    "dl_type and nw_proto": [
        "dl_type=0x0800,nw_proto=17,tp_dst=2000,actions=output:2",
        "eth_type=0x86dd,ip_proto=6,actions=output:3",
    ],
    "TOS, DSCP and ECN": [
        "priority=5,ip,nw_tos=184,nw_ecn=3,actions=output:2",
        "priority=4,ip,ip_dscp=0,actions=output:3",
        "priority=4,ipv6,nw_tos=0xb8,actions=output:4",
        "priority=5,ipv6,nw_ecn=0,ipv6_label=0,actions=output:2",
    ],
    "TTL": ["priority=5,ip,nw_ttl=64,actions=output:2", "priority=4,ip,nw_ttl=1,actions=output:3"],
    "VLAN": [
        "priority=4,dl_vlan=5,dl_vlan_pcp=3,actions=output:2",
        "priority=3,vlan_tci=0x1000/0x1000,actions=output:3",
        "priority=2,dl_vlan=0xffff,actions=output:4",
    ],
    "a tag, by vlan_vid": ["vlan_vid=0x1000/0x1000,actions=output:2", "vlan_vid=0,actions=output:3"],
    "dl_type in a tagged packet": ["dl_vlan=5,dl_type=0x0800,actions=output:2", "dl_vlan=5,ipv6,actions=output:3"],
    "flags of TCP": ["ip,tcp,tcp_flags=+syn-ack,actions=output:2", "ip,tcp,tcp_flags=-syn,actions=output:3"],
    "tables": [
        "table=0,priority=3,ip,actions=output:4,goto_table:1",
        "table=1,ip,nw_dst=10.0.0.0/24,actions=goto_table:7",
        "table=7,priority=1,actions=output:2",
        "table=7,priority=2,ip,tcp,actions=output:3",
    ],
    "tables by resubmit": [
        "table=0,ip,actions=mod_nw_dst:192.0.2.1,resubmit(,3)",
        "table=3,ip,nw_dst=192.0.2.1,actions=2",
    ],
    "a field set is what the next table sees": [
        "table=0,ip,udp,actions=set_field:192.0.2.7->ip_dst,set_field:53->udp_dst,goto_table:1",
        "table=1,ip,udp,nw_dst=192.0.2.0/24,tp_dst=53,actions=output:2",
    ],
    "flood": ["actions=flood"],
    "all": ["actions=all"],
    "in_port as a port": ["actions=in_port"],
    "back by number is not sent": ["actions=output:1,output:2"],
    "a port that is not there": ["actions=output:77,output:2"],
    "one port twice": ["actions=output:2,output:2"],
    "edits between outputs": [
        "actions=output:2,mod_dl_dst:02:00:00:00:00:99,output:3,mod_dl_src:02:00:00:00:00:98,flood,in_port"
    ],
    "drop": ["actions=drop"],
    "MACs": ["actions=mod_dl_src:02:00:00:00:00:aa,set_field:02:00:00:00:00:bb->eth_dst,output:2"],
    "a part of a MAC": ["actions=set_field:01:00:00:00:00:00/01:00:00:00:00:00->eth_dst,output:2"],
    "addresses of IPv4": ["ip,actions=mod_nw_src:192.0.2.1,mod_nw_dst:192.0.2.2,output:2"],
    "a part of an address": ["ip,actions=set_field:172.16.0.0/255.240.0.0->ip_dst,output:2"],
    "addresses of IPv6": ["ipv6,actions=set_field:2001:db8::1->ipv6_src,set_field:2001:db8::2->ipv6_dst,output:2"],
    "flow label": ["ipv6,actions=set_field:0xabcde->ipv6_label,output:2"],
    "ports": [
        "ip,udp,actions=mod_tp_src:1,mod_tp_dst:65535,output:2",
        "ip,tcp,actions=mod_tp_src:1,set_field:65535->tcp_dst,output:2",
        "ipv6,udp6,actions=set_field:1->udp_src,set_field:65535->udp_dst,output:2",
        "ipv6,tcp6,actions=set_field:1->tcp_src,output:2",
    ],
    "DSCP and ECN": [
        "ip,actions=mod_nw_tos:184,output:2,mod_nw_ecn:2,output:3",
        "ipv6,actions=set_field:46->ip_dscp,output:2,set_field:2->nw_ecn,output:3",
    ],
    "TTL set": ["ip,actions=mod_nw_ttl:7,output:2", "ipv6,actions=set_field:7->nw_ttl,output:2"],
    "TTL decremented": ["ip,actions=dec_ttl,output:2", "ipv6,actions=dec_ttl,output:2"],
    "TTL decremented twice": ["ip,actions=output:3,dec_ttl,output:2,dec_ttl,output:4"],
    "TTL set and decremented": ["ip,actions=mod_nw_ttl:2,dec_ttl,output:2,dec_ttl,output:3"],
    "dec_ttl of what has none": ["dl_type=0x88b5,actions=output:2"],
    "VLAN id and priority of a tagged packet": [
        "priority=9,dl_vlan=5,actions=mod_vlan_vid:100,mod_vlan_pcp:6,output:2,set_field:0x1007->vlan_vid,output:3",
        "priority=1,dl_vlan=0xffff,actions=output:4",
    ],
    "ARP written": [
        "arp,actions=set_field:2->arp_op,set_field:192.0.2.1->arp_spa,set_field:02:00:00:00:00:77->arp_tha,output:2"
    ],
    "ICMP written": ["ip,icmp,actions=set_field:0->icmp_type,set_field:9->icmp_code,output:2"],
    "ICMPv6 written": ["icmp6,actions=set_field:129->icmpv6_type,output:2"],
    "loads": ["ip,actions=load:0x5->NXM_OF_IP_DST[0..7],load:0xc0000201->NXM_OF_IP_SRC[],output:2"],
    "routing": [
        "ip,nw_dst=10.0.0.0/8,actions=dec_ttl,mod_dl_src:02:00:00:00:00:aa,mod_dl_dst:02:00:00:00:00:bb,output:2"
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_same_flows(both: Callable[..., Any], name: str) -> None:
    theirs, ours = both(CASES[name], list(PACKETS.values()))
    assert ours == theirs


TTL_GROUPS = {
    "the first of two": "type=all,bucket=actions=dec_ttl,output:2,bucket=actions=output:3",
    "the last of two": "type=all,bucket=actions=output:3,bucket=actions=dec_ttl,output:2",
    "after other edits": "type=all,bucket=actions=mod_dl_dst:02:00:00:00:00:09,mod_nw_dst:10.9.9.9,dec_ttl,output:2,"
    "bucket=actions=output:3",
    "all of three": "type=all,bucket=actions=dec_ttl,output:2,bucket=actions=dec_ttl,output:3,bucket=actions=output:4",
    "indirect": "type=indirect,bucket=actions=dec_ttl,output:2",
    "select": "type=select,bucket=actions=dec_ttl,output:2",
}


@pytest.mark.parametrize("actions", ["group:1", "group:1,output:4", "dec_ttl,group:1,output:4", "group:1,goto_table:1"])
@pytest.mark.parametrize("name", TTL_GROUPS)
def test_a_time_to_live_that_is_over_ends_its_bucket(both: Callable[..., Any], name: str, actions: str) -> None:
    packets = [ETHER / IP(src="10.0.0.1", dst="10.0.0.2", ttl=n) / UDP(sport=1, dport=2) / DATA for n in range(4)]
    flows = [f"ip,actions={actions}", "table=1,ip,actions=dec_ttl,output:4"]
    theirs, ours = both(flows, packets, [f"group_id=1,{TTL_GROUPS[name]}"])
    assert ours == theirs
    assert theirs


def test_select_groups_spread_over_the_same_ports(both: Callable[..., Any]) -> None:
    """Which bucket a packet takes is each switch's own hash; that it takes one, with its edits, is not."""
    sources = [f"10.1.{i}.1" for i in range(40)]
    packets = [ETHER / IP(src=source, dst="10.0.0.2") / UDP(sport=1000, dport=2000) / DATA for source in sources]
    group = "group_id=1,type=select,bucket=actions=dec_ttl,output:2,bucket=actions=dec_ttl,output:3"
    theirs, ours = both(["ip,actions=group:1"], packets, [group])
    assert sorted(packet for _, packet in ours) == sorted(packet for _, packet in theirs)
    assert {port for port, _ in ours} == {port for port, _ in theirs} == {2, 3}
