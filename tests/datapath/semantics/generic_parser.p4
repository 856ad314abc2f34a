// P4 has no generic parsers, but p4c has: here, too, one stands for a parser of the types that it is applied to.
// spec: 13.2
// packet: 05 0102 -> accept NoError 24 h=05 w=0102 meta=0
// packet: 05 01 -> reject PacketTooShort 8 h=05
#include <core.p4>
header h_t { bit<8> x; }
header w_t { bit<16> x; }
struct headers_t { h_t h; w_t w; }
parser One<H, V>(packet_in p, out H taken_out, in V given, out V taken) { //? P4 has no generic parsers
    state start {
        V kept = given;
        p.extract(taken_out);
        taken = kept;
        transition accept;
    }
}
parser P<M>(packet_in p, out headers_t hdr, inout M meta) { //? P4 has no generic parsers
    One<w_t, bit<16>>() wide;
    bit<16> n;
    bit<8> small;
    state start {
        One<h_t, bit<8>>.apply(p, hdr.h, 8w4, small);
        wide.apply(p, hdr.w, 7, n);
        M same = meta;
        meta = same;
        verify(small == 4 && n == 7, error.HeaderTooShort);
        transition accept;
    }
}
parser Architecture(packet_in p, out headers_t hdr, inout bit<16> meta);
package Switch(Architecture a);
Switch(P()) main;
