// The name under which programs for p4c's bmv2 target include pna.p4.
#include "../pna.p4"
