// 'break' and 'continue' belong to a loop, 'exit' to neither parsers nor functions; a loop goes over ranges, lists and
// stacks of what its variable is.
// spec: 12.5, 12.8
// exit: 2
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t[2] h; }
bit<8> f(in bit<8> x) {
    if (x == 1) { continue; } //! outside of a loop
    exit; //! cannot stand in a function
    return x;
}
parser P(packet_in p, out headers_t hdr) {
    state start {
        break; //! outside of a loop
        for (bit<8> i in f(1)) { } //! no elements
        for (bit<8> e in hdr.h) { } //! the elements are
        for (h_t e in hdr.h) { if (e.isValid()) { exit; } } //! cannot stand in a parser
        for (bool b in 1 .. 2) { } //! no elements of type 'bool'
        transition accept;
    }
}
