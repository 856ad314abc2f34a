// construct: for with three clauses, its rounds known or not; break and continue; for loop that does not end (the visit limit)
// packet: 0301020509 -> accept NoError 32 h=03 meta.sum=8 meta.n=2 meta.k=0xcb meta.behind=0x16
// packet: 050100ff09 -> accept NoError 24 h=05 meta.sum=1 meta.n=0 meta.k=0xcb meta.behind=0x16
// packet: 00 -> accept NoError 8 h=00 meta.sum=0 meta.k=0xcb
// packet: 0201 -> reject PacketTooShort 16 h=02 meta.sum=1 meta.k=0
// packet: 40 01*64 -> accept NoError 520 h=40 meta.sum=0x40 meta.n=0x3f meta.k=0xcb
// packet: 41 01*65 -> reject ParserTimeout 520 h=41 meta.sum=0x40 meta.n=0x3f meta.k=0
#include <core.p4>
header h_t { bit<8> count; }
struct headers_t { h_t h; }
struct meta_t { bit<16> sum; bit<8> n; bit<8> k; bit<8> behind; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    state start {
        p.extract(hdr.h);
        for (bit<8> i = 0; i < hdr.h.count; i = i + 1) {
            bit<8> b = p.lookahead<bit<8>>();
            if (b == 0xff) { break; }
            p.advance(8);
            if (b == 0) { continue; }
            meta.sum = meta.sum + (bit<16>)b;
            meta.n = i;
        }
        bit<8> j;
        for (j = 1, bit<8> twice = 2; j < 20; j = j + 3, twice = twice + j) { meta.k = meta.k + twice; }
        meta.behind = j;
        transition accept;
    }
}
