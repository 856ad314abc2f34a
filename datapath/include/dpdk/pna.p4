// The name under which programs for p4c's dpdk target include pna.p4.
#include <pna.p4>
