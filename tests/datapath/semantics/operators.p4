// Shifts as wide as the value give zero, or the sign; saturation stops at the ends; casts extend by the operand's sign.
// spec: 8.6, 8.7, 8.9, 8.11
// packet: 04 f0 -> accept NoError 16 h=04f0 meta=0x00ff0fff
// packet: 08 80 -> accept NoError 16 h=0880 meta=0x00ff00ff
// packet: ff 7f -> accept NoError 16 h=ff7f meta=0x00000000
// packet: 00 01 -> accept NoError 16 h=0001 meta=0x01010101
#include <core.p4>
header h_t { bit<8> n; bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<32> meta) {
    state start {
        p.extract(hdr.h);
        int<8> s = (int<8>)hdr.h.x;
        bit<8> left = hdr.h.x << hdr.h.n;
        bit<8> right = hdr.h.x >> hdr.h.n;
        bit<8> sign = (bit<8>)(s >> hdr.h.n);
        bit<16> wide = (bit<16>)(int<16>)(s >> hdr.h.n);
        meta = left ++ wide[15:8] ++ right ++ sign;
        meta[31:24] = left;
        if (hdr.h.n == 0) { meta = left ++ right ++ sign ++ wide[7:0]; }
        transition accept;
    }
}
