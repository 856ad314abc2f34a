// A fault in a file that is included by one that is included, and one on a long line.
#include <core.p4>
#include "included_part.p4"
