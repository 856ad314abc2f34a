// construct: header stack: next, last, lastIndex, size; loop bounded by a stack; push_front, pop_front; run-time index of a header stack
// packet: 01 01 00 -> accept NoError 24 h[0]=01 meta=0x0204
// packet: 01 01 01 01 00 -> reject StackOutOfBounds 32 h[0]=01 h[1]=01 h[2]=01 h[3]=01
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[4] h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start {
        p.extract(hdr.h.next);
        transition select(hdr.h.last.x) { 0: done; _: start; }
    }
    state done {
        meta = hdr.h.lastIndex[7:0] ++ (bit<8>)hdr.h.size;
        hdr.h.push_front(2);
        hdr.h.pop_front(3);
        bit<32> i = hdr.h.lastIndex;
        hdr.h[i].x = hdr.h[i].x;
        transition accept;
    }
}
