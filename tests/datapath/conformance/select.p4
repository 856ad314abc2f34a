// construct: select over bit, int, bool, enum, tuple; select: masks; select: ranges; select: default and _; select: constants as cases; select: cases known at run time; select: no case matches (NoMatch)
// packet: 0180 -> accept NoError 16 h=0180 meta=1
// packet: f200 -> accept NoError 16 h=f200 meta=2
// packet: 1500 -> accept NoError 16 h=1500 meta=3
// packet: 4001 -> accept NoError 16 h=4001 meta=3
// packet: 3000 -> reject NoMatch 16 h=3000
#include <core.p4>
const bit<8> LOW = 0x10;
enum bit<8> Kind { FIRST = 1 }
header h_t { bit<8> x; bool flag; bit<7> pad; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        tuple<bit<8>, bool> both = { hdr.h.x, hdr.h.flag };
        transition select(both) {
            (Kind.FIRST, true): one;
            (2 &&& 0xf, _): two;
            (LOW .. LOW + 0xf, false): three;
            (0x3f + (bit<8>) hdr.h.pad, _): three;
        }
    }
    state one { meta = 1; transition accept; }
    state two { meta = 2; transition accept; }
    state three { meta = 3; transition accept; }
}
