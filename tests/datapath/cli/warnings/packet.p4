// What flows cannot do to the packet, and constants that do not fit.
#include <core.p4>

header odd_t { bit<4> x; }
header h_t { bit<8> kind; bit<16> port; }
struct headers_t { odd_t odd; h_t h; h_t[2] s; }
#warning "this feed is old"

parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.odd);
        packet.extract(hdr.h);
        hdr.h.kind = 300;
        hdr.s[1] = hdr.h;
        hdr.s[0] = { 1, 4w17 ++ 12w0 };
        transition select(hdr.h.port) {
            0x1ffff: accept;
            default: reject;
        }
    }
}
