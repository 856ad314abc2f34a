// A sub-parser's accept goes on behind its call, its reject rejects the packet, with the error it set; what it
// extracted by then stays.  Its locals begin anew each time; an out parameter starts invalid.
// spec: 13.10, 6.8
// packet: 01 aa 02 bb ff -> accept NoError 40 one.h=01 one.g=aa two.h=02 two.g=bb rest=ff meta=0x11
// packet: 00 02 bb ff -> accept NoError 32 one.h=00 two.h=02 two.g=bb rest=ff meta=0x01
// packet: 01 aa 00 ff -> accept NoError 32 one.h=01 one.g=aa two.h=00 rest=ff meta=0x10
// packet: 01 aa 09 bb -> reject Wrong 24 one.h=01 one.g=aa two.h=09 meta=0x10
// packet: 01 aa 08 bb -> reject NoError 24 one.h=01 one.g=aa two.h=08 meta=0x10
// packet: 01 aa 01 -> reject PacketTooShort 24 one.h=01 one.g=aa two.h=01 meta=0x10
#include <core.p4>
error { Wrong }
header h_t { bit<8> x; }
struct part_t { h_t h; h_t g; }
struct headers_t { part_t one; part_t two; h_t rest; }
parser Part(packet_in p, out part_t part, out bit<4> count) {
    bit<4> seen = 0;
    state start {
        p.extract(part.h);
        count = seen;
        verify(part.h.x != 9, error.Wrong);
        transition select(part.h.x) { 0: accept; 8: reject; _: more; }
    }
    state more {
        p.extract(part.g);
        seen = seen + 1;
        count = seen;
        transition accept;
    }
}
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    Part() part;
    bit<4> n;
    state start {
        part.apply(p, hdr.one, n);
        meta[7:4] = n;
        part.apply(p, hdr.two, n);
        meta[3:0] = n;
        p.extract(hdr.rest);
        transition accept;
    }
}
