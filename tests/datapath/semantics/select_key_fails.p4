// Keys are evaluated once, all, from left to right, before any case: a lookahead among them may fail.
// spec: 13.6, 8.1
// packet: 01 02 03 -> accept NoError 8 h=01
// packet: 01 02 -> reject PacketTooShort 8 h=01
// packet: 07 -> reject PacketTooShort 8 h=07
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x, p.lookahead<bit<16>>()) { (7, _): accept; default: accept; }
    }
}
