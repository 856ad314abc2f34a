// A parser's declaration may not be generic.
// spec: 13.2
// exit: 2
#include <core.p4>
parser P<H>(packet_in p, out H hdr) { //! cannot have type parameters
    state start { transition accept; }
}
