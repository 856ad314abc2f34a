// lookahead reads without moving the cursor, any type of fixed width, from any bit; a header so read is valid.
// spec: 13.8.3
// packet: f1 23 45 67 89 -> accept NoError 4 nib=f0 small=1234 two.a=12 two.b=3456 meta=0xf8
// packet: 01 23 45 67 89 -> reject PacketTooShort 4 nib=00 small=1234 two.a=12 two.b=3456 meta=0
// packet: 81 23 45 60 -> reject PacketTooShort 4 nib=80 small=1234 two.a=12 two.b=3456
// packet: 81 23 45 -> reject PacketTooShort 4 nib=80 small=1234
// packet: 81 23 -> reject PacketTooShort 4 nib=80
// packet: (nothing) -> reject PacketTooShort 0
#include <core.p4>
header nib_t { bit<4> x; }
header small_t { bit<8> a; bit<8> b; }
header one_t { bit<8> x; }
header pair_t { bit<16> x; }
struct two_t { one_t a; pair_t b; }
struct headers_t { nib_t nib; small_t small; two_t two; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.nib);
        hdr.small = p.lookahead<small_t>();
        hdr.two = p.lookahead<two_t>();
        transition select(hdr.nib.x) { 0: far; _: near; }
    }
    state near {
        meta = hdr.nib.x ++ p.lookahead<bit<32>>()[3:0];
        transition accept;
    }
    state far {
        meta = p.lookahead<bit<44>>()[7:0];
        transition accept;
    }
}
