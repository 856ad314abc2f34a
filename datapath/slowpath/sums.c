#include "sums.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#include "checksum.h"

#define MODULUS 65535 /* of ones'-complement sums of 16 bits */
#define SWAP 256 /* swapping the bytes of a word multiplies it by this */

/* The checksums that change by one difference. */
struct plan {
	__u32 n;
	__u32 n_slots;
	__u8 order[LAYOUT_CHECKSUMS_MAX]; /* their numbers, inner ones first */
	__u8 slot[LAYOUT_CHECKSUMS_MAX]; /* by number: 1 + the slot that its inner ones add their changes to, or 0 */
	__u16 factor[LAYOUT_CHECKSUMS_MAX]; /* by number: what it sums changes by so many times the difference */
	__u64 changed; /* all of them */
	__u64 certain; /* of them, those whose factor is known; a zero in the packet may keep others as they are */
};

static const __u8 *bytes(const __u64 *words)
{
	return (const __u8 *)words;
}

/* The bits of a header that a checksum sums, in the key; headers may share a slot, hence one string for each. */
static const __u64 *cover_of(const struct sp_layout *layout, __u32 checksum, __u32 header)
{
	return layout->checksums[checksum].cover + (size_t)header * (layout->key_size / 8);
}

/* Those of them that stand at the other parity in the sum. */
static const __u64 *swapped_of(const struct sp_layout *layout, __u32 checksum, __u32 header)
{
	return layout->checksums[checksum].swapped + (size_t)header * (layout->key_size / 8);
}

bool sums_header_here(const struct xl *x, __u32 header)
{
	__u32 byte = LAYOUT_VALID + header / 8;

	return bytes(x->orig)[byte] & bytes(x->out->mask)[byte] & 0x80 >> header % 8;
}

static bool covers_pending(const struct xl *x, __u32 checksum)
{
	const struct sp_layout *layout = x->env->layout;
	__u64 both[KEY_WORDS_MAX];

	for (__u32 h = 0; h < layout->n_headers; h++) {
		if (!sums_header_here(x, h))
			continue;
		bits_and(both, cover_of(layout, checksum, h), x->pending, x->n_words);
		if (bits_any(both, x->n_words))
			return true;
	}
	return false;
}

/* A checksum that the user has written stands.  One that he has written in part, or that is pending because a bucket
 * wrote it, cannot be updated: what it was is not in the packet any more. */
static void note_written(struct xl *x, struct sums *sums, __u32 checksum)
{
	const struct sp_layout *layout = x->env->layout;
	__u32 at = sp_checksum_at(layout, &layout->checksums[checksum]);
	__u8 *pending = (__u8 *)x->pending + at;
	const __u8 *set = bytes(x->cur.set) + at;

	if (set[0] == 0xff && set[1] == 0xff) {
		sums->explicit |= 1ULL << checksum;
	} else if (pending[0] | pending[1] | set[0] | set[1]) {
		memset(pending, 0xff, 2);
		sums->computed |= 1ULL << checksum;
		sums->explicit |= 1ULL << checksum;
	}
}

struct sums sums_find(struct xl *x)
{
	const struct sp_layout *layout = x->env->layout;
	struct sums sums = {0, 0, 0};
	__u64 before = ~0ULL;

	while (before != sums.valid) { /* until no more come in through others */
		before = sums.valid;
		for (__u32 i = 0; i < layout->n_checksums; i++) {
			const struct sp_checksum *sum = &layout->checksums[i];
			const __u8 *field = bytes(x->pending) + sp_checksum_at(layout, sum);
			bool written = field[0] || field[1];

			if (sums.valid & 1ULL << i || !(written || sum->inner & sums.valid || covers_pending(x, i)) ||
			    !xl_has_header(x, sum->header))
				continue;
			sums.valid |= 1ULL << i;
			note_written(x, &sums, i);
		}
	}
	return sums;
}

/* Is the lowest of `bits` in `some`?  Narrows `bits` to those of which the same is true. */
static bool narrow(__u8 *bits, __u8 some)
{
	some &= *bits;
	if (some & *bits & -*bits) {
		*bits = some;
		return true;
	}
	*bits &= (__u8)~some;
	return false;
}

struct sum_set sums_over(const struct xl *x, const struct sums *sums, __u32 header, __u32 offset, __u8 *bits)
{
	const struct sp_layout *layout = x->env->layout;
	struct sum_set found = {0, 0};

