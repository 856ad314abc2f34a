// Legal P4 that has no translation, and recursion, which P4 does not have.
#include <core.p4>
extern bit<8> magic(in bit<8> x);
header a_t { bit<8> x; }
header_union u_t { a_t one; }
struct headers_t { a_t a; u_t[2] us; }
parser Inner(packet_in pkt, out a_t a) { state start { pkt.extract(a); transition accept; } }
parser P(packet_in pkt, out headers_t hdr)(bool deep) {
    Inner() inner;
    state start {
        hdr.a.x = magic(3);
        hdr.us.push_front(1);
        if (deep) { hdr.us.push_front(1); }
        inner.apply(pkt, hdr.us.next.one);
        a_t[2] stack;
        stack.pop_front(1);
        transition accept;
    }
}
