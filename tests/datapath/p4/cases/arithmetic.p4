// Operators, casts, slices on both sides, compound assignment, constants of any size.
#include <core.p4>
type bit<9> port_t;
header h_t { bit<8> a; bit<8> b; int<8> c; bit<16> d; bit<130> wide; bit<6> rest; }
struct headers_t { h_t h; }
const int BIG = 1 << 129;
const bit<8> SMALL = (bit<8>)(BIG >> 125);
parser P(packet_in pkt, out headers_t hdr, out port_t port) {
    state start {
        pkt.extract(hdr.h);
        hdr.h.a = hdr.h.a |+| hdr.h.b;
        hdr.h.b = (hdr.h.a |-| 3) & ~hdr.h.b ^ 0x0f;
        hdr.h.c = -hdr.h.c >> 2;
        hdr.h.d = hdr.h.a ++ hdr.h.b;
        hdr.h.d[11:4] = hdr.h.a;
        hdr.h.d[3+:4][1:0] = 2w3;
        hdr.h.d += 1;
        hdr.h.d <<= 2;
        hdr.h.wide = BIG + (bit<130>)hdr.h.a * (bit<130>)SMALL;
        port = (port_t)(bit<9>)(int<9>)hdr.h.c;
        hdr.h.rest = (hdr.h.c < 0 || !(hdr.h.a >= 5) ? (bit<6>)hdr.h.d : 6w1);
        transition accept;
    }
}
