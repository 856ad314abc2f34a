// construct: static_assert, as a statement and as a constant
// construct: members of a serializable enum made of earlier ones
// construct: shift by a signed constant
// construct: expressions as widths
// construct: strings over several lines; annotations with anything in them
// construct: arrays with the size behind the name, as p4c has them
// packet: 81 05 -> accept NoError 16 h=8105 meta=0x2545
#include <core.p4>
@oddities(what's "a
string"? - it ends here: 0xff)
enum bit<8> Kind { First = 1, Next = First + 1, Last = (bit<8>) Next << 1 }
const int<6> AMOUNT = 1;
const bool IS_SOUND = static_assert(AMOUNT == 1, "the amount");
const bit<3 + 5> EIGHT = 7;
const bit<AMOUNT < 2 ? 4 : 2> FOUR = IS_SOUND ? 4w9 : 0;
const string LONG = "one
two";
header h_t { bit<8> x[2]; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    bit<EIGHT ^ 15> two[2][1] = { { 1 }, { 0 } };
    state start {
        static_assert(FOUR.minSizeInBits() == 4, "four");
        p.extract(hdr.h);
        two[1][0] = hdr.h.x[0] >> AMOUNT;
        meta[7:0] = two[1][0] | hdr.h.x[1];
        meta[15:8] = (Kind.Last == (Kind) 4 ? (bit<8>) FOUR << 4s2 : 0) + two[0][0];
        transition accept;
    }
}
