// advance moves the cursor by any number of bits; not past the packet's end, where it stays.  extract into _ skips a
// header.
// spec: 13.8.4
// packet: 08 aa bb -> accept NoError 24 h=08 g=bb
// packet: 00 aa -> accept NoError 16 h=00 g=aa
// packet: 04 ab cd -> accept NoError 20 h=04 g=bc
// packet: 10 aa -> reject PacketTooShort 8 h=10
// packet: 08 aa -> reject PacketTooShort 16 h=08
// packet: f0 aa bb cc -> accept NoError 32 h=f0 g=cc
// packet: f0 aa -> reject PacketTooShort 8 h=f0
// packet: ff aa -> reject PacketTooShort 8 h=ff
// packet: fe aa -> reject PacketTooShort 8 h=fe
#include <core.p4>
header h_t { bit<8> n; }
header pair_t { bit<8> a; bit<8> b; }
struct headers_t { h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.n) { 0xf0: whole; 0xff: huge; 0xfe: below; _: bits; }
    }
    state bits { p.advance((bit<32>)hdr.h.n); transition rest; }
    state whole { p.extract<pair_t>(_); transition rest; }
    state huge { p.advance(0xffffffff); transition rest; }
    state below { p.advance((bit<32>)hdr.h.n - 0xff); transition rest; }
    state rest { p.extract(hdr.g); transition accept; }
}
