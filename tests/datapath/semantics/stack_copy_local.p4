// A local stack is no other: assigning one to headers takes along what next is, also where that is known only at run
// time; an out parameter that is a stack begins empty.
// spec: 8.18, 6.8
// packet: 01 0a 00 0b -> accept NoError 32 n=00 h[0]=0a g[0]=0a g[1]=0b meta=0x1200
// packet: 02 0a 0b 00 0c -> accept NoError 40 n=00 h[0]=0a h[1]=0b g[0]=0a g[1]=0b g[2]=0c meta=0x2300
// packet: 03 0a 0b 0c 00 0d -> reject StackOutOfBounds 40 n=00 h[0]=0a h[1]=0b h[2]=0c g[0]=0a g[1]=0b g[2]=0c meta=0
// packet: 01 0a 01 0b 0c -> accept NoError 40 n=01 h[0]=0b g[0]=0a g[1]=0c meta=0x1201
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t n; h_t[3] h; h_t[3] g; }
parser Fill(packet_in p, in bit<8> n, out h_t[3] to) {
    bit<8> left = n;
    state start {
        transition select(left) { 0: accept; _: more; }
    }
    state more {
        p.extract(to.next);
        left = left - 1;
        transition start;
    }
}
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    h_t[3] tmp;
    state start {
        p.extract(hdr.n);
        Fill.apply(p, hdr.n.x, hdr.h);
        tmp = hdr.h;
        p.extract(hdr.n);
        transition select(hdr.n.x) { 0: copy; _: again; }
    }
    state again {
        Fill.apply(p, hdr.n.x, hdr.h);
        transition copy;
    }
    state copy {
        hdr.g = tmp;
        bit<32> before = hdr.g.lastIndex + 1;
        p.extract(hdr.g.next);
        meta = before[3:0] ++ (bit<4>)(hdr.g.lastIndex + 1) ++ hdr.n.x;
        transition accept;
    }
}
