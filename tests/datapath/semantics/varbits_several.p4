// A header may have several varbits, but is not extracted then: they stay empty.  Default values of varbits are empty.
// spec: 8.10, 8.26, 13.8.2
// packet: 0a 0b -> accept NoError 16 v=0a b=0b several=0506
// packet: 80 0b -> accept NoError 16 v=07 several=0506
#include <core.p4>
header v_t { bit<8> n; varbit<16> some; }
header b_t { bit<8> x; }
header several_t { bit<8> x; varbit<16> some; bit<8> y; varbit<8> more; varbit<0> none; }
struct headers_t { v_t v; b_t b; several_t several; several_t unset; }
parser P(packet_in p, out headers_t hdr) {
    several_t local = { 5, ... };
    state start {
        bit<8> first = p.lookahead<bit<8>>();
        p.extract(hdr.v, first[7:7] ++ 31w0 >> 28);
        transition select(first) { 0x80: fill; default: plain; }
    }
    state plain { p.extract(hdr.b); transition many; }
    state fill { hdr.v = { n = 7, ... }; transition many; }
    state many {
        local.y = 6;
        hdr.several = local;
        hdr.unset = {#};
        transition accept;
    }
}
