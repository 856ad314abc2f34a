// Without a package, the parser's constructor has the values that its parameters have by default.
// spec: 15.1
// packet: 03 -> accept NoError 8 h=03
// packet: 04 -> reject NoMatch 8 h=04
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr)(bit<8> wanted = 3) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) { wanted: accept; }
    }
}
