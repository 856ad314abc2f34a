// construct: for over a range
// packet: 05 -> accept NoError 8 h=05 meta=11
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        meta = hdr.h.x;
        for (bit<8> i in 8w1 .. 3) { meta = meta + i; }
        transition accept;
    }
}
