// construct: loop that only the packet bounds; loop bounded by the visit limit
// packet: 01*10 00 -> accept NoError 88 h=00
// packet: 01*70 -> reject ParserTimeout 512 h=01
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start { p.extract(hdr.h); transition select(hdr.h.x) { 0: accept; _: start; } }
}
