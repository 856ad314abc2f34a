// A header with a varbit is extracted into _ by the same rules; only where the cursor stays is ours: behind what is too
// long for the field.
// spec: 13.8.2, 13.8.4
// packet: 08 aa bb cc -> accept NoError 32 h=08 g=cc
// packet: 00 aa bb -> accept NoError 24 h=00 g=bb
// packet: 08 aa -> reject PacketTooShort 8 h=08
// packet: f8 aa bb cc -> reject PacketTooShort 8 h=f8
// packet: 10 aa bb cc dd -> accept NoError 40 h=10 g=dd
// packet: 18 aa bb cc dd -> reject HeaderTooShort 40 h=18
#include <core.p4>
header h_t { bit<8> n; }
header v_t { bit<8> a; varbit<16> v; }
struct headers_t { h_t h; h_t g; }
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.h);
        p.extract<v_t>(_, hdr.h.n[7:7] == 1 ? 32w0xfffffff8 : (bit<32>) hdr.h.n);
        p.extract(hdr.g);
        transition accept;
    }
}
