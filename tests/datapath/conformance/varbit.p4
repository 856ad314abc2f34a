// construct: packet_in.extract, two arguments; varbit first, between and last; varbit lengths that are no multiple of 8
// packet: 10 aabb cc -> accept NoError 32 n=10 h=aabbcc h.x=0xcc
// packet: 04 ab c0 -> accept NoError 20 n=04 h=abc0 h.x=0xbc
// packet: 28 aabbccddee ff -> reject HeaderTooShort 8 n=28
#include <core.p4>
header n_t { bit<8> n; }
header h_t { varbit<32> v; bit<8> x; }
struct headers_t { n_t n; h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.n);
        p.extract(hdr.h, (bit<32>)hdr.n.n);
        transition accept;
    }
}
