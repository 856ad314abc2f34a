// Arguments and constructors that are not there.
#include <core.p4>
extern Register<T> { T read(in bit<8> index); }
extern void note(in bit<8> what);
struct headers_t { }
parser P(packet_in pkt, out headers_t hdr) {
    Register<bit<8>>() values;
    state start {
        note(_);
        pkt.advance(_);
        transition accept;
    }
}
