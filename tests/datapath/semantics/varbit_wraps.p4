// A size that was computed below zero is a huge one: PacketTooShort, in 32 bits and without wrapping round.
// spec: 13.8.2
// packet: 06 01020304 -> accept NoError 40 h=06 o=01020304
// packet: 05 01020304 -> accept NoError 8 h=05 o=
// packet: 04 01020304 -> reject PacketTooShort 8 h=04
// packet: 00 01020304 -> reject PacketTooShort 8 h=00
// packet: 07 0102030405060708 -> reject HeaderTooShort 8 h=07
#include <core.p4>
header h_t { bit<8> ihl; }
header o_t { varbit<32> v; }
struct headers_t { h_t h; o_t o; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        p.extract(hdr.o, ((bit<32>)hdr.h.ihl - 5) * 32);
        transition accept;
    }
}
