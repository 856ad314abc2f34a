// construct: stack of header unions: next, last, a loop over options of several kinds
// packet: 01 02 0a 00 -> accept NoError 32 o[0].nop=01 o[1].two=020a o[2].end=00 meta=2
// packet: 01 01 01 01 00 -> reject StackOutOfBounds 24 o[0].nop=01 o[1].nop=01 o[2].nop=01
#include <core.p4>
header end_t { bit<8> k; }
header nop_t { bit<8> k; }
header two_t { bit<8> k; bit<8> v; }
header_union o_t { end_t end; nop_t nop; two_t two; }
struct headers_t { o_t[3] o; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start { transition select(p.lookahead<bit<8>>()) { 0: end; 1: nop; 2: two; } }
    state nop { p.extract(hdr.o.next.nop); transition start; }
    state two { p.extract(hdr.o.next.two); transition start; }
    state end { p.extract(hdr.o.next.end); meta = hdr.o.lastIndex[7:0]; transition accept; }
}
