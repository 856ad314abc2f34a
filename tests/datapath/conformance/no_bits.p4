// construct: bit<0> and varbit<0>: fields, variables, constants, operators, casts, select keys, lookahead
// packet: a5 -> accept NoError 8 h=a5 only= meta.n=0x37
// packet: 80 -> reject NoMatch 8 h=80 only= meta.n=0x34
// packet: 20 -> accept NoError 8 h=20 only= meta.n=0x26
// packet: (nothing) -> reject PacketTooShort 0
#include <core.p4>
enum bit<0> Sole { Value = 0 }
header h_t { bit<0> before; bit<3> x; bit<0> between; bit<5> y; varbit<0> behind; Sole last; }
header only_t { bit<0> x; bit<0>[2] more; }
struct headers_t { h_t h; only_t only; }
struct meta_t { bit<0> z; bit<8> n; }
const bit<0> ZERO = 0;
bit<0> nothing(in bit<0> x, out bit<0> y) { y = x; return -x; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    bit<0> z = 0;
    state start {
        p.extract(hdr.h, 0);
        p.extract(hdr.only);
        z = (bit<0>) hdr.h.x + ZERO & ~hdr.h.before;
        z += hdr.only.x;
        z = nothing(z, hdr.only.more[1]);
        meta.z = p.lookahead<bit<0>>();
        meta.n = z ++ hdr.h.x ++ z ++ hdr.h.y;
        if (z == 0 && z >= ZERO && !(z < meta.z) && z != 0 == false) { meta.n = (bit<8>) hdr.h.x << z; }
        meta.n = meta.n | (bit<8>) z | (hdr.h.last == Sole.Value ? 8w0x20 : (bit<8>) (hdr.h.y ++ 3w0));
        meta.n[4:4] = hdr.h.x[2:2];
        transition select(z, hdr.h.x, hdr.h.last, true ? z : ZERO) {
            (0, 5, Sole.Value, _): sole;
            (0 &&& 0, 1, _, 0..0): same;
        }
    }
    state sole { meta.n[1:1] = 1; transition select(meta.z) { 0: accept; default: reject; } }
    state same { meta.n = meta.n + 5; transition select(hdr.h.between) { default: accept; } }
}
