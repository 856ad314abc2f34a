/* What the slow path knows of a program: where headers stand in the key, and which checksums cover which bits.  Filled
 * in by native.py from the compiler's KeyLayout (ir/layout.py says what stands where); read by translate.c and commit.c.
 */
#ifndef OVSP4_SP_LAYOUT_H
#define OVSP4_SP_LAYOUT_H

#include "bits.h"

#define LAYOUT_IN_PORT 0 /* byte offsets in the key, ir/layout.py */
#define LAYOUT_BRIDGE 6
#define LAYOUT_VALID 8
#define LAYOUT_NO_VARBIT 0xffffffff
#define LAYOUT_CHECKSUMS_MAX 64
#define LAYOUT_NO_HEADER 0xff

struct sp_header {
	__u32 key_offset; /* bytes */
	__u32 size; /* bytes, without the varbit */
	__u32 varbit_at; /* byte of the header where its varbit stands, LAYOUT_NO_VARBIT if it has none */
	__u32 varbit_length; /* key offset in bytes of the varbit's 16-bit length in bits */
};

struct sp_checksum {
	__u32 header; /* id */
	__u32 offset; /* bytes, in the header's slot */
	__u32 flags; /* DP_F_ZERO_NONE or 0 */
	__u32 pad; /* zero */
	const __u64 *cover; /* n_headers bit strings of key size: the bits of each header that it sums */
	const __u64 *swapped; /* likewise: those of them that stand at the other parity in the sum */
	__u64 inner; /* a bit for each checksum whose own field it sums */
	__u64 inner_swapped; /* those of them whose bytes stand the other way round in the sum */
};

struct sp_layout {
	__u64 hash; /* KeyLayout.hash */
	__u32 key_size; /* bytes */
	__u32 n_headers;
	__u32 n_checksums;
	__u32 pad; /* zero */
	const struct sp_header *headers; /* by header id */
	const struct sp_checksum *checksums; /* one for each place that holds a checksum */
};

/* Where a checksum stands in the key. */
static inline __u32 sp_checksum_at(const struct sp_layout *layout, const struct sp_checksum *sum)
{
	return layout->headers[sum->header].key_offset + sum->offset;
}

#endif
