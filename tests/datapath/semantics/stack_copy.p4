// Assigning a stack copies elements, validity and next; comparing asks elements only.
// spec: 8.18
// packet: 0a0b0c -> accept NoError 24 h[0]=0a h[1]=0b g[0]=0a g[1]=0b g[2]=0c meta=0x21
// packet: 0a0b -> reject PacketTooShort 16 h[0]=0a h[1]=0b g[0]=0a g[1]=0b meta=0x10
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[3] h; h_t[3] g; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h.next);
        p.extract(hdr.h.next);
        hdr.g = hdr.h;
        meta = hdr.g.lastIndex[3:0] ++ (hdr.g == hdr.h ? 4w0 : 1);
        p.extract(hdr.g.next);
        meta = hdr.g.lastIndex[3:0] ++ (hdr.g == hdr.h ? 4w0 : 1);
        transition accept;
    }
}
