// construct: extern functions and objects that the switch does not have, called from a parser; random numbers in a parser
// unsupported: nobody knows what they do
#include <core.p4>
extern bit<8> magic(in bit<8> x);
extern Random<T> { Random(T min, T max); T read(); }
header h_t { bit<8> x; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr) {
    Random<bit<8>>(1, 6) dice;
    state start {
        p.extract(hdr.h);
        hdr.h.x = magic(hdr.h.x); //! magic
        hdr.h.x = dice.read(); //! 'Random.read'
        transition accept;
    }
}
