// What is wrong in a control that the switch does not run is a warning.
#include <core.p4>
#include <ovsp4.p4>
header tag_t { bit<8> kind; bit<16> id; }
struct headers_t { tag_t tag; tag_t[2] more; }
action outside(in bit<8> a) { nowhere(a); }
bit<8> unused(in bit<8> x) { outside(x); return x + 16w1; }
extern Memory { Memory(bit<8> size); }
parser P(packet_in packet, out headers_t hdr) { state start { packet.extract(hdr.tag); transition accept; } }
control Inner(inout headers_t hdr) { apply { } }
Inner() at_the_top;
control C(packet_out packet, in headers_t hdr) {
    bit<8> seen = hdr.tag.knd;
    Inner() inner;
    P() parse;
    Memory(seen) memory;
    action mark(bit<8> value) { seen = value + 1w1; inner.apply(hdr); break; }
    apply {
        hdr.tag.id = 1;
        inner.apply();
        inner.apply(hdr, seen);
        mrak(3);
        mark(1, 2);
        seen = hdr.more.last.kind;
        verify(seen == 1, error.NoMatch);
        Inner() late;
        if (seen) { }
        switch (seen) { 1: { } default: { } 1: { } 300w2: { } }
        switch (hdr.tag) { }
        for (bit<8> i = 0; i < 4; i = i + 1) { continue; }
        continue;
        bool b = (bool) 2;
        seen = seen / -1;
        seen = (seen << 1) >> -1;
        seen = seen[9+:2];
        return seen;
    }
}
Switch(P(), C()) main;
