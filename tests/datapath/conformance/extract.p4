// construct: packet_in.extract, one argument; extract into _; extract into a local header; extract into a stack by index
// packet: 01 02 03 04 -> accept NoError 32 h=01 s[1]=03 meta=4
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; h_t[2] s; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    h_t local;
    state start {
        p.extract(hdr.h);
        p.extract<h_t>(_);
        p.extract(hdr.s[1]);
        p.extract(local);
        meta = local.x;
        transition accept;
    }
}
