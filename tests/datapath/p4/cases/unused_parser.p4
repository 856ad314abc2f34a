// Of a parser that is not used no warnings are told.
#include <core.p4>
struct headers_t { }
parser Parser<H>(packet_in packet, out H hdr);
package Both<H>(Parser<H> first, Parser<H> second);
parser First(packet_in packet, out headers_t hdr) {
    state start { transition accept; }
    state never { transition accept; }
}
parser Second(packet_in packet, out headers_t hdr) {
    state start { transition select(packet.length()) { default: accept; 3: reject; } }
    state never { }
}
Both(First(), Second()) main;
