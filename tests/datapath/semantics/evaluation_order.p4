// && and || may skip their right side, ?: one of its branches, and with it a lookahead that would fail; all else is
// evaluated from left to right.
// spec: 8.1, 8.5
// packet: 00 -> accept NoError 8 h=00 meta=0
// packet: 01 -> reject PacketTooShort 8 h=01
// packet: 01 80 -> accept NoError 8 h=01 meta=1
// packet: 02 -> accept NoError 8 h=02 meta=1
// packet: 03 -> accept NoError 8 h=03 meta=2
// packet: 04 -> reject PacketTooShort 8 h=04 meta=3
// packet: 04 aa -> reject StackOutOfBounds 8 h=04 meta=3
// packet: 05 -> reject StackOutOfBounds 8 h=05 meta=3
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; h_t[2] s; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        if (hdr.h.x == 1 && p.lookahead<bit<1>>() == 1 || hdr.h.x == 2) { meta = 1; }
        bit<8> a = hdr.h.x == 3 ? 8w2 : meta;
        meta = a;
        bit<8> b = hdr.h.x != 9 ? a : p.lookahead<bit<8>>();
        transition select(hdr.h.x) { 4: left; 5: right; _: accept; }
    }
    state left { meta = 3; meta = p.lookahead<bit<8>>() + hdr.s.last.x; transition accept; }
    state right { meta = 3; meta = hdr.s.last.x + p.lookahead<bit<8>>(); transition accept; }
}
