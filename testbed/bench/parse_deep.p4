// Two tags, a stack of eight labels, IPv6, TCP: a long way through a parser.  parse_by_hand.c is the same by hand.
#include <core.p4>
#include <ovsp4.p4>

header ethernet_t {
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}

header vlan_t {
    bit<3>  priority;
    bit<1>  drop;
    bit<12> id;
    bit<16> etherType;
}

header label_t {
    bit<20> label;
    bit<3>  trafficClass;
    bit<1>  bottom;
    bit<8>  ttl;
}

header ipv6_t {
    bit<4>   version;
    bit<8>   trafficClass;
    bit<20>  flowLabel;
    bit<16>  payloadLength;
    bit<8>   nextHeader;
    bit<8>   hopLimit;
    bit<128> srcAddr;
    bit<128> dstAddr;
}

header tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seq;
    bit<32> ack;
    bit<4>  dataOffset;
    bit<4>  reserved;
    bit<8>  flags;
    bit<16> window;
    bit<16> checksum;
    bit<16> urgent;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t[2]  vlan;
    label_t[8] labels;
    ipv6_t     ipv6;
    tcp_t      tcp;
}

parser Deep(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            0x8100: parse_vlan;
            0x8847: parse_label;
            0x86dd: parse_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan.next);
        transition select(hdr.vlan.last.etherType) {
            0x8100: parse_vlan;
            0x8847: parse_label;
            0x86dd: parse_ipv6;
            default: accept;
        }
    }

    state parse_label {
        packet.extract(hdr.labels.next);
        transition select(hdr.labels.last.bottom) {
            0: parse_label;
            1: parse_ipv6;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nextHeader) {
            6: parse_tcp;
            default: accept;
        }
    }

    state parse_tcp {
        packet.extract(hdr.tcp);
        transition accept;
    }
}

Switch(Deep()) main;
