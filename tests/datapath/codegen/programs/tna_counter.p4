// A program for Tofino's architecture: options counted by a ParserCounter, a checksum verified, bridged metadata in front.
#include <tna.p4>

header ethernet_t {
    bit<48> dst;
    bit<48> src;
    bit<16> kind;
}

header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<72> upper;
    bit<16> checksum;
    bit<64> addresses;
}

header option_t {
    bit<32> word;
}

struct headers_t {
    ethernet_t ethernet;
    ipv4_t ipv4;
    option_t[10] options;
}

struct metadata_t {
    bit<1> checksum_fails;
    PortId_t port;
}

parser TofinoParser(packet_in packet, out ingress_intrinsic_metadata_t intrinsic) {
    state start {
        packet.extract(intrinsic);
        transition select(intrinsic.resubmit_flag) {
            1: reject;
            0: parse_port_metadata;
        }
    }
    state parse_port_metadata {
        packet.advance(PORT_METADATA_SIZE);
        transition accept;
    }
}

parser SwitchParser(packet_in packet, out headers_t hdr, out metadata_t meta,
                    out ingress_intrinsic_metadata_t intrinsic) {
    TofinoParser() tofino;
    Checksum() ipv4_checksum;
    ParserCounter() words;

    state start {
        tofino.apply(packet, intrinsic);
        meta.port = intrinsic.ingress_port;
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.kind) {
            0x800: parse_ipv4;
            default: accept;
        }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        ipv4_checksum.add(hdr.ipv4);
        words.set(hdr.ipv4.ihl, 14, 0, 3, 251);
        transition select(words.is_negative(), words.is_zero()) {
            (true, _): reject;
            (_, true): verify_checksum;
            default: parse_option;
        }
    }
    state parse_option {
        packet.extract(hdr.options.next);
        ipv4_checksum.add(hdr.options.last);
        words.decrement(1);
        transition select(words.is_zero()) {
            true: verify_checksum;
            default: parse_option;
        }
    }
    state verify_checksum {
        meta.checksum_fails = (bit<1>) (!ipv4_checksum.verify());
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout metadata_t meta, in ingress_intrinsic_metadata_t intrinsic,
                in ingress_intrinsic_metadata_from_parser_t from_parser,
                inout ingress_intrinsic_metadata_for_deparser_t for_deparser,
                inout ingress_intrinsic_metadata_for_tm_t for_tm) {
    apply { for_tm.ucast_egress_port = intrinsic.ingress_port; }
}

control IngressDeparser(packet_out packet, inout headers_t hdr, in metadata_t meta,
                        in ingress_intrinsic_metadata_for_deparser_t for_deparser) {
    apply { packet.emit(hdr); }
}

parser EgressParser(packet_in packet, out headers_t hdr, out metadata_t meta,
                    out egress_intrinsic_metadata_t intrinsic) {
    state start {
        packet.extract(intrinsic);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout metadata_t meta, in egress_intrinsic_metadata_t intrinsic,
               in egress_intrinsic_metadata_from_parser_t from_parser,
               inout egress_intrinsic_metadata_for_deparser_t for_deparser,
               inout egress_intrinsic_metadata_for_output_port_t for_port) {
    apply { }
}

control EgressDeparser(packet_out packet, inout headers_t hdr, in metadata_t meta,
                       in egress_intrinsic_metadata_for_deparser_t for_deparser) {
    apply { packet.emit(hdr); }
}

Pipeline(SwitchParser(), Ingress(), IngressDeparser(), EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
