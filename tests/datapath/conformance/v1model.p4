// construct: architecture v1model; verify_checksum and update_checksum; standard_metadata.ingress_port
// in_port: 7
// packet: 0102 0304 -> accept NoError 32 h=01020304 meta.port=7
#include <v1model.p4>
header h_t { bit<16> data; bit<16> sum; }
struct headers_t { h_t h; }
struct meta_t { bit<9> port; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start { p.extract(hdr.h); meta.port = sm.ingress_port; transition accept; }
}
control V(inout headers_t hdr, inout meta_t meta) { apply { verify_checksum(true, { hdr.h.data }, hdr.h.sum, HashAlgorithm.csum16); } }
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { mark_to_drop(sm); } }
control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { } }
control U(inout headers_t hdr, inout meta_t meta) { apply { update_checksum(true, { hdr.h.data }, hdr.h.sum, HashAlgorithm.csum16); } }
control D(packet_out p, in headers_t hdr) { apply { p.emit(hdr.h); } }
V1Switch(P(), V(), I(), E(), U(), D()) main;
