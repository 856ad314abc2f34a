// The name under which programs for p4c's dpdk target include pna.p4, and the accelerator that such a target may have.
#ifndef __DPDK_PNA_P4__
#define __DPDK_PNA_P4__

#include "../pna.p4"

enum ipsec_status { IPSEC_SUCCESS, IPSEC_ERROR }

extern ipsec_accelerator {
    ipsec_accelerator();
    bool from_ipsec(out ipsec_status status);
    void set_sa_index<T>(in T sa_index);
    void enable();
    void disable();
}

#endif
