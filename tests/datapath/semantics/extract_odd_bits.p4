// Headers need not be whole bytes: the cursor counts bits, the packet's length is its bytes.
// spec: 13.8.1
// packet: ab cd ef -> accept NoError 23 h=a0 g=bc k=37b8
// packet: ab cd -> reject PacketTooShort 10 h=a0 g=bc
// packet: ab c0 00 -> accept NoError 23 h=a0 g=bc k=0000
// packet: 0b -> reject PacketTooShort 4 h=00
#include <core.p4>
header h_t { bit<4> x; }
header g_t { bit<6> x; }
header k_t { bit<13> x; }
struct headers_t { h_t h; g_t g; k_t k; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        p.extract(hdr.g);
        p.extract(hdr.k);
        transition accept;
    }
}
