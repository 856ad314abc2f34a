// construct: packet_in.advance by a constant and by a run-time amount; packet_in.length
// packet: 10 aabb cc -> accept NoError 32 h=10 g=cc meta=4
// packet: 03 aa bb -> accept NoError 19 h=03 g=55 meta=3
// packet: 20 aabb cc -> reject PacketTooShort 8 h=20 meta=4
#include <core.p4>
header h_t { bit<8> n; }
struct headers_t { h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        meta = p.length()[7:0];
        p.advance((bit<32>)hdr.h.n);
        p.advance(0);
        p.extract(hdr.g);
        transition accept;
    }
}
