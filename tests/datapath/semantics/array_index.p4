// Elements of arrays by a run-time index.  Out of range, a negative one too, it reads zero and writes nothing; on the
// left of an assignment it is evaluated first.  Arrays are values: assigned, compared, passed in and out as a whole.
// spec: 8.1, 8.17, 8.25, 11.1
// packet: 00 -> accept NoError 8 i=00 meta.v[0]=0x70 meta.v[1]=0x22 meta.v[2]=0x33 meta.read=0x11 meta.at=1 meta.low=0x11
// packet: 01 -> accept NoError 8 i=01 meta.v[0]=0x11 meta.v[1]=0x70 meta.v[2]=0x33 meta.read=0x22 meta.at=2 meta.low=0x22
// packet: 02 -> accept NoError 8 i=02 meta.v[0]=0x11 meta.v[1]=0x22 meta.v[2]=0x70 meta.read=0x33 meta.at=3 meta.low=0x11
// packet: 03 -> accept NoError 8 i=03 meta.v[0]=0x11 meta.v[1]=0x22 meta.v[2]=0x33 meta.read=0 meta.at=4 meta.low=0x22
// packet: fe -> accept NoError 8 i=fe meta.v[0]=0x11 meta.v[1]=0x22 meta.v[2]=0x33 meta.read=0 meta.at=255 meta.low=0x11
// packet: ff -> accept NoError 8 i=ff meta.v[0]=0x71 meta.v[1]=0x22 meta.v[2]=0x33 meta.read=0 meta.at=255 meta.low=0x22
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t i; }
struct meta_t { bit<8>[3] v; bit<8> read; bit<8> at; bit<8> low; }
bit<8> advance(inout bit<8> at) {
    at = at + 1;
    return 0x70;
}
void set_first(inout bit<8>[3] all, in bit<8> value) {
    bit<8>[3] old = all;
    all[0] = value;
    if (all == old) { all[1] = 0; }
}
parser Inner(in bit<8>[3] given, in bit<1> at, out bit<8>[2] two) {
    state start {
        two[1] = given[at];
        transition accept;
    }
}
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Inner() inner;
    bit<8>[2] two;
    state start {
        p.extract(hdr.i);
        meta.v = { 0x11, 0x22, 0x33 };
        meta.read = meta.v[(int<8>) hdr.i.x];
        inner.apply(meta.v, hdr.i.x[0:0], two);
        meta.low = two[0] + two[1];
        meta.at = hdr.i.x;
        transition select(hdr.i.x) { 0xff: first; default: some; }
    }
    state first { set_first(meta.v, 0x71); transition accept; }
    state some { meta.v[(int<8>) meta.at] = advance(meta.at); transition accept; }
}
