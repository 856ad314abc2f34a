// lookahead is for types of fixed width: not for headers with a varbit, and not for header unions.
// spec: 13.8.3, 7.2.4
// exit: 2
#include <core.p4>
header h_t { bit<8> n; varbit<64> v; }
header g_t { bit<8> n; }
header_union u_t { g_t g; }
struct headers_t { h_t h; u_t u; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        hdr.h = p.lookahead<h_t>(); //! lookahead
        hdr.u = p.lookahead<u_t>(); //! lookahead
        transition accept;
    }
}
