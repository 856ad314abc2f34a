// Varbits of any number of bits, at any bit: equal if they are as long as each other and all bits are the same.
// spec: 8.10
// packet: 05 b5 80 -> accept NoError 18 n=05 a=b0 b=b0 meta=1
// packet: 05 b4 80 -> accept NoError 18 n=05 a=b0 b=90 meta=0
// packet: 00 -> accept NoError 8 n=00 a= b= meta=1
// packet: 0b aab556 a0 -> accept NoError 30 n=0b a=aaa0 b=aaa0 meta=1
// packet: 0b aab556 80 -> accept NoError 30 n=0b a=aaa0 b=aaa0 meta=1
// packet: 0b aab552 a0 -> accept NoError 30 n=0b a=aaa0 b=aa80 meta=0
// packet: 85 b5 80 -> accept NoError 18 n=85 a=b0 b=b0 meta=3
// packet: 85 b5 -> reject PacketTooShort 13 n=85 a=b0 meta=0
#include <core.p4>
header n_t { bit<8> n; }
header v_t { varbit<2048> v; }
struct headers_t { n_t n; v_t a; v_t b; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.n);
        p.extract(hdr.a, (bit<32>) hdr.n.n[6:0]);
        p.extract(hdr.b, (bit<32>) hdr.n.n[6:0]);
        transition select(hdr.a.v == hdr.b.v) { true: same; false: accept; }
    }
    state same {
        meta = 1;
        transition select(hdr.n.n[7:7]) { 1: moved; 0: accept; }
    }
    state moved {
        hdr.b = hdr.a;
        if (hdr.a == hdr.b && hdr.a.v == hdr.b.v) { meta = 3; }
        transition accept;
    }
}
