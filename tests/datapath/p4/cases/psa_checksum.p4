// A PSA program: a package in a package, an extern that keeps a sum in the parser, a checksum read off the deparser.
#include <core.p4>
#include <psa.p4>
header h_t { bit<16> a; bit<8> ttl; bit<8> proto; bit<16> sum; }
struct headers { h_t h; }
struct metadata { bool bad; }
struct empty { }
error { BadSum }
parser In(packet_in pkt, out headers hdr, inout metadata meta, in psa_ingress_parser_input_metadata_t istd,
          in empty resubmit, in empty recirculate) {
    InternetChecksum() ck;
    state start {
        transition select(istd.packet_path) {
            PSA_PacketPath_t.NORMAL: normal;
            default: reject;
        }
    }
    state normal {
        pkt.extract(hdr.h);
        ck.clear();
        ck.add({ hdr.h.a, hdr.h.ttl, hdr.h.proto });
        ck.subtract(hdr.h.a);
        verify(hdr.h.sum == ck.get(), error.BadSum);
        meta.bad = istd.ingress_port == (PortId_t)7;
        transition accept;
    }
}
control Ig(inout headers hdr, inout metadata meta, in psa_ingress_input_metadata_t istd,
           inout psa_ingress_output_metadata_t ostd) { apply { send_to_port(ostd, (PortId_t) 1); } }
control InDep(packet_out pkt, out empty i2e, out empty resubmit, out empty normal, inout headers hdr, in metadata meta,
              in psa_ingress_output_metadata_t istd) {
    InternetChecksum() sum;
    apply {
        sum.clear();
        sum.add({ hdr.h.a, hdr.h.ttl, hdr.h.proto });
        hdr.h.sum = sum.get();
        pkt.emit(hdr);
    }
}
parser Eg(packet_in pkt, out headers hdr, inout metadata meta, in psa_egress_parser_input_metadata_t istd,
          in empty normal, in empty i2e, in empty e2e) { state start { transition accept; } }
control EgC(inout headers hdr, inout metadata meta, in psa_egress_input_metadata_t istd,
            inout psa_egress_output_metadata_t ostd) { apply { } }
control EgDep(packet_out pkt, out empty e2e, out empty recirculate, inout headers hdr, in metadata meta,
              in psa_egress_output_metadata_t istd, in psa_egress_deparser_input_metadata_t edstd) { apply { } }
IngressPipeline(In(), Ig(), InDep()) ip;
EgressPipeline(Eg(), EgC(), EgDep()) ep;
PSA_Switch(ip, PacketReplicationEngine(), ep, BufferingQueueingEngine()) main;
