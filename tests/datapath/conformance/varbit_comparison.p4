// construct: varbit: compared, as a field or in its header
// unsupported: their content is not kept
#include <core.p4>
header h_t { bit<8> n; varbit<64> v; }
struct headers_t { h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h, 8);
        p.extract(hdr.g, 8);
        if (hdr.h == hdr.g) { meta = 1; } //! comparing varbit
        transition accept;
    }
}
