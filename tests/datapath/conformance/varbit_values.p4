// construct: headers with a varbit: assigned, in stacks, moved by push_front
// packet: 08aa 10bbcc -> accept NoError 40 s[1]=08aa s[2]=10bbcc copy=10bbcc
#include <core.p4>
header h_t { bit<8> n; varbit<64> v; }
struct headers_t { h_t[3] s; h_t copy; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.s.next, (bit<32>)p.lookahead<bit<8>>());
        p.extract(hdr.s.next, (bit<32>)p.lookahead<bit<8>>());
        hdr.copy = hdr.s[1];
        hdr.s.push_front(1);
        transition accept;
    }
}
