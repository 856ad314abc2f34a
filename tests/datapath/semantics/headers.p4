// Assigning a header copies its validity; a list or {#} makes it valid or invalid; equal are two invalid ones, or two
// valid ones with equal fields.
// spec: 8.17, 7.2.2
// packet: 01 0203 -> accept NoError 24 k=01 h=0203 g=0203 meta=3
// packet: 02 0203 -> accept NoError 24 k=02 h=0203 g=0a0b meta=0
// packet: 03 0203 -> accept NoError 24 k=03 meta=3
// packet: 04 0203 -> accept NoError 24 k=04 h=0203 g=0b0a meta=0
// packet: 05 0203 -> accept NoError 24 k=05 g=0000 meta=0
// packet: 06 0203 -> accept NoError 24 k=06 h=0203 g=0500 meta=0
#include <core.p4>
header k_t { bit<8> x; }
header h_t { bit<8> x; bit<8> y; }
struct headers_t { k_t k; h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.k);
        p.extract(hdr.h);
        h_t tmp = hdr.h;
        if (hdr.k.x == 1) { hdr.g = tmp; }
        else if (hdr.k.x == 2) { hdr.g = { 10, 11 }; }
        else if (hdr.k.x == 3) { hdr.g = hdr.h; hdr.g = {#}; hdr.h = hdr.g; }
        else if (hdr.k.x == 4) { hdr.g = { y = 10, x = 11 }; }
        else if (hdr.k.x == 5) { hdr.g.setValid(); hdr.h.setInvalid(); }
        else { hdr.g = { x = 5, ... }; }
        meta[0:0] = hdr.g == hdr.h ? 1w1 : 0;
        meta[1:1] = hdr.g != hdr.h ? 1w0 : 1;
        transition accept;
    }
}
