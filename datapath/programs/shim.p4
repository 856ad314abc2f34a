// l2l3 plus a header that no other switch knows: a tenant shim between Ethernet and the network layer.  It says whose
// packet this is and in which slice of the network it travels; it counts hops, and it has a checksum of its own.
#include <core.p4>
#include <ovsp4.p4>

#include "l2l3_headers.p4"

const bit<16> TYPE_SHIM = 0x88b5; // IEEE 802 local experimental EtherType 1
const bit<4> SHIM_VERSION = 1;

error {
    ShimVersion
}

header shim_t {
    bit<4> version;
    bit<4> flags;
    bit<8> hops; // left; decremented like a time to live
    bit<24> tenant;
    bit<8> slice;
    bit<16> nextType; // EtherType of what follows
    @checksum
    bit<16> checksum;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t[2] vlan;
    shim_t shim;
    arp_t arp;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    icmp_t icmp;
    icmpv6_t icmpv6;
    tcp_t tcp;
    udp_t udp;
}

parser Shim(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_QINQ: parse_outer_vlan;
            TYPE_VLAN: parse_outer_vlan;
            TYPE_SHIM: parse_shim;
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
            TYPE_SHIM: parse_shim;
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_inner_vlan {
        packet.extract(hdr.vlan[1]);
        transition select(hdr.vlan[1].etherType) {
            TYPE_SHIM: parse_shim;
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_shim {
        packet.extract(hdr.shim);
        verify(hdr.shim.version == SHIM_VERSION, error.ShimVersion);
        transition select(hdr.shim.nextType) {
            TYPE_ARP: parse_arp;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

#include "l3_states.p4"
}

Switch(Shim()) main;
