// t2na.p4: Tofino's architecture, second generation.
#ifndef __T2NA_P4__
#define __T2NA_P4__

#ifndef __TARGET_TOFINO__
#define __TARGET_TOFINO__ 2
#endif
#include <tofino_native.p4>

#endif
