// Sub-parsers by instance and by their type's name, with constructor arguments, nested.
// spec: 13.10, 15.1
// packet: 01 02 03 -> accept NoError 24 a=01 b=02 c=03 meta=11
// packet: 05 02 03 -> reject NoMatch 8 a=05
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t a; h_t b; h_t c; }
parser One(packet_in p, out h_t h, inout bit<8> sum)(bit<8> weight) {
    state start {
        p.extract(h);
        sum = sum + weight;
        transition select(h.x) { 0 .. 4: accept; }
    }
}
parser Two(packet_in p, out h_t h, inout bit<8> sum)(bit<8> weight, bit<8> more) {
    One(weight + more) inner;
    state start { inner.apply(p, h, sum); transition accept; }
}
parser Plain(packet_in p, out h_t h, inout bit<8> sum) {
    One(5) inner;
    state start { inner.apply(p, h, sum); transition accept; }
}
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    Two(2, 3) two;
    One(1) one;
    state start {
        one.apply(p, hdr.a, meta);
        two.apply(p, hdr.b, meta);
        Plain.apply(p, hdr.c, meta);
        transition accept;
    }
}
