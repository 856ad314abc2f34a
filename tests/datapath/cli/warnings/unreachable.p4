// States and arms that no packet comes to, and those that look like it but are not.
#include <core.p4>

header h_t { bit<8> kind; int<8> level; bit<16> port; }
struct headers_t { h_t h; }

parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.h);
        transition select(hdr.h.kind) {
            1: first;
            2 &&& 0xfe: second;
            3: only_by_a_shadowed_arm; // in 2 &&& 0xfe
            1: first;
            16 .. 31: second;
            20 .. 25: first;
            0x18 &&& 0xfc: first; // 24 to 27
            0x18 &&& 0xf0: second; // 16 to 31, but with a mask: the same
            0x18 &&& 0x0f: second; // takes others too
            default: third;
            9: first;
        }
    }
    state first {
        transition select(hdr.h.level) {
            -128 .. -1: accept;
            -5: second;
            0 .. 127: second;
            _: third;
        }
    }
    state second {
        transition select(hdr.h.kind, hdr.h.port) {
            (_, 80): accept;
            (1, 80): third;
            (1, _): third;
            (1, 443): accept;
            (2, 443): loop;
            default: accept;
        }
    }
    state third {
    }
    state loop {
        transition rest;
    }
    state rest {
        packet.advance(8);
        transition loop;
    }
    state only_by_a_shadowed_arm { transition accept; }
    state nowhere { transition nowhere_else; }
    state nowhere_else { transition nowhere; }
}
