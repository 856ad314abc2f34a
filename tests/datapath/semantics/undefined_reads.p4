// What the specification leaves undefined is zero: fields of invalid headers, fields that setValid left open, locals
// without a value, out parameters never written.  Writing to an invalid header does nothing.
// spec: 8.25
// packet: 05 -> accept NoError 8 h=05 k=00 meta=0
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; h_t g; h_t k; h_t j; }
parser Q(packet_in p, out bit<8> never) { state start { transition accept; } }
parser P(packet_in p, out headers_t hdr, out bit<8> meta) {
    bit<8> local;
    state start {
        p.extract(hdr.h);
        hdr.g.x = 9;
        hdr.k.setValid();
        bit<8> n = hdr.h.x;
        Q.apply(p, n);
        meta = hdr.g.x + hdr.k.x + local + n + (hdr.g.isValid() ? 8w1 : 0);
        hdr.j.x = 7;
        hdr.j = hdr.g;
        transition accept;
    }
}
