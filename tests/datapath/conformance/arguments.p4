// construct: arguments are evaluated from left to right, copied in, and copied out to what they named before the call; next, last, run-time elements, slices, structs, stacks and members of unions as arguments
// packet: 0102010a0b0c -> accept NoError 48 h=010201 s[0]=0a s[1]=10 s[2]=0c meta.order=0x1223 meta.saved=7 meta.twice=0x11 meta.set=0x12 meta.index=2 meta.last=0x10 meta.last_index=1 meta.pair.a=2 meta.pair.b=1 meta.word=0x9b meta.valid=1
// packet: 0102000a0b0c -> accept NoError 48 h=010200 s[0]=0f s[1]=0b s[2]=0c meta.index=1 meta.last=0x0b meta.last_index=1
// packet: 0102070a0b0c -> accept NoError 48 h=010207 s[0]=0a s[1]=0b s[2]=0c meta.index=8
// packet: 0103010a0b0c -> accept NoError 48 h=010301 s[0]=10 s[1]=09 meta.last_index=0
// packet: 0104010a0b0c0d0e -> reject StackOutOfBounds 56 h=010401 s[0]=0a s[1]=10 s[2]=0d meta.last_index=2
// packet: 0105010a0b0c2122 -> accept NoError 64 h=010501 s[0]=0a s[1]=10 s[2]=0c us[0].one=22
// packet: 0106010a0b0c2122 -> accept NoError 64 h=010601 s[0]=0a s[1]=10 s[2]=0c us[0].two=2122
// packet: 01 -> reject PacketTooShort 0 meta.order=0
#include <core.p4>
header h_t { bit<8> a; bit<8> b; bit<8> i; }
header s_t { bit<8> x; }
header two_t { bit<16> x; }
header_union u_t { s_t one; two_t two; }
struct headers_t { h_t h; s_t[3] s; u_t[2] us; }
struct pair_t { bit<8> a; bit<8> b; }
struct meta_t {
    bit<16> order; bit<8> saved; bit<8> twice; bit<8> set; bit<8> index; bit<8> last; bit<32> last_index; pair_t pair;
    bit<8> word; bit<1> valid;
}
bit<8> bump(inout bit<8> x) { x = x + 1; return x; }
bit<16> list(in bit<8> a, in bit<8> b, in bit<8> c, in bit<8> d) { return a[3:0] ++ b[3:0] ++ c[3:0] ++ d[3:0]; }
void add(inout bit<8> x, in bit<8> y) { x = x + y; }
void twice(inout bit<8> x, inout bit<8> y) { x = x + 1; y = y + 10; }
void set(out bit<8> x, in bit<8> y) { x = x + y; }
void nibble(out bit<4> x, inout bit<4> y) { x = 9; y = y + 2; }
void move(inout bit<8> i, inout bit<8> element) { i = i + 1; element = element + 5; }
void swap(inout pair_t pair) { pair = { pair.b, pair.a }; }
bit<8> value(in s_t s) { return s.x; }
void shift(inout s_t[3] s) { s.pop_front(1); s[1].x = 9; }
parser Item(packet_in p, out s_t item) { state start { p.extract(item); transition accept; } }
parser Two(packet_in p, out two_t item) { state start { p.extract(item); transition accept; } }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Item() item;
    Two() two;
    state start {
        p.extract(hdr.h);
        bit<8> y = hdr.h.a;
        meta.order = list(y, bump(y), y, bump(y));
        add(y, bump(y));
        meta.saved = y;
        twice(y, y);
        meta.twice = y;
        set(y, bump(y));
        meta.set = y;
        p.extract(hdr.s.next);
        p.extract(hdr.s.next);
        bit<8> i = hdr.h.i;
        move(i, hdr.s[i].x);
        meta.index = i;
        meta.last = value(hdr.s.last);
        if (!hdr.s.next.isValid()) { meta.valid = 1; }
        item.apply(p, hdr.s.next); // this fills the element; extracting next moves on
        meta.last_index = hdr.s.lastIndex;
        meta.pair = { 1, 2 };
        swap(meta.pair);
        meta.word = 0x09;
        nibble(meta.word[7:4], meta.word[3:0]);
        transition select(hdr.h.b) { 3: shifting; 4: full; 5: unions; 6: unions; _: accept; }
    }
    state shifting {
        shift(hdr.s);
        meta.last_index = hdr.s.lastIndex;
        transition accept;
    }
    state full {
        p.extract(hdr.s.next);
        meta.last_index = hdr.s.lastIndex;
        item.apply(p, hdr.s.next);
        transition accept;
    }
    state unions {
        if (hdr.h.b == 6) {
            two.apply(p, hdr.us.next.two);
        } else {
            item.apply(p, hdr.us.next.one);
            item.apply(p, hdr.us.next.one);
        }
        transition accept;
    }
}
