// A generic parser that nothing gives types cannot be compiled.
// spec: 13.2
// exit: 2
#include <core.p4>
parser P<H>(packet_in p, out H hdr) { //! nothing says what 'H' of parser 'P' is
    state start { transition accept; }
}
