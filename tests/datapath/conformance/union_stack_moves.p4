// construct: stack of header unions: push_front and pop_front; local header stacks: push_front and pop_front
// packet: 01 aa bb -> accept NoError 24 k=01 u[1].a=aa u[2].a=bb meta=2
// packet: 02 aa bb -> accept NoError 24 k=02 u[0].a=bb meta=0
// packet: 03 aa bb cc -> accept NoError 32 k=03 u[0].a=bb u[1].b=cc meta=1
#include <core.p4>
header a_t { bit<8> x; }
header_union u_t { a_t a; a_t b; }
struct headers_t { a_t k; u_t[3] u; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    a_t[2] local;
    state start {
        p.extract(hdr.k);
        p.extract(hdr.u.next.a);
        p.extract(hdr.u.next.a);
        transition select(hdr.k.x) { 1: push; 2: pop; _: again; }
    }
    state push { hdr.u.push_front(1); transition done; }
    state pop {
        hdr.u.pop_front(1);
        local[1] = { 5 };
        local.pop_front(1);
        verify(local[0].isValid() && !local[1].isValid(), error.NoMatch);
        transition done;
    }
    state again { hdr.u.pop_front(1); p.extract(hdr.u.next.b); transition done; }
    state done { meta = hdr.u.lastIndex[7:0]; transition accept; }
}
