/* Flow keys as arrays of 64-bit words: mask, compare, test.  A key's size is a multiple of 8 (ir/layout.py), and its
 * words are compared as the machine loads them: nothing here depends on what they mean.
 *
 * Used by both engines and by xdp/xdp_dp.c; hash.h has the hash.
 */
#ifndef OVSP4_FLOW_H
#define OVSP4_FLOW_H

#include <linux/types.h>

/* masked = key & mask */
static __always_inline void flow_mask(__u64 *masked, const __u64 *key, const __u64 *mask, __u32 n_words)
{
	__u32 i;

	for (i = 0; i < n_words; i++)
		masked[i] = key[i] & mask[i];
}

/* Does `key` agree with `masked` on the mask's bits? */
static __always_inline int flow_matches(const __u64 *key, const __u64 *mask, const __u64 *masked, __u32 n_words)
{
	__u64 difference = 0;
	__u32 i;

	for (i = 0; i < n_words; i++)
		difference |= (key[i] & mask[i]) ^ masked[i];
	return difference == 0;
}

static __always_inline int flow_equal(const __u64 *a, const __u64 *b, __u32 n_words)
{
	__u64 difference = 0;
	__u32 i;

	for (i = 0; i < n_words; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

#endif
