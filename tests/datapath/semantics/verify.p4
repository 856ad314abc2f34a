// verify: nothing if true; if false, reject at once with the error given; the first that fails decides.
// spec: 13.7
// packet: 05 aa -> accept NoError 16 h=05 g=aa meta=3
// packet: 04 aa -> reject Low 8 h=04 meta=1
// packet: 09 aa -> reject High 8 h=09 meta=2
// packet: ff aa -> reject High 8 h=ff meta=2
// packet: 06 aa -> reject NoError 8 h=06 meta=2
#include <core.p4>
error { Low, High }
error { Even }
header h_t { bit<8> x; }
struct headers_t { h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    error kind = error.High;
    state start {
        p.extract(hdr.h);
        meta = 1;
        verify(hdr.h.x >= 5, error.Low);
        meta = 2;
        verify(hdr.h.x < 9, kind);
        kind = error.Even;
        verify(hdr.h.x != 6, error.NoError);
        p.extract(hdr.g);
        verify(hdr.h.x[0:0] == 1, kind);
        meta = 3;
        transition accept;
    }
}
