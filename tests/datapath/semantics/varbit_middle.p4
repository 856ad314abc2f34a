// A varbit between other fields moves those behind it.
// spec: 13.8.2, 7.2.2
// packet: 08 aa 1234 -> accept NoError 32 h=08aa1234 h.after=0x1234
// packet: 00 1234 -> accept NoError 24 h=001234 h.after=0x1234
// packet: 04 a123 40 -> accept NoError 28 h=04a12340 h.after=0x1234
// packet: 04 a123 -> reject PacketTooShort 0
#include <core.p4>
header h_t { bit<8> n; varbit<32> v; bit<16> after; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start { p.extract(hdr.h, (bit<32>)p.lookahead<bit<8>>()); transition accept; }
}
