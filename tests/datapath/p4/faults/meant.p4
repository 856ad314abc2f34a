// What is said about names that are not known, and about types that are nearly right.
#include <ovsp4.p4>
const bit<8> EARLY = LATE;
const bit<8> LATE = 3;
header tag_t { bit<8> kind; uint16_t id; u8 other; }
struct headers_t { tag_t tag; tag_t more; }
struct meta_t { standard_metadata_t standard; psa_ingress_input_metadata_t psa; }
#define KIND hdr.tag.knd
parser Twice(packet_in packet, out headers_t hdr, inout tag_t hdr) {
    state start {
        extract(hdr.tag);
        transition select(KIND) { default: accept; }
    }
}
parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr);
        hdr.tag = packet.lookahead<headers_t>();
        transition select(hdr.tag.kind) {
            PORT_MAX: next;
            (1, 2): next;
            defualt: next;
        }
    }
    state next {
        if (hdr.tag.kind) { verify(false, error.TagTooOld); }
        goto accept;
    }
}
Switch(P) main;
