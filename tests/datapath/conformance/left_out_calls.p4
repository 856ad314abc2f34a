// construct: externs without a result that is used, in a parser (log_msg, assert, digest and the like: left out, with a warning)
// packet: 05 -> accept NoError 8 h=05 meta=5
#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
extern void note(in bit<8> what);
extern bit<8> roll();
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        log_msg("x is {}", { hdr.h.x }); //? left out
        assert(hdr.h.x != 5); //? left out
        digest(32w1, hdr.h); //? left out
        note(hdr.h.x); //? left out
        roll(); //? left out
        meta = hdr.h.x;
        transition accept;
    }
}
