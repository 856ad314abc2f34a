// Sub-parsers: by instance and by type, twice, in a branch, with copies where arguments overlap, constructor parameters.
#include <core.p4>
header h_t { bit<8> kind; bit<8> value; }
struct headers_t { h_t a; h_t b; h_t c; }
parser One(packet_in pkt, out h_t h, inout bit<8> count)(bit<8> step) {
    bit<8> before = count;
    state start {
        pkt.extract(h);
        count = before + step;
        transition select(h.kind) {
            0: reject;
            step: accept;
            default: more;
        }
    }
    state more {
        count = count + 1;
        transition accept;
    }
}
parser Two(packet_in pkt, inout bit<8> x, inout bit<8> y) {
    state start {
        x = 1;
        y = y + x;
        transition accept;
    }
}
parser P(packet_in pkt, out headers_t hdr, inout bit<8> meta) {
    One(2) one;
    state start {
        one.apply(pkt, hdr.a, meta);
        one.apply(pkt, hdr.b, meta);
        if (hdr.b.kind == 7) {
            hdr.b.value = 9;
            one.apply(pkt, hdr.c, hdr.b.value);
        } else {
            hdr.b.value = 8;
        }
        Two.apply(pkt, hdr.b.value, hdr.b.kind);
        transition accept;
    }
}
