// A value set that nobody has filled matches nothing: the cases behind it are tried.
// spec: 13.6, 13.11
// packet: 0050 -> accept NoError 16 h=0050 meta=2
#include <core.p4>
header h_t { bit<16> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    value_set<bit<16>>(4) ports;
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) { ports: known; 0x50: other; _: accept; }
    }
    state known { meta = 1; transition accept; }
    state other { meta = 2; transition accept; }
}
