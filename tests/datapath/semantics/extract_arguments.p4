// The one-argument form is for headers of fixed width, the other for headers with exactly one varbit.
// spec: 13.8.1, 13.8.2, 7.2.2
// exit: 2
#include <core.p4>
header fixed_t { bit<8> x; }
header var_t { bit<8> n; varbit<64> v; }
header two_t { varbit<8> v; varbit<8> w; }
struct part_t { bit<8> x; }
struct headers_t { fixed_t f; var_t v; part_t s; two_t two; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.v); //! varbit
        p.extract(hdr.f, 8); //! varbit
        p.extract(hdr.two, 8); //! 2 varbit fields
        p.extract(hdr.two); //! 2 varbit fields
        p.extract(hdr.s); //! header
        p.extract({1, 2}); //! header
        transition accept;
    }
}
