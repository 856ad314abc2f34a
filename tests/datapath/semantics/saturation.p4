// |+| and |-| stop at the ends of their type.
// spec: 8.6, 8.7
// packet: f0 20 -> accept NoError 16 h=f020 meta=0xffd010d0
// packet: 70 70 -> accept NoError 16 h=7070 meta=0xe0007f00
// packet: 10 f0 -> accept NoError 16 h=10f0 meta=0xff000020
// packet: 80 10 -> accept NoError 16 h=8010 meta=0x90709080
#include <core.p4>
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<32> meta) {
    state start {
        p.extract(hdr.h);
        int<8> x = (int<8>)hdr.h.x;
        int<8> y = (int<8>)hdr.h.y;
        meta = (hdr.h.x |+| hdr.h.y) ++ (hdr.h.x |-| hdr.h.y) ++ (bit<8>)(x |+| y) ++ (bit<8>)(x |-| y);
        transition accept;
    }
}
