// The name under which programs for p4c's bmv2 target include psa.p4.
#include "../psa.p4"
