// States and local elements share one name space; 'accept' and 'reject' are not for programs to define; transitions
// name states.
// spec: 13.2
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    bit<4> t;
    state start { p.extract(hdr.h); transition nowhere; } //! nowhere
    state t { transition accept; } //! 't' is declared twice
    state twice { transition accept; }
    state twice { transition reject; } //! twice
    state reject { transition accept; } //! reject
}
