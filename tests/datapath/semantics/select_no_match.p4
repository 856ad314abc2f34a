// A select without a matching case sets NoMatch and rejects; what was extracted stays.
// spec: 13.6
// packet: 01 05 -> accept NoError 16 h=0105
// packet: 02 05 -> reject NoMatch 16 h=0205
// packet: 01 06 -> reject NoMatch 16 h=0106
#include <core.p4>
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x, hdr.h.y) { (1, 5): accept; (3, _): reject; }
    }
}
