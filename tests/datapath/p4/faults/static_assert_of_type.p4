// Assertions about type parameters, and about what nobody knows.
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
void wide<T>(in T value) { static_assert(value.minSizeInBits() > 8, "wider than a byte"); }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        static_assert(hdr.h.x == 1, "what the packet has");
        wide(16w1);
        wide(hdr.h.x);
        transition accept;
    }
}
