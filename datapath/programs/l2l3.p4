// The protocols that every network has: Ethernet, up to two VLAN tags, ARP, IPv4 with options, IPv6, ICMP, TCP, UDP.
#include <core.p4>
#include <ovsp4.p4>

#include "l2l3_headers.p4"

// In the order of the wire: a pushed header goes where it stands here.
struct headers_t {
    ethernet_t ethernet;
    vlan_t[2] vlan;
    arp_t arp;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    icmp_t icmp;
    icmpv6_t icmpv6;
    tcp_t tcp;
    udp_t udp;
}

parser L2L3(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_QINQ: parse_outer_vlan;
            TYPE_VLAN: parse_outer_vlan;
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_outer_vlan {
        packet.extract(hdr.vlan[0]);
        transition select(hdr.vlan[0].etherType) {
            TYPE_VLAN: parse_inner_vlan;
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    // A third tag is not looked into: the packet is forwarded by what was seen up to here.
    state parse_inner_vlan {
        packet.extract(hdr.vlan[1]);
        transition select(hdr.vlan[1].etherType) {
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

#include "l3_states.p4"
}

Switch(L2L3()) main;
