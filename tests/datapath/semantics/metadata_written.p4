// Metadata that the architecture provides may be written where its parameter is inout: it starts with what is provided.
// spec: 6.8, 13.4
// in_port: 7
// packet: 01 -> accept NoError 8 h=01 meta.was=7 meta.now=7 sm.ingress_port=7
// packet: 02 -> accept NoError 8 h=02 meta.was=7 meta.now=9 sm.ingress_port=9
// packet: 03 -> accept NoError 8 h=03 meta.was=7 meta.now=3 sm.ingress_port=3
#include <v1model.p4>
header h_t { bit<8> x; }
struct headers_t { h_t h; }
struct meta_t { bit<9> was; bit<9> now; }
void set(out bit<9> port, in bit<8> value) { port = (bit<9>) value; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        p.extract(hdr.h);
        meta.was = sm.ingress_port;
        if (hdr.h.x == 2) { sm.ingress_port = 9; }
        if (hdr.h.x == 3) { set(sm.ingress_port, hdr.h.x); }
        meta.now = sm.ingress_port;
        transition accept;
    }
}
control V(inout headers_t hdr, inout meta_t meta) { apply { } }
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { } }
control D(packet_out p, in headers_t hdr) { apply { } }
V1Switch(P(), V(), I(), I(), V(), D()) main;
