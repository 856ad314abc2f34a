// Headers, variables and metadata that nothing uses, and those that are used in one way only.
#include <core.p4>
#include <ovsp4.p4>

header h_t { bit<8> kind; bit<8> more; }
header v_t { varbit<64> data; }
header_union u_t { h_t a; h_t b; }
struct headers_t {
    h_t h;
    h_t never;
    h_t[2] stack;
    h_t[2] neverStack;
    h_t onlySetValid;
    u_t u;
    v_t v;
}
struct meta_t {
    bit<8> set;
    bit<8> read;
    bit<8> untouched;
}

parser P(packet_in packet, out headers_t hdr, inout meta_t meta, in bit<8> architectures_choice) {
    bit<8> never_used;
    bit<8> only_set = 1;
    bit<8> counter = 2;
    h_t whole_header; // one of its fields is enough
    h_t no_field_read;

    state start {
        bit<8> inner = hdr.h.more;
        bit<8> useful = 3;
        packet.extract(hdr.h);
        only_set = hdr.h.kind;
        counter = counter - 1;
        packet.extract(whole_header);
        packet.extract(no_field_read);
        meta.set = meta.read + useful;
        transition select(hdr.h.kind, whole_header.more) {
            (0, _): more;
            (1, _): union_a;
            default: accept;
        }
    }
    state more {
        packet.extract(hdr.stack.next);
        hdr.onlySetValid.setValid();
        transition select(hdr.onlySetValid.more, hdr.u.a.kind) {
            (1, _): start;
            default: accept;
        }
    }
    state union_a {
        packet.extract(hdr.u.a);
        packet.extract(hdr.v, (bit<32>)hdr.stack[1].more);
        verify(hdr.u.b.kind != 1, error.NoMatch);
        transition accept;
    }
}
