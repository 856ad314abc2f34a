// A file without a parser is refused for what is wrong in it, not for what is not there.
#include <core.p4>
struct meta_t { bit<8> kind; }
control C(inout meta_t meta) { apply { meta.knid = 1; } }
