// construct: sub-parser by instance; sub-parser by type; constructor parameters; copy-in and copy-out; nested sub-parsers
// packet: 01 02 03 -> accept NoError 24 a=01 b=02 c=03 meta=9
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t a; h_t b; h_t c; }
parser One(packet_in p, out h_t h, inout bit<8> n)(bit<8> by) { state start { p.extract(h); n = n + by; transition accept; } }
parser Two(packet_in p, out h_t h, out h_t g, inout bit<8> n) {
    One(3) one;
    state start { one.apply(p, h, n); one.apply(p, g, n); transition accept; }
}
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    One(3) one;
    state start {
        one.apply(p, hdr.a, meta);
        Two.apply(p, hdr.b, hdr.c, meta);
        transition accept;
    }
}
