/* Which checksums follow a change of a packet, and the DP_CSUMs that make them follow.
 *
 * A change of bits by a difference d changes each checksum that sums them by -d: what a checksum sums and the checksum
 * itself are together as they were (RFC 1624).  Another one further out, a tunnel's, may sum both.  It then stays as it
 * is, and is left out; but it changes by -d + 2d where two checksums inside have changed (an address of the inner IPv4
 * header is in that header's checksum and in TCP's), and by -d where the one inside is UDP's and is zero, which only the
 * packet can say.  Therefore:
 *   - checksums are updated from the inside out;
 *   - each that sums others which change has a slot (dp.h), in which the engine adds up their changes for it;
 *   - one that stays as it is for all packets, by arithmetic modulo 65535, is left out.
 * Two checksums that each sum the other have no inside: the first declared is taken for it.
 *
 * That is how engines do it, who do not know a checksum's value.  A checksum that a group's bucket has written, or the user
 * in part, is lost to them.  Its value is computed here, from the checksum that the packet came with and what differs of
 * what it sums between then and now; all that is un-wildcarded.
 *
 * Used by commit.c.
 */
#ifndef OVSP4_SUMS_H
#define OVSP4_SUMS_H

#include "translate.h"

/* The checksums that matter to a commit. */
struct sums {
	__u64 valid; /* those whose header the packet has, a bit each */
	__u64 explicit; /* of them, those whose value is known: they are not updated */
	__u64 computed; /* of these, those that are neither the packet's nor all the user's now */
};

/* Those that sum some bits. */
struct sum_set {
	__u64 covering; /* a bit for each checksum to update */
	__u64 swapped; /* which of them have the header at the other parity */
};

/* Is this header in the packet, and is that known for all packets of the megaflow?  It is for each with pending bits. */
bool sums_header_here(const struct xl *x, __u32 header);

/* Finds the checksums that change with the pending bits, directly or through another.  Those that are
 * to be computed become pending. */
struct sums sums_find(struct xl *x);

/* The checksums that sum these bits of a byte of the key; `bits` is narrowed to those that share them. */
struct sum_set sums_over(const struct xl *x, const struct sums *sums, __u32 header, __u32 offset, __u8 *bits);

/* Updates the checksums by the collected difference of bits that `set` sums, and those that sum them in turn. */
void sums_emit(struct xl *x, const struct sums *sums, struct sum_set set);

/* Puts the checksums that are computed into `now`, a copy of the key. */
void sums_compute(struct xl *x, const struct sums *sums, __u64 *now);

/* Where a byte of a header's slot in the key stands in the packet's header: its varbit's length, which shifts what is
 * behind it, is un-wildcarded and so a constant. */
__u32 sums_packet_offset(struct xl *x, __u32 header, __u32 offset);

#endif
