// An index that is known and out of range is an error; last cannot be written.
// spec: 8.18
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[2] h; }
const bit<8> TWO = 2;
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h[TWO]); //! index
        hdr.h[-1].x = 3; //! index
        p.extract(hdr.h.last); //! last
        transition accept;
    }
}
