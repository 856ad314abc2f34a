// Syntax: several faults in one run, parsing goes on behind each.
#include <core.p4>
header h_t { bit<8> a bit<8> b; bit<N> c; }
struct headers_t { h_t h; }
bit<8> forgotten = 5;
parser P(packet_in pkt, out headers_t hdr) {
    state start {
        pkt.extract(hdr.h)
        hdr.h.a = 3 +;
        transition select(hdr.h.a {
            0: accept;
        }
    }
    state 2nd { transition accept; }
    state last { transition accept }
}
const bit<8> X = 9z3;
const string S = "never closed;
