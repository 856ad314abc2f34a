// construct: #define with and without arguments; #undef; #if, #elif, #else, defined(); #ifdef, #ifndef; line continuation
// construct: #include "local"; #include <system>; __FILE__ and __LINE__; comments
// packet: 01 -> accept NoError 8 h=01 meta=38
#include <core.p4>
#include "preprocessor_part.p4i"
#define WIDTH 8
#define SUM(a, b) ((a) + \
                   (b))
#define FIELDS bit<WIDTH> x;
#if defined(WIDTH) && WIDTH * 2 == 16
header h_t { FIELDS }
#elif WIDTH > 8
#error "not this"
#else
broken
#endif
#ifndef FROM_PART
#error "the include did not work"
#endif
#undef FIELDS
#ifdef FIELDS
broken /* too */
#endif
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        bit<8> line = __LINE__; // 28
        meta = SUM(line, FROM_PART) + 0;
        transition accept;
    }
}
