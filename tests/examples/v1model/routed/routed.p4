// A router as one writes it for v1model, complete with its controls.  ovsp4 takes the parser, the checksum and the
// order of emits; what the table would do stands as flows in routed.yaml.
#include <core.p4>
#include <v1model.p4>

typedef bit<48> mac_t;
typedef bit<32> address_t;

header frame_h {
    mac_t to;
    mac_t from;
    bit<16> carries;
}

header network_h {
    bit<4> version;
    bit<4> n_words;
    bit<8> service;
    bit<16> size;
    bit<16> id;
    bit<3> flags;
    bit<13> offset;
    bit<8> life;
    bit<8> carries;
    bit<16> sum;
    address_t from;
    address_t to;
}

struct headers_t {
    frame_h frame;
    network_h network;
}

struct notes_t {
}

parser Read(packet_in packet, out headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    state start {
        packet.extract(hdr.frame);
        transition select(hdr.frame.carries) {
            0x0800: read_network;
            default: accept;
        }
    }
    state read_network {
        packet.extract(hdr.network);
        transition accept;
    }
}

control Verify(inout headers_t hdr, inout notes_t notes) {
    apply {
    }
}

control Route(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    action unknown() {
        mark_to_drop(standard);
    }
    action send(mac_t own, mac_t next_hop, bit<9> port) {
        hdr.frame.from = own;
        hdr.frame.to = next_hop;
        hdr.network.life = hdr.network.life - 1;
        standard.egress_spec = port;
    }
    table routes {
        key = {
            hdr.network.to: lpm;
        }
        actions = {
            send;
            unknown;
        }
        default_action = unknown();
    }
    apply {
        if (hdr.network.isValid()) {
            routes.apply();
        } else {
            unknown();
        }
    }
}

control Leave(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    apply {
    }
}

control Update(inout headers_t hdr, inout notes_t notes) {
    apply {
        update_checksum(
            hdr.network.isValid(),
            {
                hdr.network.version, hdr.network.n_words, hdr.network.service, hdr.network.size, hdr.network.id,
                hdr.network.flags, hdr.network.offset, hdr.network.life, hdr.network.carries, hdr.network.from,
                hdr.network.to
            },
            hdr.network.sum,
            HashAlgorithm.csum16);
    }
}

control Write(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.frame);
        packet.emit(hdr.network);
    }
}

V1Switch(Read(), Verify(), Route(), Leave(), Update(), Write()) main;
