// tna.p4: Tofino's architecture, of the first generation unless the program says otherwise.
#ifndef __TNA_P4__
#define __TNA_P4__

#ifndef __TARGET_TOFINO__
#define __TARGET_TOFINO__ 1
#endif
#include <tofino_native.p4>

#endif
