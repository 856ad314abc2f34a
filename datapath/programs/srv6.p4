// Segment routing over IPv6: a routing header with a list of segments as a header stack, TLVs behind it, and a packet, a
// frame or a transport header inside.
// Source: RFC 8754 (segment routing header), RFC 8200 (IPv6), RFC 8986 (what the next header may be).
#include <core.p4>
#include <ovsp4.p4>

#include "inner_headers.p4"

const bit<8> PROTO_IPV4 = 4;
const bit<8> PROTO_IPV6 = 41;
const bit<8> PROTO_ROUTING = 43;
const bit<8> PROTO_ETHERNET = 143;
const bit<8> ROUTING_SEGMENTS = 4; // routing type, RFC 8754, section 8.1

error {
    SegmentsLeft, // there are fewer segments in the list
    SegmentList // the list is longer than the routing header
}

// The fixed part; segments and TLVs follow.
header srh_t {
    bit<8> nextHdr;
    bit<8> hdrExtLen; // in 8 bytes, without the first 8
    bit<8> routingType;
    bit<8> segmentsLeft;
    bit<8> lastEntry;
    bit<8> flags;
    bit<16> tag;
}

header segment_t {
    ip6Addr_t sid;
}

header srh_tlvs_t {
    varbit<16320> tlvs; // 255 * 8 bytes, if there were no segment at all
}

// Behind a routing header, the pseudo-header has the final destination: the last segment, which stands first (RFC 8200,
// section 8.1).
header routed_tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seqNo;
    bit<32> ackNo;
    bit<4> dataOffset;
    bit<12> flags;
    bit<16> window;
    @checksum["payload", "ipv6.srcAddr", "segments[0].sid", "srh.nextHdr"]
    bit<16> checksum;
    bit<16> urgentPtr;
}

header routed_udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "ipv6.srcAddr", "segments[0].sid", "srh.nextHdr"]
    bit<16> checksum;
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
    ipv6_t ipv6;
    srh_t srh;
    segment_t[8] segments; // the last one of the path first
    srh_tlvs_t tlvs;
    routed_tcp_t routedTcp;
    routed_udp_t routedUdp;
    tcp_t tcp;
    udp_t udp;
    icmpv6_t icmpv6;
    inner_t inner;
}

parser Srv6(packet_in packet, out headers_t hdr) {
    bit<8> left; // segments to be read

    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_VLAN: parse_vlan;
            TYPE_IPV6: parse_ipv6;
            TYPE_IPV4: parse_inner_ipv4;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.etherType) {
            TYPE_IPV6: parse_ipv6;
            TYPE_IPV4: parse_inner_ipv4;
            default: accept;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nextHdr) {
            PROTO_ROUTING: parse_routing;
            PROTO_IPV4: parse_inner_ipv4;
            PROTO_IPV6: parse_inner_ipv6;
            PROTO_TCP: parse_tcp;
            PROTO_UDP: parse_udp;
            PROTO_ICMPV6: parse_icmpv6;
            default: accept;
        }
    }

    // The routing type stands in the third byte; other types are not looked into.
    state parse_routing {
        transition select(packet.lookahead<bit<24>>()[7:0]) {
            ROUTING_SEGMENTS: parse_srh;
            default: accept;
        }
    }

    state parse_srh {
        packet.extract(hdr.srh);
        // RFC 8754, section 4.3.1.1: Last Entry fits the header's length, Segments Left fits Last Entry.
        verify((bit<16>)hdr.srh.lastEntry + 1 <= (bit<16>)(hdr.srh.hdrExtLen >> 1), error.SegmentList);
        verify((bit<16>)hdr.srh.segmentsLeft <= (bit<16>)hdr.srh.lastEntry + 1, error.SegmentsLeft);
        left = hdr.srh.lastEntry;
        transition parse_segment;
    }

    state parse_segment {
        packet.extract(hdr.segments.next);
        transition select(left) {
            0: parse_tlvs;
            default: next_segment;
        }
    }

    state next_segment {
        left = left - 1;
        transition parse_segment;
    }

    state parse_tlvs {
        packet.extract(hdr.tlvs, ((bit<32>)hdr.srh.hdrExtLen << 6) - (((bit<32>)hdr.srh.lastEntry + 1) << 7));
        transition select(hdr.srh.nextHdr) {
            PROTO_IPV4: parse_inner_ipv4;
            PROTO_IPV6: parse_inner_ipv6;
            PROTO_ETHERNET: parse_inner_ethernet;
            PROTO_TCP: parse_routed_tcp;
            PROTO_UDP: parse_routed_udp;
            default: accept;
        }
    }

    state parse_routed_tcp {
        packet.extract(hdr.routedTcp);
        transition accept;
    }

    state parse_routed_udp {
        packet.extract(hdr.routedUdp);
        transition accept;
    }

    state parse_tcp {
        packet.extract(hdr.tcp);
        transition accept;
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition accept;
    }

    state parse_icmpv6 {
        packet.extract(hdr.icmpv6);
        transition accept;
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

Switch(Srv6()) main;
