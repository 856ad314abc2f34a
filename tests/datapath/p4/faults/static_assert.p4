// Assertions that do not hold.
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
const bool A = static_assert(1 == 2, "one is not two");
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        static_assert(false);
        transition accept;
    }
}
