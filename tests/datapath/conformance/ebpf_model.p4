// construct: architecture ebpf_model
// packet: 0102 -> accept NoError 16 h=0102
#include <core.p4>
#include <ebpf_model.p4>
header h_t { bit<16> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) { state start { p.extract(hdr.h); transition accept; } }
control F(inout headers_t hdr, out bool pass) { apply { pass = hdr.h.x == 1; } }
ebpfFilter(P(), F()) main;
