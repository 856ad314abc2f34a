// Source routing without popping: the sender lists the port to take at every switch, and `left` says how many of the
// stops are still ahead.  The parser finds the stop that is this switch's and notes it; flows match on the note.
#include <core.p4>
#include <v1model.p4>

header frame_h {
    bit<48> to;
    bit<48> from;
    bit<16> carries;
}

header plan_h {
    bit<8> left;
    bit<8> n_stops;
}

header stop_h {
    bit<8> port;
}

struct headers_t {
    frame_h frame;
    plan_h plan;
    stop_h[6] stops;
}

struct notes_t {
    bit<8> unread;
    bit<8> port;
}

parser Read(packet_in packet, out headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    state start {
        packet.extract(hdr.frame);
        transition select(hdr.frame.carries) {
            0x88b8: read_plan;
            default: accept;
        }
    }
    state read_plan {
        packet.extract(hdr.plan);
        notes.unread = hdr.plan.n_stops;
        transition select(notes.unread) {
            0: accept;
            default: read_stop;
        }
    }
    state read_stop {
        packet.extract(hdr.stops.next);
        if (notes.unread == hdr.plan.left) {
            notes.port = hdr.stops.last.port;
        }
        notes.unread = notes.unread - 1;
        transition select(notes.unread) {
            0: accept;
            default: read_stop;
        }
    }
}

control Nothing(inout headers_t hdr, inout notes_t notes) {
    apply {
    }
}

// What itinerary.yaml says in flows: table 0 for the first statement, table 1 for the second.
control Follow(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    apply {
        if (hdr.plan.isValid() && hdr.plan.left != 0) {
            hdr.plan.left = hdr.plan.left - 1;
            standard.egress_spec = (bit<9>) notes.port;
        } else {
            mark_to_drop(standard);
        }
    }
}

control Leave(inout headers_t hdr, inout notes_t notes, inout standard_metadata_t standard) {
    apply {
    }
}

control Write(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(Read(), Nothing(), Follow(), Leave(), Nothing(), Write()) main;
