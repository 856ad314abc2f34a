/* Bit strings the size of a flow key, as arrays of 64-bit words; the words have the bytes' order in memory, so that a
 * key, a mask and these arrays are the same bytes.  Read by every file of the slow path. */
#ifndef OVSP4_BITS_H
#define OVSP4_BITS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "dp.h"

#define KEY_WORDS_MAX (DP_KEY_MAX / 8)

/* Are all bits of `a` also in `b`? */
static inline bool bits_subset(const __u64 *a, const __u64 *b, __u32 n_words)
{
	for (__u32 i = 0; i < n_words; i++)
		if (a[i] & ~b[i])
			return false;
	return true;
}

/* Do `a` and `b` agree on the bits of `mask`? */
static inline bool bits_agree(const __u64 *a, const __u64 *b, const __u64 *mask, __u32 n_words)
{
	for (__u32 i = 0; i < n_words; i++)
		if ((a[i] ^ b[i]) & mask[i])
			return false;
	return true;
}

static inline bool bits_equal(const __u64 *a, const __u64 *b, __u32 n_words)
{
	return !memcmp(a, b, n_words * sizeof(*a));
}

static inline void bits_or(__u64 *into, const __u64 *from, __u32 n_words)
{
	for (__u32 i = 0; i < n_words; i++)
		into[i] |= from[i];
}

static inline void bits_and(__u64 *out, const __u64 *a, const __u64 *b, __u32 n_words)
{
	for (__u32 i = 0; i < n_words; i++)
		out[i] = a[i] & b[i];
}

static inline bool bits_any(const __u64 *a, __u32 n_words)
{
	for (__u32 i = 0; i < n_words; i++)
		if (a[i])
			return true;
	return false;
}

/* One step of a multiplicative hash; the constant is the 64-bit golden ratio. */
static inline __u64 bits_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

#endif
