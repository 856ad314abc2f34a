// Keys of all types: bit, int, bool, enum, serializable enum, error's kin; ranges are numeric, signed where the key is,
// and empty where they run backwards; products match component by component.
// spec: 13.6, 8.15.4, 8.15.5, 8.3
// packet: 01 fc 80 -> accept NoError 24 h=01fc80 meta=1
// packet: 01 04 80 -> accept NoError 24 h=010480 meta=1
// packet: 01 05 80 -> accept NoError 24 h=010580 meta=9
// packet: 01 fb 80 -> accept NoError 24 h=01fb80 meta=9
// packet: 01 00 00 -> accept NoError 24 h=010000 meta=9
// packet: 02 00 00 -> accept NoError 24 h=020000 meta=2
// packet: 02 80 00 -> accept NoError 24 h=028000 meta=3
// packet: 07 80 00 -> accept NoError 24 h=078000 meta=9
#include <core.p4>
enum bit<8> Kind { A = 1, B = 2 }
enum Mode { X, Y }
header h_t { Kind kind; int<8> delta; bool flag; bit<7> pad; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    Mode mode = Mode.X;
    state start {
        p.extract(hdr.h);
        if (hdr.h.kind == Kind.B) { mode = Mode.Y; }
        transition select(hdr.h.kind, hdr.h.delta, hdr.h.flag, mode) {
            (Kind.A, -4 .. 4, true, Mode.X): one;
            (Kind.B, 4 .. -4, _, _): nine;
            (Kind.B, 0 .. 127, false, Mode.Y): two;
            (Kind.B, -8s128, _, _): three;
            default: nine;
        }
    }
    state one { meta = 1; transition accept; }
    state two { meta = 2; transition accept; }
    state three { meta = 3; transition accept; }
    state nine { meta = 9; transition accept; }
}
