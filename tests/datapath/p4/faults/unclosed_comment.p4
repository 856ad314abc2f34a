#include <core.p4>
const bit<8> BEFORE = 1;
/* the comment begins
const bit<8> AFTER = 2;
