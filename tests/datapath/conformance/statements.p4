// construct: if and else, blocks, local variables, constants in states; empty statement; switch on a value
// packet: 05 -> accept NoError 8 h=05 meta=15
// packet: 01 -> accept NoError 8 h=01 meta=10
// packet: 02 -> accept NoError 8 h=02 meta=20
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        const bit<8> TEN = 10;
        bit<8> n = TEN;
        { bit<8> n = 3; ; }
        if (hdr.h.x > 4) { n = n + hdr.h.x; } else if (hdr.h.x == 2) n = 20; else { }
        meta = n;
        transition accept;
    }
}
