// Macros with arguments, pasting, conditions, line continuation, __LINE__, an include found next to this file.
#include <core.p4>
#include "preprocessor_part.p4"
#define WIDTH(n) ((n) * 8)
#define FIELD(kind, name) \
    kind<(WIDTH(WIDE_BYTES))> name
#if defined(WIDE_BYTES) && (WIDE_BYTES >> 1) == 1 && !defined FOO
#  define OK 1
#elif 1
#  error "not reached"
#else
#  error "not reached"
#endif
#ifndef OK
this is not P4 at all: "
#endif
header h_t { FIELD(bit, a); bit<16> line; }
struct headers_t { h_t h; }
parser P(packet_in pkt, out headers_t hdr) {
    state start { pkt.extract(hdr.h); hdr.h.line = __LINE__; transition accept; } /* a comment
    over lines */
}
