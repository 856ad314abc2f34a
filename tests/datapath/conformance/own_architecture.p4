// construct: an architecture of the program's own; parser parameters of all kinds; parser alone, without a package
// packet: 05 -> accept NoError 8 h=05 meta.seen=5 user=6
#include <core.p4>
struct intrinsic_t { bit<9> port; bit<7> pad; }
struct meta_t { bit<8> seen; }
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser Prs<H, M>(packet_in p, out H hdr, inout M meta, in intrinsic_t i, inout bit<8> user);
control Blk<H, M>(inout H hdr, inout M meta);
package Box<H, M>(Prs<H, M> p, Blk<H, M> b);
parser P(packet_in p, out headers_t hdr, inout meta_t meta, in intrinsic_t i, inout bit<8> user) {
    state start { p.extract(hdr.h); meta.seen = hdr.h.x; user = meta.seen + 1; transition accept; }
}
control B(inout headers_t hdr, inout meta_t meta) { apply { } }
Box(P(), B()) main;
