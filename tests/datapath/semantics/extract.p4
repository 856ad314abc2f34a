// extract: the packet's first bit becomes the value's highest; success sets the header valid.  Failing, it changes
// nothing: not the header, which is as it was before, nor the cursor.
// spec: 13.8, 13.8.1
// packet: a1 b2c3 -> accept NoError 24 h=a1b2c3 h.a=10 h.b=0x1b2 h.c=0xc3
// packet: a1 b2 -> reject PacketTooShort 0
// packet: (nothing) -> reject PacketTooShort 0
// packet: 010203 040506 -> accept NoError 48 h=040506
// packet: 010203 0405 -> reject PacketTooShort 24 h=010203 h.c=3
#include <core.p4>
header h_t { bit<4> a; bit<12> b; bit<8> c; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.c) { 3: again; _: accept; }
    }
    state again { p.extract(hdr.h); transition accept; }
}
