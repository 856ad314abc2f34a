// Locals of a parser with initial values, a start state that is a loop's target, names that hide others.
#include <core.p4>
header h_t { bit<8> more; }
struct headers_t { h_t[3] h; }
parser P(packet_in pkt, out headers_t hdr, inout bit<8> meta) {
    bit<8> n = 2;
    bit<8> m = meta + n;
    const bit<8> LIMIT = 4;
    state start {
        bit<8> n = m;
        {
            bit<8> n = 7;
            m = m + n;
        }
        pkt.extract(hdr.h.next);
        if (n > LIMIT) { meta = n; } else if (m == 0) { meta = m; }
        transition select(hdr.h.last.more) { 1: start; _: accept; }
    }
    state unused { transition accept; }
}
