// A sub-parser is inlined for each call: told is only what holds for all of them.
#include <core.p4>

header h_t { bit<8> kind; }
struct headers_t { h_t a; h_t b; }

parser Sub(packet_in packet, out h_t h)(bit<8> low) {
    bit<8> unused;
    bit<8> kept;
    state start {
        packet.extract(h);
        kept = h.kind;
        transition select(h.kind) {
            0 .. low: accept;
            3: other;
            default: reject;
            4: dead;
        }
    }
    state other { transition select(kept) { 3: accept; } }
    state dead { transition accept; }
}

parser P(packet_in packet, out headers_t hdr) {
    Sub(5) wide;
    Sub(2) narrow;
    state start {
        wide.apply(packet, hdr.a);
        narrow.apply(packet, hdr.b);
        transition accept;
    }
}