	for (__u32 i = 0; i < layout->n_checksums; i++) {
		if (!(sums->valid & 1ULL << i) || !narrow(bits, bytes(cover_of(layout, i, header))[offset]))
			continue;
		found.covering |= 1ULL << i;
		if (narrow(bits, bytes(swapped_of(layout, i, header))[offset]))
			found.swapped |= 1ULL << i;
	}
	found.covering &= ~sums->explicit;
	found.swapped &= found.covering;
	return found;
}

/* Those of `valid` that sum bits of the set, or the checksum of one that does. */
static __u64 all_affected(const struct sp_layout *layout, __u64 valid, __u64 covering)
{
	__u64 all = covering, before = 0;

	while (before != all) {
		before = all;
		for (__u32 i = 0; i < layout->n_checksums; i++)
			if (valid & 1ULL << i && layout->checksums[i].inner & all)
				all |= 1ULL << i;
	}
	return all;
}

/* One that sums none of the others that are left. */
static __u32 innermost(const struct sp_layout *layout, __u64 left)
{
	for (__u32 i = 0; i < layout->n_checksums; i++)
		if (left & 1ULL << i && !(layout->checksums[i].inner & left))
			return i;
	return (__u32)__builtin_ctzll(left);
}

/* By how many times the difference do all that it sums change, as far as that is certain? */
static __u32 factor_of(const struct plan *plan, const struct sp_checksum *sum, __u32 checksum, struct sum_set set)
{
	__u32 factor = 0;

	if (set.covering & 1ULL << checksum)
		factor = set.swapped & 1ULL << checksum ? SWAP : 1;
	for (__u32 k = 0; k < plan->n; k++) {
		__u32 i = plan->order[k], weight = sum->inner_swapped & 1ULL << i ? SWAP : 1;

		if (sum->inner & plan->certain & 1ULL << i)
			factor = (factor + (MODULUS - plan->factor[i]) * weight) % MODULUS;
	}
	return factor;
}

static void plan_one(const struct xl *x, struct plan *plan, __u32 checksum, struct sum_set set)
{
	const struct sp_checksum *sum = &x->env->layout->checksums[checksum];
	__u32 factor = factor_of(plan, sum, checksum, set);
	__u64 inner = sum->inner & plan->changed;
	bool certain = !(inner & ~plan->certain);

	if (certain && !factor)
		return;
	plan->order[plan->n++] = (__u8)checksum;
	plan->slot[checksum] = inner ? (__u8)++plan->n_slots : 0;
	plan->factor[checksum] = (__u16)factor;
	plan->changed |= 1ULL << checksum;
	if (certain && !(sum->flags & DP_F_ZERO_NONE))
		plan->certain |= 1ULL << checksum;
}

/* The slots of those updated after the checksum that sum it, and which of them with its bytes swapped. */
static void pass_on(const struct sp_layout *layout, const struct plan *plan, __u32 place, struct dp_action *action)
{
	__u32 checksum = plan->order[place];

	for (__u32 k = place + 1; k < plan->n; k++) {
		const struct sp_checksum *outer = &layout->checksums[plan->order[k]];
		__u8 slot = plan->slot[plan->order[k]];

		if (!slot || !(outer->inner & 1ULL << checksum))
			continue;
		action->value[0] |= (__u8)(1 << (slot - 1));
		if (outer->inner_swapped & 1ULL << checksum)
			action->mask[0] |= (__u8)(1 << (slot - 1));
	}
}

static void emit_csum(struct xl *x, const struct plan *plan, __u32 place, struct sum_set set)
{
	__u32 checksum = plan->order[place];
	const struct sp_checksum *sum = &x->env->layout->checksums[checksum];
	struct dp_action *action = xl_emit(x, DP_CSUM);

	if (!action)
		return;
	action->header = (__u8)sum->header;
	action->arg = sums_packet_offset(x, sum->header, sp_checksum_at(x->env->layout, sum));
	action->flags = (__u8)sum->flags;
	if (set.swapped & 1ULL << checksum)
		action->flags |= DP_F_SWAPPED;
	if (!(set.covering & 1ULL << checksum))
		action->flags |= DP_F_INNER_ONLY;
	action->size = plan->slot[checksum];
	pass_on(x->env->layout, plan, place, action);
}

