// What arrays cannot hold, and what only header stacks can do.
#include <core.p4>
header h_t { bit<8> x; }
header wrong_t { h_t[2] stack; error[2] why; tuple<bit<8>>[2] pairs; h_t[2][2] stacks; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    bit<8>[3] a;
    bit<8>[2] b = { 1, 2, 3 };
    bit<8>[0] c;
    state start {
        p.extract(hdr.h);
        a[3] = 1;
        a = b;
        a.next = 1;
        a.push_front(1);
        p.extract(a[0]);
        hdr.h.x[0] = 1;
        transition select(a[hdr.h.x]) { 0: accept; }
    }
}
