// construct: for over a range, known or not; for over a list; for over an array or a header stack
// packet: feff010708 -> accept NoError 40 h=feff01 s[0]=07 s[1]=00 meta.n=2 meta.last=0xff meta.z=4 meta.sum=12 meta.total=15 meta.weight=3
// packet: 0504fd0102 -> accept NoError 40 h=0504fd s[0]=01 s[1]=00 meta.n=0 meta.last=0 meta.z=0 meta.sum=12 meta.total=3
// packet: 00007f0000 -> reject ParserTimeout 40 h=00007f s[0]=00 s[1]=00 meta.n=1 meta.last=0 meta.z=63 meta.sum=0
#include <core.p4>
header h_t { bit<8> low; bit<8> high; int<8> top; }
header s_t { bit<8> x; }
struct headers_t { h_t h; s_t[3] s; }
struct meta_t { bit<8> n; bit<8> last; bit<8> z; bit<16> sum; bit<8> total; bit<8> weight; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    state start {
        p.extract(hdr.h);
        for (bit<8> i in 0 .. 1) { p.extract(hdr.s[i]); }
        for (bit<8> i in hdr.h.low .. hdr.h.high) {
            meta.n = meta.n + 1;
            meta.last = i;
        }
        for (int<8> i in -2 .. hdr.h.top) { meta.z = meta.z + 1; }
        for (bit<16> i in { 16w1, 3, 5 }) {
            i = i + 1;
            meta.sum = meta.sum + i;
        }
        for (s_t element in hdr.s) {
            hdr.s[1].x = 0; // too late for the loop
            if (element.isValid()) { meta.total = meta.total + element.x; }
        }
        bit<8>[2] weights = { 1, 2 };
        for (bit<8> weight in weights) {
            weights[1] = 9;
            meta.weight = meta.weight + weight;
        }
        transition accept;
    }
}
