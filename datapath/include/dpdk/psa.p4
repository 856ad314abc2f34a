// The name under which programs for p4c's dpdk target include psa.p4.
#include "../psa.p4"
