// construct: header union; header union in extract, setValid, assignment, isValid, comparison; local header unions
// packet: 04 0102 -> accept NoError 24 k=04 u.four=0102 meta=1
// packet: 06 01 -> accept NoError 16 k=06 u.six=01 meta=1
#include <core.p4>
header k_t { bit<8> x; }
header four_t { bit<16> x; }
header six_t { bit<8> x; }
header_union u_t { four_t four; six_t six; }
struct headers_t { k_t k; u_t u; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    u_t local;
    state start {
        p.extract(hdr.k);
        transition select(hdr.k.x) { 4: four; _: six; }
    }
    state four { p.extract(hdr.u.four); transition done; }
    state six { p.extract(hdr.u.six); transition done; }
    state done {
        local = hdr.u;
        meta = local.isValid() && local == hdr.u ? 8w1 : 0;
        transition accept;
    }
}
