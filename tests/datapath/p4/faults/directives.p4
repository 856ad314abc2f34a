// The preprocessor: conditions, macros and directives that are wrong.
#define TWICE(x) ((x) * 2)
#if TWICE(1, 2) >
#endif
#inclde <core.p4>
#error this program is not finished
#else
#ifdef
#include core.p4
#if 1
parser P() { state start { transition accept; } }
