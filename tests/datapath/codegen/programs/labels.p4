// A header stack as deep as a provider's network, and a wide select behind it.
#include <core.p4>

header label_t {
    bit<20> label;
    bit<3> tc;
    bit<1> bottom;
    bit<8> ttl;
}
header ipv6_t {
    bit<4> version;
    bit<28> flow;
    bit<32> rest;
    bit<128> src;
    bit<128> dst;
}
header ipv4_t {
    bit<4> version;
    bit<156> rest;
}
struct headers_t {
    label_t[8] labels;
    ipv6_t ipv6;
    ipv4_t ipv4;
}
struct meta_t {
    bit<32> depth;
    bit<1> wellKnown;
}

parser Labels(packet_in packet, out headers_t hdr, inout meta_t meta) {
    state start {
        packet.extract(hdr.labels.next);
        transition select(hdr.labels.last.bottom, hdr.labels.last.label) {
            (0, _): start;
            (1, 0 .. 15): reserved;
            default: bottom;
        }
    }
    state reserved {
        meta.wellKnown = 1;
        transition bottom;
    }
    state bottom {
        meta.depth = hdr.labels.lastIndex + 1;
        transition select(packet.lookahead<bit<4>>()) {
            4: four;
            6: six;
        }
    }
    state four {
        packet.extract(hdr.ipv4);
        transition accept;
    }
    state six {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.src, hdr.ipv6.dst) {
            (0 &&& 0xffffffffffffffff0000000000000000, _): accept;
            (_, 0x1000_0000_0000_0000_0000 .. 0x1fff_ffff_ffff_ffff_ffff_ffff): accept;
            default: reject;
        }
    }
}
