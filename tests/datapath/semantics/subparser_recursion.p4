// A parser cannot apply itself, nor one that is declared behind it.
// spec: 13.10
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser Q(packet_in p, out headers_t hdr) {
    state start { Q.apply(p, hdr); transition accept; } //! Q
}
parser P(packet_in p, out headers_t hdr) {
    Late() late; //! Late
    state start { late.apply(p, hdr); Q.apply(p, hdr); transition accept; }
}
parser Late(packet_in p, out headers_t hdr) {
    state start { p.extract(hdr.h); transition accept; }
}
