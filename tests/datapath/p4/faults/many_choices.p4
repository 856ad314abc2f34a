// A run-time index into more elements than can be asked one by one.  (Found by changing the words of a program.)
#include <core.p4>
header a_t { bit<8> x; }
header_union u_t { a_t one; }
struct headers_t { a_t a; u_t[2000] us; }
parser P(packet_in pkt, out headers_t hdr) {
    state start {
        pkt.extract(hdr.us.next.one);
        bit<8>[3000] many;
        pkt.extract(hdr.a);
        hdr.a.x = many[hdr.a.x] + hdr.us.last.one.x;
        transition accept;
    }
}
