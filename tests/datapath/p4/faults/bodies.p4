// Statements and calls that cannot stand where they do, in what the switch uses.
#include <core.p4>
#include <ovsp4.p4>
header tag_t { bit<8> kind; bit<16> id; }
struct headers_t { tag_t tag; tag_t[2] more; }
action outside(in bit<8> a) { }
bit<8> twice(in bit<8> x) { outside(x); exit; return x + 16w1; }
bit<8> thrice(in bit<8> x) { return twice(x) + twice(x, x); }
void nothing() { return 1; }
bit<8> maybe(in bool b) { if (b) { return 1; } }
control Inner(inout headers_t hdr) { apply { } }
parser P(packet_in packet, out headers_t hdr) {
    Inner() inner;
    state start {
        packet.extract(hdr.tag);
        outside(hdr.tag.kind);
        switch (hdr.tag.kind) { 1: { } }
        nothing();
        inner.apply(hdr);
        hdr.tag.kind = thrice(1) + maybe(true);
        break;
        Inner() late;
        transition accept;
    }
}
control D(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr.tga); unknown(hdr); packet.emit(3); } }
Switch(P(), D()) main;
