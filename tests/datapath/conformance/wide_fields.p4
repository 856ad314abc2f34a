// construct: fields over 64 and over 128 bits; constants and comparisons of more than 64 bits; select keys of more than 64 bits; arithmetic on more than 64 bits
// packet: 00*15 01 00*24 ff -> accept NoError 328 h=00000000000000000000000000000001000000000000000000000000000000000000000000000000ff meta=1
// packet: ff*41 -> accept NoError 328 h=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff meta=2
// packet: 11*41 -> accept NoError 328 h=1111111111111111111111111111111111111111111111111111111111111111111111111111111111 meta=0
#include <core.p4>
header h_t { bit<128> a; bit<200> b; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        bit<200> sum = hdr.h.b + 1;
        transition select(hdr.h.a, sum) {
            (1, 0x100): one;
            (0xffffffffffffffffffffffffffffffff &&& 0xff000000000000000000000000000000, 0): two;
            _: accept;
        }
    }
    state one { meta = 1; transition accept; }
    state two { meta = 2; transition accept; }
}
