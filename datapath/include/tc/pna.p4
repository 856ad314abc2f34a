// tc/pna.p4: the Portable NIC Architecture as P4TC has it, where the kernel keeps metadata of its own beside a packet.
#ifndef __TC_PNA_P4__
#define __TC_PNA_P4__

#include "../pna.p4"

// The fields of the kernel's packet buffer: a program loads them all, reads and writes, stores them all.
#define SKB_FIELD_READ(name, width) extern bit<width> skb_get_##name();
#define SKB_FIELD(name, width) \
    SKB_FIELD_READ(name, width) \
    extern void skb_set_##name(in bit<width> value);

extern void skb_get_meta();
extern void skb_set_meta();
SKB_FIELD(mark, 32)
SKB_FIELD(protocol, 16)
SKB_FIELD(queue_mapping, 16)
SKB_FIELD(tc_classid, 16)
SKB_FIELD(tc_index, 16)
SKB_FIELD(tstamp, 64)
SKB_FIELD_READ(from_ingress, 1)
SKB_FIELD_READ(tc_at_ingress, 1)

// What the control plane sees of the externs that keep state.
struct tc_ControlPath_Counter<W, S> {
    @tc_key S index;
    @tc_data W pkts;
    @tc_data W bytes;
}

struct tc_ControlPath_DirectCounter<W> {
    @tc_key bit<32> index;
    @tc_data W pkts;
    @tc_data W bytes;
}

struct tc_ControlPath_Meter<S> {
    @tc_key S index;
    @tc_data bit<64> cir;
    @tc_data bit<64> cbs;
    @tc_data bit<64> pir;
    @tc_data bit<64> pbs;
}

struct tc_ControlPath_DirectMeter {
    @tc_key bit<32> index;
    @tc_data bit<64> cir;
    @tc_data bit<64> cbs;
    @tc_data bit<64> pir;
    @tc_data bit<64> pbs;
}

struct tc_ControlPath_Register<T> {
    @tc_key bit<32> index;
    @tc_data T a_value;
}

struct tc_ControlPath_Digest<T> {
    @tc_key bit<32> index;
    @tc_data T data;
}

#endif
