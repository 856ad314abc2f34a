// Errors declared in several places are one type; a program's follow core.p4's.
// spec: 7.1.2, 8.2, 13.7
// packet: 00 -> accept NoError 8 h=00 meta=1
// packet: 01 -> reject One 8 h=01 meta=0
// packet: 02 -> reject Two 8 h=02 meta=0
// packet: 03 -> reject HeaderTooShort 8 h=03 meta=0
#include <core.p4>
error { One }
header h_t { bit<8> x; }
struct headers_t { h_t h; }
error { Two }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        error e = error.NoError;
        if (hdr.h.x == 1) { e = error.One; } else if (hdr.h.x == 2) { e = error.Two; }
        else if (hdr.h.x == 3) { e = error.HeaderTooShort; }
        verify(e == error.NoError, e);
        meta = 1;
        transition accept;
    }
}
