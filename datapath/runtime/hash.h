/* The hash over flow keys, and the choice of a bucket by it.
 *
 * Multiply and mix, a 64-bit word at a time: two instructions more than a sum, and no helper call in XDP.  Words under
 * an empty mask are left out, so that a mask kept as a list of its words (xdp/) hashes like the whole mask does: a
 * select group picks the same bucket in every engine, and in `trace`.
 *
 * Read by both engines, the slow path (trace) and xdp/xdp_dp.c.
 */
#ifndef OVSP4_HASH_H
#define OVSP4_HASH_H

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL /* 2^64 divided by the golden ratio (Knuth, TAOCP 6.4) */
#define HASH_START 0x243f6a8885a308d3ULL /* pi's fraction: any number without a pattern */

static __always_inline __u64 hash_word(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_MULTIPLIER;
	return hash ^ hash >> 32;
}

/* 32 bits of which all are good. */
static __always_inline __u32 hash_finish(__u64 hash)
{
	return (__u32)(hash * HASH_MULTIPLIER >> 32);
}

/* Of `n_words` words of a key under a mask. */
static __always_inline __u32 hash_key(const __u64 *key, const __u64 *mask, __u32 n_words)
{
	__u64 hash = HASH_START;
	__u32 i;

	for (i = 0; i < n_words; i++)
		if (mask[i])
			hash = hash_word(hash, key[i] & mask[i]);
	return hash_finish(hash);
}

/* A number below `total` (the sum of the buckets' weights), evenly spread: the bucket is the first whose running sum
 * of weights is above it. */
static __always_inline __u32 hash_point(__u32 hash, __u32 total)
{
	return (__u32)((__u64)hash * total >> 32);
}

#endif
