// A header that was invalid and is set valid again has zero fields, not its old ones.
// spec: 8.17, 8.25
// packet: 05 -> accept NoError 8 h=00 meta=0
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, out bit<8> meta) {
    state start {
        p.extract(hdr.h);
        hdr.h.setInvalid();
        meta = hdr.h.x;
        hdr.h.setValid();
        transition accept;
    }
}
