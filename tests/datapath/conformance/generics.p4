// construct: generic headers and structs; specialisation of generic types; inference of type arguments
// packet: 01 0002 -> accept NoError 24 one=01 two=0002 meta=3
#include <core.p4>
header value_t<T> { T value; }
struct pair_t<A, B> { A first; B second; }
struct headers_t { value_t<bit<8>> one; value_t<bit<16>> two; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start {
        p.extract(hdr.one);
        p.extract(hdr.two);
        pair_t<bit<8>, bit<16>> both = { hdr.one.value, hdr.two.value };
        meta = (bit<16>)both.first + both.second;
        transition accept;
    }
}
