// construct: arithmetic, bitwise, shift, comparison and logic operators; ternary; concatenation; casts, implicit and explicit
// construct: bit slices, read and written; compound assignment; minSizeInBits and its kin; octal, binary, hex and _ in literals
// packet: 0c 05 -> accept NoError 16 h=0c05 a=17 b=7 c=60 d=0x04 e=0x0d f=9 g=0xc05 s=24
// packet: ff 01 -> accept NoError 16 h=ff01 a=0 b=254 c=255 d=0x01 e=0xff f=254 g=0xff01 s=24
#include <core.p4>
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> a, inout bit<8> b, inout bit<8> c, inout bit<8> d, inout bit<8> e,
         inout bit<8> f, inout bit<16> g, inout bit<8> s) {
    state start {
        p.extract(hdr.h);
        a = hdr.h.x + hdr.h.y;
        b = hdr.h.x - hdr.h.y;
        c = hdr.h.x * hdr.h.y;
        d = hdr.h.x & hdr.h.y;
        e = hdr.h.x | hdr.h.y;
        f = hdr.h.x ^ hdr.h.y;
        g = hdr.h.x ++ hdr.h.y;
        s[7:4] = 4w0b1;
        s[3:0] = (bit<4>)(int<4>)4w8;
        s += (bit<8>)h_t.minSizeInBits() - 0x1_0;
        if (!(hdr.h.x == 12) == false && ~hdr.h.y != 0 && (bool)1w1) { s |= 0o0; }
        transition accept;
    }
}
