// construct: TNA's port_metadata_unpack and PNA's ipsec_accelerator.from_ipsec in a parser (ports here have neither)
// packet: 0102 -> accept NoError 16 a=01 b=02 meta.port=0 meta.from_ipsec=0 meta.status=0
#include <core.p4>
#include <dpdk/pna.p4>
extern T port_metadata_unpack<T>(packet_in packet); // as tna.p4 has it
header h_t { bit<8> x; }
struct headers_t { h_t a; h_t b; }
struct port_t { bit<8> tag; bit<16> group; }
struct meta_t { bit<8> port; bit<1> from_ipsec; bit<8> status; }
ipsec_accelerator() accelerator;
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    state start {
        p.extract(hdr.a);
        port_t port = port_metadata_unpack<port_t>(p);
        meta.port = port.tag + (bit<8>)port.group;
        ipsec_status status = ipsec_status.IPSEC_ERROR;
        if (accelerator.from_ipsec(status)) { meta.from_ipsec = 1; }
        if (status == ipsec_status.IPSEC_ERROR) { meta.status = 1; }
        p.extract(hdr.b);
        transition accept;
    }
}
