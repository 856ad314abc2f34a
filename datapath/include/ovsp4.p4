// ovsp4.p4: the architecture of this switch.  A program is a parser and, where the order of headers on the wire is not
// the order in which the headers struct declares them, a deparser.  Tables are not the program's business: they are
// set up at run time, over whatever the parser extracts.
//
// A checksum is declared where it stands:
//     @checksum                       the Internet checksum of the header that holds the field
//     @checksum["payload", "a.b"]     this header, what follows it, and field b of header a (each listed field is
//                                     right-aligned in 16-bit words; a header that is not valid does not count)
//     "optional" in the list          zero on the wire means that there is no checksum (UDP)
#ifndef OVSP4_OVSP4_P4
#define OVSP4_OVSP4_P4

#include <core.p4>

match_kind {
    range,
    optional
}

parser Parser<H>(packet_in packet, out H headers);
control Deparser<H>(packet_out packet, in H headers);

package Switch<H>(Parser<H> parse, @optional Deparser<H> deparse);

#endif
