// Keysets: tuples, masks, ranges, signed ranges, enums, errors, bool, value sets, structs, constants of all bases.
#include <core.p4>
enum bit<8> Kind { A = 1, B = 0x10 }
enum Plain { X, Y }
header h_t { Kind kind; int<8> delta; bit<16> port; bool flag; bit<7> pad; }
struct headers_t { h_t h; }
struct pair_t { bit<16> first; int<8> second; }
const bit<16> LOW = 0b1010;
const bit<16> HIGH = LOW * 10 + 5;
parser P(packet_in pkt, out headers_t hdr) {
    value_set<bit<16>>(4) ports;
    value_set<pair_t>(8) pairs;
    Plain plain = Plain.Y;
    state start {
        pkt.extract(hdr.h);
        transition select(hdr.h.kind, hdr.h.delta, hdr.h.port, hdr.h.flag) {
            (Kind.A, -4 .. 4, LOW .. HIGH, true): second;
            (Kind.B, -1, 0x800 &&& 0xff00, _): third;
            (_, _, ports, false): fourth;
            default: reject;
        }
    }
    state second {
        transition select(hdr.h.port, hdr.h.delta) {
            pairs: third;
            (16w0o17, 8s3 &&& 8s3): accept;
            _: fourth;
        }
    }
    state third {
        transition select(plain) {
            Plain.X: accept;
            Plain.Y: fourth;
        }
    }
    state fourth {
        transition select((bit<8>)hdr.h.kind ++ 8w1) {
            0x1001 &&& 0xf0ff: accept;
        }
    }
}
