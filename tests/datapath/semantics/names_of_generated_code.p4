// Whatever the generated C has names for itself, a program may have too.  (Found by a program with a header 'pad'.)
// spec: 6.4
// packet: 0102 -> accept NoError 16 pad=01 key=02 meta.bridge=2 in_port=3
#include <core.p4>
header h_t { bit<8> p; }
struct headers_t { h_t pad; h_t key; h_t zero; h_t valid; }
struct meta_t { bit<8> bridge; }
parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout bit<8> in_port) {
    state start {
        pkt.extract(hdr.pad);
        pkt.extract(hdr.key);
        meta.bridge = hdr.key.p;
        in_port = hdr.pad.p + meta.bridge;
        transition reject_;
    }
    state reject_ { transition accept; }
}
