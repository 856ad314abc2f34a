/* Incremental Internet checksums (RFC 1071; RFC 1624, eqn. 3: HC' = ~(~HC + ~m + m')).
 *
 * A ones'-complement sum is the same whatever the width it is taken in, as long as the carries come round: 64-bit words
 * are summed here and folded to 16 bits only where a checksum is written.  It is the same in either byte order too
 * (RFC 1071, 2.B), so words are summed as the machine loads them, and a byte at an odd place is one rotated by a byte.
 *
 * Used by actions.h on both targets.
 */
#ifndef OVSP4_CHECKSUM_H
#define OVSP4_CHECKSUM_H

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "csum_byte() and the windows of actions.h are written for little-endian machines"
#endif

/* Ones'-complement addition: a carry out of the top comes in at the bottom. */
static __always_inline __u64 csum_add(__u64 sum, __u64 more)
{
	sum += more;
	return sum + (sum < more);
}

/* The difference that replacing `old` by `now` makes to a sum: ~m + m'. */
static __always_inline __u64 csum_diff(__u64 old, __u64 now)
{
	return csum_add(~old, now);
}

/* The same sum with the bytes of each 16-bit word swapped (2^8 is a rotation modulo 2^64 - 1). */
static __always_inline __u64 csum_swap(__u64 sum)
{
	return sum << 8 | sum >> 56;
}

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32); /* at most 33 bits */
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32); /* at most 17 bits */
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* The checksum field `check`, loaded as it stands in the packet, after a difference.  A change of nothing is the negative
 * zero, 0xffff: taken as it is it would turn the checksum 0xffff, which only zeros have, into 0, which they must not. */
static __always_inline __u16 csum_update(__u16 check, __u64 diff)
{
	__u32 sum = csum_fold(diff);

	if (sum == 0xffff)
		sum = 0;
	sum += (__u16)~check;
	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

#endif
