// Unions are equal if the same member is valid, with the same fields, or none is.
// spec: 8.19
// packet: 00 -> accept NoError 8 k=00 meta=1
// packet: 01 05 -> accept NoError 16 k=01 u.a=05 meta=0
// packet: 02 05 05 -> accept NoError 24 k=02 u.a=05 w.a=05 meta=1
// packet: 02 05 06 -> accept NoError 24 k=02 u.a=05 w.a=06 meta=0
// packet: 03 05 0005 -> accept NoError 32 k=03 u.a=05 w.b=0005 meta=0
#include <core.p4>
header a_t { bit<8> x; }
header b_t { bit<16> x; }
header_union u_t { a_t a; b_t b; }
struct headers_t { a_t k; u_t u; u_t w; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.k);
        transition select(hdr.k.x) { 0: done; _: first; }
    }
    state first {
        p.extract(hdr.u.a);
        transition select(hdr.k.x) { 2: same; 3: other; _: done; }
    }
    state same { p.extract(hdr.w.a); transition done; }
    state other { p.extract(hdr.w.b); transition done; }
    state done { meta = hdr.u == hdr.w ? 8w1 : 0; transition accept; }
}
