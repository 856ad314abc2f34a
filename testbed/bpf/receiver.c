/* The receiver: counts the packets that arrive at an interface, and drops them there or lets them pass.
 *
 * With a template only packets that equal it under a mask are counted (and dropped); all others pass untouched, so ARP
 * and a person's ping go on working.  Fed and read by testbed/measure.py.
 */
#include <uapi/linux/bpf.h>

#define MATCH_WORDS 32 /* of 8 bytes */

struct match {
	__u32 size; /* bytes of value and mask that count; 0: every packet matches */
	__u32 drop; /* 1: drop what matches, else pass it on */
	__u64 value[MATCH_WORDS]; /* already masked; the packet's bytes in wire order */
	__u64 mask[MATCH_WORDS];
};

struct counters {
	__u64 n_packets; /* that matched */
	__u64 n_bytes;
	__u64 n_others; /* packets that did not match */
	__u64 first_ns; /* boot clock at the first match */
	__u64 last_ns; /* at the last match; behind the 64th only every 64th is looked at */
};

BPF_ARRAY(match_map, struct match, 1);
BPF_PERCPU_ARRAY(counters_map, struct counters, 1);

#define OFFSET_MASK 0xff /* MATCH_WORDS * 8 - 1: lets the verifier add an offset to a packet pointer */

/* Hide a value from the compiler, which would otherwise prove the mask away and leave the verifier without it. */
#define hide(value) asm volatile("" : "+r"(value))

/* Compare whole words first, then the bytes behind the last one. */
static __always_inline int matches(const struct match *match, const __u8 *data, const __u8 *data_end)
{
	__u64 offset = match->size & ~7U, n_tail = match->size & 7;
	const __u8 *value, *mask;
	__u32 i;

	for (i = 0; i < MATCH_WORDS; i++) {
		if (8 * i >= offset)
			break;
		if (data + 8 * i + 8 > data_end)
			return 0;
		if ((*(__u64 *)(data + 8 * i) & match->mask[i]) != match->value[i])
			return 0;
	}
	if (!n_tail)
		return 1;
	hide(offset);
	offset &= OFFSET_MASK & ~7U;
	value = (const __u8 *)match->value + offset;
	mask = (const __u8 *)match->mask + offset;
	data += offset;
#pragma unroll
	for (i = 0; i < 7; i++) {
		if (i >= n_tail)
			break;
		if (data + i + 1 > data_end || (data[i] & mask[i]) != value[i])
			return 0;
	}
	return 1;
}

int receive(struct xdp_md *ctx)
{
	const __u8 *data = (void *)(long)ctx->data;
	const __u8 *data_end = (void *)(long)ctx->data_end;
	struct counters *counters;
	struct match *match;
	__u32 zero = 0;

	match = match_map.lookup(&zero);
	counters = counters_map.lookup(&zero);
	if (!match || !counters)
		return XDP_PASS;
	if (!matches(match, data, data_end)) {
		counters->n_others++;
		return XDP_PASS;
	}
	if (counters->n_packets < 64 || !(counters->n_packets & 63)) {
		counters->last_ns = bpf_ktime_get_ns();
		if (!counters->first_ns)
			counters->first_ns = counters->last_ns;
	}
	counters->n_packets++;
	counters->n_bytes += data_end - data;
	return match->drop ? XDP_DROP : XDP_PASS;
}
