// Value sets: scalar, struct with @match, signed, wide, beside other keysets, in a sub-parser.
#include <core.p4>
header h_t { bit<16> port; int<8> delta; bit<8> kind; bit<128> address; }
struct headers_t { h_t first; h_t second; }
struct mixed_t {
    @match(range) bit<16> port;
    @match(ternary) bit<8> kind;
}
struct pair_t { int<8> delta; bit<128> address; }
parser Inner(packet_in pkt, out h_t h) {
    value_set<mixed_t>(4) mixed;
    state start {
        pkt.extract(h);
        transition select(h.port, h.kind) {
            mixed: accept;
            (7, _): accept;
        }
    }
}
parser P(packet_in pkt, out headers_t hdr) {
    Inner() inner;
    value_set<bit<16>>(4) ports;
    @match(exact) value_set<bit<8>>(2) kinds;
    value_set<pair_t>(8) pairs;
    state start {
        pkt.extract(hdr.first);
        transition select(hdr.first.port, hdr.first.delta, hdr.first.kind) {
            (ports, -1, _): accept;
            (0x800 &&& 0xff00, _, kinds): second;
            default: wide;
        }
    }
    state wide {
        transition select(hdr.first.delta, hdr.first.address) {
            pairs: second;
            default: accept;
        }
    }
    state second {
        inner.apply(pkt, hdr.second);
        transition accept;
    }
}
