// Statements run in order; locals of a state begin anew each time it is entered, those of the parser once a packet.
// spec: 13.4, 11.2, 12.6
// packet: 01 01 01 00 -> accept NoError 32 h[0]=01 h[1]=01 h[2]=01 h[3]=00 meta=304
// packet: 00 -> accept NoError 8 h[0]=00 meta=301
// packet: 05 00 -> accept NoError 8 h[0]=05 meta=12801
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[4] h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    bit<8> n = 0;
    const bit<8> STEP = 1;
    state start {
        bit<8> inner = 2;
        p.extract(hdr.h.next);
        n = n + STEP;
        inner = inner + 1;
        if (hdr.h.last.x > 3) {
            bit<8> n = 50;
            inner = n;
        } else if (hdr.h.last.x == 2) {
            inner = 9;
        }
        meta = inner ++ n;
        transition select(hdr.h.last.x) { 1: start; _: done; }
    }
    state done { meta[15:0] = (meta[15:8] ++ 8w0) / 256 * 100 + (bit<16>)n - (n > 200 ? 16w1 : 0); transition extra; }
    state extra { meta = meta + (hdr.h[0].x == 5 ? 16w7800 : 0); transition accept; }
}
