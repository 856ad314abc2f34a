// Elements by index, and the size.  A run-time index out of range reads zeros and as invalid, and writes nothing;
// lastIndex of an empty stack is 2^32 - 1.
// spec: 8.18, 8.25
// packet: 00 -> accept NoError 8 i=00 h[0]=0a h[1]=0b meta=0x010a02
// packet: 01 -> accept NoError 8 i=01 h[0]=0a h[1]=0b meta=0x010b02
// packet: 02 -> accept NoError 8 i=02 h[0]=0a h[1]=0b meta=0x000002
// packet: ff -> accept NoError 8 i=ff h[0]=0a h[1]=0b meta=0x000002
// packet: 80 -> accept NoError 8 i=80 h[0]=0a h[1]=0b meta=0x00ff02
// packet: 81 -> accept NoError 8 i=81 h[0]=0a h[1]=77 meta=0x018102
// packet: 85 -> accept NoError 8 i=85 h[0]=0a h[1]=0b meta=0x008502
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t i; h_t[2] h; }
parser P(packet_in p, out headers_t hdr, inout bit<24> meta) {
    state start {
        p.extract(hdr.i);
        meta[7:0] = (bit<8>)hdr.h.size;
        bit<8> empty = hdr.h.lastIndex[7:0];
        hdr.h[0] = { 10 };
        hdr.h[1] = { 11 };
        if (hdr.i.x == 0x80) { meta[15:8] = empty; }
        else if (hdr.i.x[7:4] == 8) {
            hdr.h[hdr.i.x[3:0]].x = 0x77;
            meta[23:16] = hdr.h[hdr.i.x[3:0]].isValid() ? 8w1 : 0;
            meta[15:8] = hdr.i.x;
        } else {
            meta[15:8] = hdr.h[hdr.i.x].x;
            meta[23:16] = hdr.h[hdr.i.x].isValid() ? 8w1 : 0;
        }
        transition accept;
    }
}
