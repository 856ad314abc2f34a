// Types: widths that differ, casts that are not, values that do not fit what they are for.
#include <core.p4>
header h_t { bit<8> a; bit<16> b; int<8> c; bool d; bit<7> pad; }
header v_t { varbit<64> x; varbit<64> y; string s; }
struct headers_t { h_t h; h_t[0] none; bit<8>[2] bits; v_t v; }
parser P(packet_in pkt, out headers_t hdr, in bit<8> input) {
    bit<8> n = hdr.h.b;
    state start {
        pkt.extract(hdr.h, 8);
        pkt.extract(hdr.v);
        n = hdr.h.a + hdr.h.b;
        n = hdr.h.b[7:8] ++ 1;
        n = (bit<8>)(bit<4>)hdr.h.c;
        n = hdr.h.a << hdr.h.c;
        n = -true;
        n = 300;
        if (hdr.h.a) { n = 1; }
        input = 3;
        hdr.h = { 1, 2 };
        hdr.h.isValid = 1;
        n = n / 0;
        bool same = hdr.h.d == 1;
        pkt.advance();
        transition select(hdr.h.a, n) {
            (1, 2, 3): accept;
            (1, true): accept;
            (n, _): accept;
        }
    }
}
