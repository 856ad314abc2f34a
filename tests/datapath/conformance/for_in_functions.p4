// construct: loops in functions, with return from inside; loops in loops; sub-parsers applied in loops
// packet: 010709070002020a0b -> accept NoError 72 h=01070907000202 s[0]=0a s[1]=0b meta.first=1 meta.two=3 meta.pairs=3 meta.total=0x15
// packet: 00000009040900 -> accept NoError 56 h=00000009040900 meta.first=0xff meta.two=0xfe meta.pairs=0x50 meta.total=0
// packet: 000000070302090102 -> reject PacketTooShort 72 h=00000007030209 s[0]=01 s[1]=02 meta.first=3 meta.two=2 meta.pairs=3 meta.total=3
#include <core.p4>
header h_t { bit<32> word; bit<8> from; bit<8> limit; bit<8> stop; }
header s_t { bit<8> x; }
struct headers_t { h_t h; s_t[3] s; }
struct meta_t { bit<8> first; bit<8> two; bit<8> pairs; bit<8> total; }
bit<8> find(in bit<32> word, in bit<8> wanted, in bit<8> from) {
    for (bit<8> i = from; i < 4; i = i + 1) {
        if ((bit<8>)(word >> (24 - 8 * i)) == wanted) { return i; }
    }
    return 0xff;
}
bit<8> pairs(in bit<8> limit) {
    bit<8> n = 0;
    for (bit<8> i in 0 .. limit) {
        for (bit<8> j in i .. limit) {
            if (i == j) { continue; }
            if (j > 3) { break; }
            n = n + 1;
            if (n == 5) { return 0x50; }
        }
    }
    return n;
}
parser Item(packet_in p, out s_t item, inout bit<8> total) {
    state start {
        p.extract(item);
        total = total + item.x;
        transition accept;
    }
}
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Item() item;
    state start {
        p.extract(hdr.h);
        meta.first = find(hdr.h.word, 7, 0);
        meta.two = find(hdr.h.word, 7, 0) + find(hdr.h.word, 9, hdr.h.from);
        meta.pairs = pairs(hdr.h.limit);
        for (bit<8> k in 0 .. 2) {
            if (k == hdr.h.stop) { break; }
            item.apply(p, hdr.s[k], meta.total);
        }
        transition accept;
    }
}
