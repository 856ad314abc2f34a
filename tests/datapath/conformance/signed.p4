// construct: int<W> arithmetic and comparison; arithmetic shift; sign extension; signed fields; signed ranges in select
// packet: fe -> accept NoError 8 h=fe meta=0xfffe below=1 half=0xff kind=1
// packet: 03 -> accept NoError 8 h=03 meta=0x0003 below=0 half=0x01 kind=2
// packet: 80 -> accept NoError 8 h=80 meta=0xff80 below=1 half=0xc0 kind=3
#include <core.p4>
header h_t { int<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta, inout bit<1> below, inout bit<8> half, inout bit<8> kind) {
    state start {
        p.extract(hdr.h);
        meta = (bit<16>)(int<16>)hdr.h.x;
        below = hdr.h.x < 0 ? 1w1 : 0;
        half = (bit<8>)(hdr.h.x >> 1);
        transition select(hdr.h.x) { -2 .. -1: one; 0 .. 127: two; _: three; }
    }
    state one { kind = 1; transition accept; }
    state two { kind = 2; transition accept; }
    state three { kind = 3; transition accept; }
}
