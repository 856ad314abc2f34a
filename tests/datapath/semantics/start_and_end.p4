// A parser begins in 'start' and ends in 'accept' or 'reject', which is no error of itself; the packet behind the
// cursor is payload.  A state without a transition rejects.
// spec: 13.1, 13.3, 13.4, 13.5
// packet: 01 aabb -> accept NoError 8 h=01
// packet: 02 aabb -> reject NoError 8 h=02
// packet: 03 aabb -> reject NoError 16 h=03 g=aa
// packet: 04 aabb -> accept NoError 24 h=04 g=aa k=bb
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; h_t g; h_t k; }
parser P(packet_in p, out headers_t hdr) {
    state last { p.extract(hdr.k); transition accept; }
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) { 1: accept; 2: reject; 3: nothing; 4: next; }
    }
    state nothing { p.extract(hdr.g); }
    state next { p.extract(hdr.g); transition last; }
}
