// The first keyset that holds the value wins, also where several do; a mask ignores bits of its value, too.
// spec: 13.6, 8.15.1, 8.15.2, 8.15.3
// packet: 0a -> accept NoError 8 h=0a meta=1
// packet: fa -> accept NoError 8 h=fa meta=2
// packet: 1a -> accept NoError 8 h=1a meta=2
// packet: 20 -> accept NoError 8 h=20 meta=3
// packet: 7f -> accept NoError 8 h=7f meta=4
// packet: 3f -> accept NoError 8 h=3f meta=5
// packet: 00 -> accept NoError 8 h=00 meta=6
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) {
            0x0a: one;
            0xfa &&& 0x0f: two;
            0x20 .. 0x2f: three;
            0x20: six;
            0x30 &&& 0x30: next;
            default: six;
            0x00: one;
        }
    }
    state next { transition select(hdr.h.x) { 0x40 &&& 0xc0: four; _: five; } }
    state one { meta = 1; transition accept; }
    state two { meta = 2; transition accept; }
    state three { meta = 3; transition accept; }
    state four { meta = 4; transition accept; }
    state five { meta = 5; transition accept; }
    state six { meta = 6; transition accept; }
}
