// Elements of several parts by a run-time index: compared, exchanged (all is read before anything is written), copied
// into headers and out of them.
// spec: 8.17, 11.1
// packet: 00 01 01020304 -> accept NoError 48 h=000101020304 g=000103040102 meta.same=0 meta.a[0].x=3 meta.a[1].x=1 meta.a[2].y=2
// packet: 02 00 01020304 -> accept NoError 48 h=020001020304 g=000001020909 meta.same=0 meta.a[0].x=1 meta.a[1].x=9 meta.a[2].y=2
// packet: 01 01 01020304 -> accept NoError 48 h=010101020304 g=000103040304 meta.same=1 meta.a[0].x=3 meta.a[1].x=3 meta.a[2].y=2
// packet: 07 01 01020000 -> accept NoError 48 h=070101020000 g=000100000000 meta.same=1 meta.a[0].x=0 meta.a[1].x=0 meta.a[2].y=2
#include <core.p4>
struct s_t { bit<8> x; bit<8> y; }
header h_t { bit<8> i; bit<8> j; s_t[2] s; }
struct headers_t { h_t h; h_t g; }
struct meta_t { bit<8> same; s_t[3] a; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    h_t[2] copies;
    state start {
        p.extract(hdr.h);
        bit<8> i = hdr.h.i;
        bit<8> j = hdr.h.j;
        meta.a = { hdr.h.s[0], hdr.h.s[1], { 9, 9 } };
        meta.same = meta.a[i] == hdr.h.s[j] ? 8w1 : 0;
        meta.a = { meta.a[j], meta.a[i], meta.a[0] };
        copies[i & 1] = { 0, j, { meta.a[0], meta.a[1] } };
        hdr.g = copies[i & 1];
        if (copies[i & 1] != hdr.g || copies[i & 1 ^ 1].isValid()) { meta.same = 0xff; }
        transition accept;
    }
}
