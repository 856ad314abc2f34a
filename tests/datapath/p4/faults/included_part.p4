#define TWO 2
#include "included_too_part.p4"
const bit<8> B = nothing;
