/* Edits of a packet: the actions DP_SET, DP_DEC_TTL and DP_CSUM of dp.h, the same code in XDP and in userspace.
 *
 * Where a packet goes (DP_OUTPUT, DP_SELECT, DP_CONTROLLER) is the target's business; act_bucket() below finds the bucket
 * for a target that runs the list as it is.
 *
 *     struct act_state state = {0};
 *     for each action:  verdict = act_edit(&pkt, result.hdr_off, action, &state);
 *
 * The edits are made in windows of eight bytes: `value` and `mask` of an action are zero behind its `size` bytes, so a
 * window that reaches beyond the field writes back what it has read.  Near the end of the packet, where eight bytes from
 * the field's start are not there, the window is the eight bytes that end with the field.  (Only in packets of less than
 * 16 bytes may both be missing.)  The packet stays where it is.
 *
 * Included after ctx/<target>.h.
 */
#ifndef OVSP4_ACTIONS_H
#define OVSP4_ACTIONS_H

#include "checksum.h"
#include "dp.h"
#include "hash.h"

/* What an edit may say: go on; the packet does not have these bytes (count DROP_BAD_ACTION); its time to live is over. */
enum act_verdict {
	ACT_NEXT = 0,
	ACT_BAD,
	ACT_TTL, /* nothing was changed by this action */
};

struct act_state {
	__u64 diff; /* the collected difference, a ones'-complement sum */
	__u64 slots[DP_SLOTS]; /* changes of checksums that others sum, likewise; zero when nothing waits in them */
};

/* Account for a change of the word `old` to `now`, which starts at byte `offset` of its header. */
static __always_inline void act_collect(struct act_state *state, __u8 flags, __u32 offset, __u64 old, __u64 now)
{
	__u64 diff;

	if (flags & DP_F_RESTART)
		state->diff = 0;
	if (flags & DP_F_UNSUMMED)
		return;
	diff = csum_diff(old, now);
	if (offset & 1)
		diff = csum_swap(diff);
	state->diff = csum_add(state->diff, diff);
}

/* `header` is the header's offset in the packet (HDR_ABSENT is beyond every packet). */
static __always_inline int act_set(const struct packet *pkt, __u32 header, const struct dp_action *action,
				   struct act_state *state)
{
	__u64 value = pkt_load64(action->value), mask = pkt_load64(action->mask), old, now;
	__u32 offset = action->arg, n_short;
	__u8 *p = pkt_at(pkt, header + offset, 8);

	if (!p) {
		n_short = 8 - action->size;
		p = pkt_at(pkt, header + offset - n_short, 8); /* wraps to beyond every packet */
		if (!p)
			return ACT_BAD;
		value <<= n_short * 8 & 63;
		mask <<= n_short * 8 & 63;
		offset -= n_short;
	}
	old = pkt_load64(p);
	now = (old & ~mask) | (value & mask);
	pkt_store64(p, now);
	act_collect(state, action->flags, offset, old, now);
	return ACT_NEXT;
}

static __always_inline int act_dec_ttl(const struct packet *pkt, __u32 header, const struct dp_action *action,
				       struct act_state *state)
{
	__u8 *p = pkt_at(pkt, header + action->arg, 1);

	if (!p)
		return ACT_BAD;
	if (*p < 2)
		return ACT_TTL;
	*p -= 1;
	act_collect(state, action->flags, action->arg, *p + 1, *p);
	return ACT_NEXT;
}

/* What a DP_CSUM folds in: the difference of the edits, and the changes of checksums that it sums. */
static __always_inline __u64 act_change(const struct dp_action *action, struct act_state *state)
{
	__u64 diff = action->flags & DP_F_SWAPPED ? csum_swap(state->diff) : state->diff;
	__u32 i;

	if (!action->size)
		return diff;
	if (action->flags & DP_F_INNER_ONLY)
		diff = 0;
	UNROLL
	for (i = 0; i < DP_SLOTS; i++) {
		if (action->size == i + 1) {
			diff = csum_add(diff, state->slots[i]);
			state->slots[i] = 0;
		}
	}
	return diff;
}

/* Pass the change of a checksum on to those that sum it. */
static __always_inline void act_pass_on(const struct dp_action *action, struct act_state *state, __u64 change)
{
	__u32 i;

	UNROLL
	for (i = 0; i < DP_SLOTS; i++)
		if (action->value[0] & 1 << i)
			state->slots[i] =
			    csum_add(state->slots[i], action->mask[0] & 1 << i ? csum_swap(change) : change);
}

static __always_inline int act_csum(const struct packet *pkt, __u32 header, const struct dp_action *action,
				    struct act_state *state)
{
	__u64 diff = act_change(action, state);
	__u8 *p = pkt_at(pkt, header + action->arg, 2);
	__u16 old, now;

	if (!p)
		return ACT_BAD;
	old = pkt_load16(p);
	if ((action->flags & DP_F_ZERO_NONE) && !old)
		return ACT_NEXT;
	now = csum_update(old, diff);
	if ((action->flags & DP_F_ZERO_NONE) && !now)
		now = 0xffff;
	pkt_store16(p, now);
	if (action->value[0])
		act_pass_on(action, state, csum_diff(old, now));
	return ACT_NEXT;
}

/* Run one of the three edits; `header` is where the header that action->header names starts. */
static __always_inline int act_edit(const struct packet *pkt, __u32 header, const struct dp_action *action,
				    struct act_state *state)
{
	switch (action->op) {
	case DP_SET:
		return act_set(pkt, header, action, state);
	case DP_DEC_TTL:
		return act_dec_ttl(pkt, header, action, state);
	case DP_CSUM:
		return act_csum(pkt, header, action, state);
	default:
		return ACT_BAD;
	}
}

static __always_inline __u32 act_weight(const struct dp_action *bucket)
{
	return (__u32)bucket->value[0] << 24 | (__u32)bucket->value[1] << 16 | (__u32)bucket->value[2] << 8 |
	       bucket->value[3];
}

/* The bucket that a DP_SELECT chooses for a packet whose key hashes to `hash` (hash_key() of hash.h, over the key as
 * parsed on arrival, under the action's hash mask): its DP_BUCKET, or NULL where there is none with a weight or the list
 * is malformed.  `end` is behind the list's last action.  A weight's sum is taken modulo 2^32. */
static inline const struct dp_action *act_bucket(const struct dp_action *select, const struct dp_action *end,
						 __u32 hash)
{
	const struct dp_action *bucket;
	__u32 total = 0, sum = 0, point, i;

	for (i = 0, bucket = select + 1; i < select->size; i++, bucket += 1 + bucket->arg) {
		if (bucket >= end || bucket->op != DP_BUCKET || bucket->arg >= (__u32)(end - bucket))
			return NULL;
		total += act_weight(bucket);
	}
	point = hash_point(hash, total);
	for (i = 0, bucket = select + 1; i < select->size; i++, bucket += 1 + bucket->arg) {
		sum += act_weight(bucket);
		if (point < sum)
			return bucket;
	}
	return NULL;
}

#endif
