// construct: verify; error declarations, merged; core.p4's errors
// packet: 01 -> accept NoError 8 h=01
// packet: 02 -> reject Two 8 h=02
// packet: 03 -> reject ParserInvalidArgument 8 h=03
#include <core.p4>
error { One, Two }
error { Three }
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        verify(hdr.h.x != 2, error.Two);
        verify(hdr.h.x != 3, error.ParserInvalidArgument);
        transition accept;
    }
}
