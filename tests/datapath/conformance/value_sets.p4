// construct: value_set, exact, masked and of a struct, filled at run time; @match in the struct of a value_set
// packet: 0050 -> accept NoError 16 h=0050 meta=2
#include <core.p4>
struct key_t { @match(ternary) bit<16> port; }
header h_t { bit<16> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    value_set<bit<16>>(4) ports;
    @name("masked") value_set<key_t>(8) keys;
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) { ports: one; keys: one; _: two; }
    }
    state one { meta = 1; transition accept; }
    state two { meta = 2; transition accept; }
}
