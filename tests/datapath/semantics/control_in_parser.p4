// A parser may not instantiate a control.
// spec: 13.2
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
control C(inout headers_t hdr) { apply { } }
parser P(packet_in p, out headers_t hdr) {
    C() c; //! control
    state start { p.extract(hdr.h); transition accept; }
}
