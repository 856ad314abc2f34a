// construct: header stack: assignment, comparison, stack expressions; local header stacks
// packet: 0102 -> accept NoError 16 h[0]=01 h[1]=02 g[0]=01 g[1]=02 k[0]=09 k[1]=08 meta=1
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[2] h; h_t[2] g; h_t[2] k; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    h_t[2] local;
    state start {
        p.extract(local.next);
        p.extract(local.next);
        hdr.h = local;
        hdr.g = hdr.h;
        hdr.k = { { 9 }, { 8 } };
        meta = hdr.g == hdr.h && hdr.g != hdr.k ? 8w1 : 0;
        transition accept;
    }
}
