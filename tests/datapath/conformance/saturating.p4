// construct: |+| and |-|, unsigned and signed
// packet: f0 20 -> accept NoError 16 h=f020 meta=0xffd0
// packet: 10 20 -> accept NoError 16 h=1020 meta=0x3000
#include <core.p4>
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start {
        p.extract(hdr.h);
        meta = (hdr.h.x |+| hdr.h.y) ++ (hdr.h.x |-| hdr.h.y);
        transition accept;
    }
}
