// construct: packet_in.lookahead of bit, int, bool, enum, header, struct; lookahead at any bit; lookahead of more than 64 bits
// packet: 81 02 03*10 -> accept NoError 4 nib=80 small=1020 meta=0x0a
// packet: 81 02 03*8 -> reject PacketTooShort 4 nib=80 small=1020
#include <core.p4>
enum bit<4> Kind { ONE = 1 }
header nib_t { bit<4> x; }
header small_t { bit<12> x; }
struct pair_t { bool flag; int<3> rest; Kind kind; }
struct headers_t { nib_t nib; small_t small; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.nib);
        hdr.small = p.lookahead<small_t>();
        bit<80> wide = p.lookahead<bit<80>>();
        pair_t pair = p.lookahead<pair_t>();
        meta = pair.flag || pair.rest != 1 ? 8w255 : (bit<8>)wide[75:68] + 8;
        transition accept;
    }
}
