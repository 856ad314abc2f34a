// testgen.p4: what a program says to a generator of its tests.
#ifndef __TESTGEN_P4__
#define __TESTGEN_P4__

extern void testgen_assume(in bool assumption);
extern void testgen_assert(in bool assumption);

#endif
