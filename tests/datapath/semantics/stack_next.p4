// next is the first free element, last the one before it; extracting moves next, failing does not.  A full stack has
// no next, an empty one no last: StackOutOfBounds, which is found before the packet's length is asked.
// spec: 13.9, 8.18
// packet: 01 00 -> accept NoError 16 h[0]=01 h[1]=00 meta=0x1100
// packet: 00 -> accept NoError 8 h[0]=00 meta=0x1000
// packet: 01 01 00 -> accept NoError 24 h[0]=01 h[1]=01 h[2]=00 meta=0x1200
// packet: 01 01 01 00 -> reject StackOutOfBounds 24 h[0]=01 h[1]=01 h[2]=01
// packet: 01 01 01 -> reject StackOutOfBounds 24 h[0]=01 h[1]=01 h[2]=01
// packet: 01 01 -> reject PacketTooShort 16 h[0]=01 h[1]=01
// packet: 02 -> reject StackOutOfBounds 8 h[0]=02
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[3] h; h_t[2] none; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start {
        p.extract(hdr.h.next);
        transition select(hdr.h.last.x) { 1: start; 2: empty; _: done; }
    }
    state done { meta = 4w1 ++ (bit<4>)hdr.h.lastIndex ++ hdr.h.last.x; transition accept; }
    state empty { transition select(hdr.none.last.x) { _: accept; } }
}
