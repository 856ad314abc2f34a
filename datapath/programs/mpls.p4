// A stack of MPLS labels: the bottom-of-stack bit ends the loop, and since no label says what is behind it, the first
// four bits there are looked at.
// Source: RFC 3032 (label stack), RFC 5462 (traffic class), RFC 4385 and RFC 4928 (the first nibble, control word).
#include <core.p4>
#include <ovsp4.p4>

#include "inner_headers.p4"

const bit<16> TYPE_MPLS = 0x8847; // RFC 5332: downstream-assigned labels
const bit<16> TYPE_MPLS_UPSTREAM = 0x8848;
const bit<32> LAST_LABEL = 7; // index of the last label that is looked at

header mpls_t {
    bit<20> label;
    bit<3> tc;
    bit<1> bottom;
    bit<8> ttl;
}

// RFC 4385, section 3
header pw_control_t {
    bit<4> zero;
    bit<4> flags;
    bit<2> frag;
    bit<6> length;
    bit<16> sequence;
}

struct inner_t {
    ethernet_t ethernet;
    inner_ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    icmp_t icmp;
    inner_icmpv6_t icmpv6;
    inner_tcp_t tcp;
    inner_udp_t udp;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t vlan;
    mpls_t[8] mpls;
    pw_control_t pseudowire;
    inner_t inner;
}

parser Mpls(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_VLAN: parse_vlan;
            TYPE_MPLS: parse_label;
            TYPE_MPLS_UPSTREAM: parse_label;
            TYPE_IPV4: parse_inner_ipv4;
            TYPE_IPV6: parse_inner_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.etherType) {
            TYPE_MPLS: parse_label;
            TYPE_MPLS_UPSTREAM: parse_label;
            TYPE_IPV4: parse_inner_ipv4;
            TYPE_IPV6: parse_inner_ipv6;
            default: accept;
        }
    }

    // A stack that is deeper than eight is forwarded by its first eight labels.
    state parse_label {
        packet.extract(hdr.mpls.next);
        transition select(hdr.mpls.last.bottom, hdr.mpls.lastIndex) {
            (1, _): guess_payload;
            (0, LAST_LABEL): accept;
            default: parse_label;
        }
    }

    state guess_payload {
        transition select(packet.lookahead<bit<4>>()) {
            0: parse_pseudowire;
            4: parse_inner_ipv4;
            6: parse_inner_ipv6;
            default: accept;
        }
    }

    state parse_pseudowire {
        packet.extract(hdr.pseudowire);
        transition parse_inner_ethernet;
    }

    state parse_inner_ethernet {
        packet.extract(hdr.inner.ethernet);
        transition select(hdr.inner.ethernet.etherType) {
            TYPE_IPV4: parse_inner_ipv4;
            TYPE_IPV6: parse_inner_ipv6;
            default: accept;
        }
    }

#include "inner_states.p4"
}

Switch(Mpls()) main;
