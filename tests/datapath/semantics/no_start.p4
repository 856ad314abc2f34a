// Every parser has a state 'start'.
// spec: 13.2
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) { //! start
    state begin { p.extract(hdr.h); transition accept; }
}
