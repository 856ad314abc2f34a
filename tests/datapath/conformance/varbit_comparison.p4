// construct: varbit: compared, as a field or in its header
// packet: 08aa 08aa 08aa -> accept NoError 48 h=08aa s[0]=08aa s[1]=08aa meta=0x7f
// packet: 08aa 08ab 08ab -> accept NoError 48 h=08aa s[0]=08ab s[1]=08ab meta=0x6c
// packet: 00 00 08aa -> accept NoError 32 h=00 s[0]=00 s[1]=08aa meta=0xd3
// packet: 10aabb 10aabb 08bb -> accept NoError 64 h=10aabb s[0]=10aabb s[1]=08bb meta=0x53
// packet: 08aa 10aabb 10aabb -> accept NoError 64 h=08aa s[0]=10aabb s[1]=10aabb meta=0x6c
// packet: 10aabb 10aabc 08bb -> accept NoError 64 h=10aabb s[0]=10aabc s[1]=08bb meta=0x40
#include <core.p4>
header h_t { bit<8> n; varbit<64> v; }
struct headers_t { h_t h; h_t[2] s; h_t none; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    h_t empty = { 0, ... };
    state start {
        p.extract(hdr.h, (bit<32>) p.lookahead<bit<8>>());
        p.extract(hdr.s.next, (bit<32>) p.lookahead<bit<8>>());
        p.extract(hdr.s.next, (bit<32>) p.lookahead<bit<8>>());
        if (hdr.h == hdr.s[0]) { meta[0:0] = 1; }
        if (hdr.h.v == hdr.s[0].v) { meta[1:1] = 1; }
        if (hdr.s[0] == hdr.s.last) { meta[2:2] = 1; }
        if (hdr.s[0].v == hdr.s[1].v) { meta[3:3] = 1; }
        if (hdr.h.v == hdr.none.v) { meta[7:7] = 1; }
        if (hdr.s[hdr.h.n >> 6].v == hdr.h.v) { meta[4:4] = 1; }
        if (hdr.none != empty) { meta[6:6] = 1; }
        hdr.none = hdr.s[1];
        if (hdr.none == hdr.s[0]) { meta[5:5] = 1; }
        if (hdr.none.n == 8 && hdr.none.v != hdr.s[1].v) { meta = 0; }
        hdr.none = {#};
        if (hdr.h.v == empty.v) { meta[7:7] = 1; }
        transition accept;
    }
}
