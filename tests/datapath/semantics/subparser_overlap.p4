// What an `in` argument is a part of may be changed through another argument: the parameter keeps the value that it was
// given, and the structure, with a header of varying length in it, is changed in place.
// spec: 6.8
// packet: 02 61 62 7f -> accept NoError 32 h=07 v=6162 rest=7f meta=0x02
// packet: 00 7f -> accept NoError 16 h=07 v= rest=7f meta=0x00
// packet: 03 61 62 -> reject PacketTooShort 8 h=07 meta=0x00
#include <core.p4>
header h_t { bit<8> n; }
header v_t { varbit<32> v; }
struct headers_t { h_t h; v_t v; h_t rest; }
parser Body(packet_in p, in bit<8> n, inout headers_t hdr, out bit<8> kept) {
    state start {
        hdr.h.n = 7;
        p.extract(hdr.v, (bit<32>)n * 8);
        kept = n;
        transition accept;
    }
}
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        Body.apply(p, hdr.h.n, hdr, meta);
        p.extract(hdr.rest);
        transition accept;
    }
}
