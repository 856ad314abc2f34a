// construct: fields that are not byte aligned; headers that are no multiple of 8 bits; headers inside a byte; structs in headers
// packet: a5 5a f0 -> accept NoError 20 h=a558 g=5e g.in_.a=2 g.in_.b=15
// packet: a5 5a -> reject PacketTooShort 13 h=a558
#include <core.p4>
struct in_t { bit<3> a; bit<4> b; }
header h_t { bit<5> x; bit<8> y; }
header g_t { in_t in_; }
struct headers_t { h_t h; g_t g; }
parser P(packet_in p, out headers_t hdr) {
    state start { p.extract(hdr.h); p.extract(hdr.g); transition accept; }
}
