// A parser that changes what it has read: assignments, setValid, copies, push and pop.
#include <core.p4>

header tag_t {
    bit<4> pcp;
    bit<12> id;
    bit<16> type;
}
header info_t {
    bit<8> count;
    bit<24> sum;
}
struct headers_t {
    tag_t[3] tags;
    tag_t copy;
    info_t info;
}

parser Rewriting(packet_in packet, out headers_t hdr) {
    bit<24> sum = 0;

    state start {
        packet.extract(hdr.tags.next);
        sum = sum + (bit<24>)hdr.tags.last.id;
        transition select(hdr.tags.last.type) {
            0x8100: start;
            0x1111: push;
            0x2222: pop;
            0x3333: note;
            default: accept;
        }
    }
    state push {
        hdr.tags.push_front(1);
        hdr.tags[0].setValid();
        hdr.tags[0].id[7:0] = hdr.tags[1].id[11:4];
        hdr.tags[0].type = 0x8100;
        transition note;
    }
    state pop {
        hdr.copy = hdr.tags[0];
        hdr.tags.pop_front(1);
        transition note;
    }
    state note {
        if (hdr.tags[2].isValid() || hdr.copy.isValid()) {
            hdr.info.setValid();
            hdr.info.sum = sum;
            hdr.info.count = hdr.copy.isValid() ? 8w1 : 8w2;
        } else {
            hdr.tags[0].pcp = 0xf;
        }
        transition accept;
    }
}
