// construct: architecture PSA; InternetChecksum in a parser
// packet: 1234 edcb -> accept NoError 32 h=1234edcb meta.good=1
// packet: 1234 edca -> accept NoError 32 h=1234edca meta.good=0
#include <core.p4>
#include <psa.p4>
struct empty_t { }
header h_t { bit<16> data; bit<16> sum; }
struct headers_t { h_t h; }
struct meta_t { bit<1> good; }
parser IP(packet_in p, out headers_t hdr, inout meta_t meta, in psa_ingress_parser_input_metadata_t i, in empty_t r, in empty_t c) {
    InternetChecksum() sum;
    state start {
        p.extract(hdr.h);
        sum.clear();
        sum.add({ hdr.h.data });
        meta.good = sum.get() == hdr.h.sum ? 1w1 : 0;
        transition accept;
    }
}
control I(inout headers_t hdr, inout meta_t m, in psa_ingress_input_metadata_t i, inout psa_ingress_output_metadata_t o) { apply { } }
control ID(packet_out p, out empty_t a, out empty_t b, out empty_t c, inout headers_t hdr, in meta_t m, in psa_ingress_output_metadata_t o) {
    apply { p.emit(hdr); }
}
parser EP(packet_in p, out headers_t hdr, inout meta_t m, in psa_egress_parser_input_metadata_t i, in empty_t a, in empty_t b, in empty_t c) {
    state start { transition accept; }
}
control E(inout headers_t hdr, inout meta_t m, in psa_egress_input_metadata_t i, inout psa_egress_output_metadata_t o) { apply { } }
control ED(packet_out p, out empty_t a, out empty_t b, inout headers_t hdr, in meta_t m, in psa_egress_output_metadata_t o, in psa_egress_deparser_input_metadata_t d) {
    apply { }
}
IngressPipeline(IP(), I(), ID()) ip;
EgressPipeline(EP(), E(), ED()) ep;
PSA_Switch(ip, PacketReplicationEngine(), ep, BufferingQueueingEngine()) main;