void sums_emit(struct xl *x, const struct sums *sums, struct sum_set set)
{
	const struct sp_layout *layout = x->env->layout;
	__u64 left = all_affected(layout, sums->valid & ~sums->explicit, set.covering);
	struct plan plan = {0};

	while (left) {
		__u32 next = innermost(layout, left);

		left &= ~(1ULL << next);
		plan_one(x, &plan, next, set);
	}
	if (plan.n_slots > DP_SLOTS)
		xl_overflow(x, XL_SLOTS);
	for (__u32 k = 0; k < plan.n; k++)
		emit_csum(x, &plan, k, set);
}

/* By how much the bits of a header that a checksum sums differ in `now` from what came, modulo 65535. */
static __u32 header_change(struct xl *x, __u32 checksum, __u32 header, const __u64 *now)
{
	const struct sp_header *slot = &x->env->layout->headers[header];
	__u8 *mask = (__u8 *)x->out->mask;
	__u32 change = 0;

	for (__u32 at = slot->key_offset; at < slot->key_offset + slot->size; at++) {
		__u8 cover = bytes(cover_of(x->env->layout, checksum, header))[at];
		__u8 swapped = bytes(swapped_of(x->env->layout, checksum, header))[at] & cover;
		__u8 set = bytes(x->cur.set)[at] & cover, derived = bytes(x->cur.derived)[at] & cover & ~set;
		__u8 before = bytes(x->orig)[at], after = bytes(now)[at];
		__u32 weight, other;

		mask[at] |= derived ? 0xff : set;
		if (!set && !derived && !((before ^ after) & cover))
			continue;
		weight = sums_packet_offset(x, header, at) & 1 ? 1 : SWAP;
		other = weight == 1 ? SWAP : 1;
		cover &= (__u8)~swapped;
		change += MODULUS + (after & cover) * weight - (before & cover) * weight;
		change += MODULUS + (after & swapped) * other - (before & swapped) * other;
		change %= MODULUS;
	}
	return change;
}

/* Puts what a checksum is into `now`, which has those that it sums already; bits that the user has written stand. */
static void compute_one(struct xl *x, __u32 checksum, __u64 *now)
{
	const struct sp_layout *layout = x->env->layout;
	__u32 at = sp_checksum_at(layout, &layout->checksums[checksum]), change = 0;
	const __u8 *came = bytes(x->orig) + at, *set = bytes(x->cur.set) + at;
	__u16 old = (__u16)(came[0] << 8 | came[1]), value;
	__u8 *field = (__u8 *)now + at;

	memset((__u8 *)x->out->mask + at, 0xff, 2);
	if (layout->checksums[checksum].flags & DP_F_ZERO_NONE && !old)
		return;
	for (__u32 h = 0; h < layout->n_headers; h++)
		if (sums_header_here(x, h))
			change = (change + header_change(x, checksum, h, now)) % MODULUS;
	value = csum_update(old, change);
	if (layout->checksums[checksum].flags & DP_F_ZERO_NONE && !value)
		value = 0xffff;
	field[0] = (__u8)((field[0] & set[0]) | (value >> 8 & ~set[0]));
	field[1] = (__u8)((field[1] & set[1]) | (value & ~set[1]));
}

void sums_compute(struct xl *x, const struct sums *sums, __u64 *now)
{
	const struct sp_layout *layout = x->env->layout;
	__u64 left = sums->computed, before = 0;

	while (before != left) { /* and all inside them */
		before = left;
		for (__u32 i = 0; i < layout->n_checksums; i++)
			if (left & 1ULL << i)
				left |= layout->checksums[i].inner;
	}
	while (left) {
		__u32 next = innermost(layout, left);

		left &= ~(1ULL << next);
		if (xl_has_header(x, layout->checksums[next].header))
			compute_one(x, next, now);
	}
}

__u32 sums_packet_offset(struct xl *x, __u32 header, __u32 offset)
{
	const struct sp_header *slot = &x->env->layout->headers[header];
	const __u8 *length = bytes(x->orig) + slot->varbit_length;

	offset -= slot->key_offset;
	if (offset < slot->varbit_at)
		return offset;
	memset((__u8 *)x->out->mask + slot->varbit_length, 0xff, 2);
	return offset + (length[0] << 8 | length[1]) / 8;
}
