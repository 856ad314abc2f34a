// Packets that note which switches they went through, in room that the sender left for it (headers cannot be pushed):
// a count of the records in use, then as many records as there is room for.
#include <core.p4>
#include <v1model.p4>

header frame_h {
    bit<48> to;
    bit<48> from;
    bit<16> carries;
}

header log_h {
    bit<8> n_used;
    bit<8> room;
    bit<16> sum;
}

header record_h {
    bit<16> node;
    bit<16> port;
}

struct headers_t {
    frame_h frame;
    log_h log;
    record_h[4] records;
}

struct notes_t {
    bit<8> unread;
}

parser Read(packet_in packet, out headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    state start {
        packet.extract(hdr.frame);
        transition select(hdr.frame.carries) {
            0x88b9: read_log;
            default: accept;
        }
    }
    state read_log {
        packet.extract(hdr.log);
        notes.unread = hdr.log.room;
        transition select(notes.unread) {
            0: accept;
            default: read_record;
        }
    }
    state read_record {
        packet.extract(hdr.records.next);
        notes.unread = notes.unread - 1;
        transition select(notes.unread) {
            0: accept;
            default: read_record;
        }
    }
}

control Verify(inout headers_t hdr, inout notes_t notes) {
    apply {
    }
}

// travel_log.yaml's table 0 is note's work, its table 1 is forward's.
control Sign(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    action send(bit<9> port) {
        standard.egress_spec = port;
    }
    table forward {
        key = {
            hdr.frame.to: exact;
        }
        actions = {
            send;
        }
    }
    action write(bit<16> node) {
        hdr.records[0].node = node;
        hdr.records[0].port = (bit<16>) standard.ingress_port;
        hdr.log.n_used = hdr.log.n_used + 1;
    }
    table note {
        key = {
            hdr.log.n_used: exact;
        }
        actions = {
            write;
        }
    }
    apply {
        if (hdr.log.isValid() && hdr.log.n_used < hdr.log.room) {
            note.apply();
        }
        forward.apply();
    }
}

control Leave(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    apply {
    }
}

control Update(inout headers_t hdr, inout notes_t notes) {
    apply {
        update_checksum(
            hdr.log.isValid(), { hdr.log.n_used, hdr.log.room }, hdr.log.sum, HashAlgorithm.csum16);
    }
}

control Write(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(Read(), Verify(), Sign(), Leave(), Update(), Write()) main;
