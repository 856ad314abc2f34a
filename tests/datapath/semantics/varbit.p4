// Two-argument extract: the size is that of the varbit alone.  Too large for the packet is PacketTooShort, asked
// first; too large for the field is HeaderTooShort.  Any number of bits will do, also none.
// spec: 13.8.2, 8.10
// packet: 10 aabb -> accept NoError 24 h=10aabb h.n=16
// packet: 00 aabb -> accept NoError 8 h=00
// packet: 03 a0 -> accept NoError 11 h=03a0 h.v=5
// packet: 20 aabbccdd ee -> accept NoError 40 h=20aabbccdd
// packet: 21 aabbccddee -> reject HeaderTooShort 0
// packet: 21 aabbccdd -> reject PacketTooShort 0
// packet: 20 aabbcc -> reject PacketTooShort 0
// packet: ff aa -> reject PacketTooShort 0
#include <core.p4>
header h_t { bit<8> n; varbit<32> v; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h, (bit<32>)p.lookahead<bit<8>>());
        transition accept;
    }
}
