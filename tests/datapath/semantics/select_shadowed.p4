// Cases behind 'default' or '_' cannot be reached: legal, with a warning.
// spec: 13.6
// packet: 01 -> accept NoError 8 h=01
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) {
            _: accept;
            1: reject; //? never
        }
    }
}
