// The same in an annotation, whose body may be anything.
#include <core.p4>
@name("closed"
      "over two
lines")
header h_t { bit<8> x; }
@name("open)
header g_t { bit<8> x; }
@name("g")
header k_t { bit<8> x; }
