// length() is the packet's, in bytes, wherever the cursor is.
// spec: 13.8
// packet: 00 -> accept NoError 8 h=00 meta=1
// packet: 00 00 00 -> accept NoError 8 h=00 meta=3
// packet: 00*300 -> accept NoError 8 h=00 meta=300
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start { p.extract(hdr.h); meta = (bit<16>)p.length(); transition accept; }
}
