/* Translation: from the key of one packet to the megaflow {mask, actions} for all packets that are treated alike.
 *
 * translate() walks the flow tables as OpenFlow does, and collects two things.  The *mask* has a one for every bit of
 * the packet's key that some decision depended on (bits are "un-wildcarded"); the *actions* are dp.h's byte code.  The
 * invariant that everything rests on: for any key that agrees with this one on the mask, translate() decides the same
 * at each step, and so returns the same mask and the same actions.  Hence megaflows of one state of the tables are
 * equal or disjoint, and never wrong.
 *
 * A set-field changes a working copy of the key only.  At each output the difference is *committed* (commit.c): the
 * bytes that the packet does not have yet are written by DP_SET, and the checksums over them follow.  Bits written with
 * a constant depend on nothing any more, so a later lookup of them un-wildcards nothing; and since the packet's own
 * value of a wildcarded field is unknown, it is written even if this packet happens to have the value already.
 *
 * Two copies of the key are carried along: `cur`, what later tables see, and `base`, what the actions emitted so far
 * have made of the packet; `pending` has the bits in which they may differ.  A bucket of a group works on a copy of the
 * packet (OpenFlow 1.3, 5.6.1), which the byte code cannot make.  So after a bucket `cur` goes back to what it was,
 * what the bucket has changed becomes pending, and the next output writes it back (and un-wildcards it, since the
 * packet's own value must be known for that; a checksum that the bucket has written is computed, sums.h).  A time to live that is over ends the bucket and no more (as in Open
 * vSwitch); so where something follows the bucket, that is decided here, and the time to live un-wildcarded: it would
 * have to be for writing it back.
 *
 * A select group hashes the fields that it names, of the headers that the packet has.  It becomes a DP_SELECT, with
 * everything that follows (the rest of the actions, later tables) repeated in each bucket, because DP_SELECT ends the
 * list.  A second select group on the way of a packet cannot be nested in it:
 * there the slow path picks the bucket with the same hash, and un-wildcards the bits that are hashed.
 *
 * Fed by slowpath.c (upcalls, trace) and revalidate.c.
 */
#ifndef OVSP4_TRANSLATE_H
#define OVSP4_TRANSLATE_H

#include "groups.h"
#include "layout.h"
#include "tables.h"

#define XL_PATH_MAX 512 /* flows that one megaflow's counters go to; more are translated, but not counted */
#define XL_BUCKETS_MAX 64 /* bucket choices that a trace reports */
#define XL_STEPS_MAX 512 /* table lookups that a trace reports */

/* All that a translation reads. */
struct xl_env {
	const struct sp_layout *layout;
	const struct tables *tables;
	const struct groups *groups;
	const __u8 *port_up; /* DP_PORTS_MAX entries, 1 if the port exists and is up */
	/* Returns the number under which the engines know this hash mask, a negative errno if they cannot. */
	int (*hash_id)(void *owner, const __u64 *mask);
	void *owner; /* of this environment */
};

/* What a batch of changes has changed; revalidate.c asks whether a megaflow can be affected by it. */
struct xl_delta {
	struct flow *flows[N_TABLES]; /* flows added or removed, linked by delta_next */
	__u64 tables[4]; /* tables with such flows, a bit each */
	bool all_groups; /* any group may have changed ... */
	__u32 group; /* ... or this one has, if `one_group` */
	bool one_group;
	bool ports; /* ports came, went, or changed their state */
};

/* Why a translation does not fit. */
enum xl_overflow {
	XL_FITS = 0,
	XL_ACTIONS, /* more than DP_ACTIONS_MAX actions */
	XL_SLOTS, /* an edit changes more than DP_SLOTS checksums that sum others */
	XL_SUM_SETS, /* edits fall into too many sets of checksums, commit.c */
	XL_MEMORY, /* there is none left */
};

/* A bucket taken, for traces. */
struct xl_bucket {
	__u32 group;
	__u32 bucket;
	__u32 in_select; /* 1: an alternative of the DP_SELECT, 0: run for this packet anyway */
	__u32 pad; /* zero */
};

/* A table lookup, for traces. */
struct xl_step {
	__u32 table;
	__u32 alternative; /* 0: before the DP_SELECT; i: in its i-th bucket */
	__u64 flow_id; /* 0: a miss */
};

struct xl_result {
	__u64 mask[KEY_WORDS_MAX];
	struct dp_action actions[DP_ACTIONS_MAX];
	__u32 n_actions;
	__u8 overflow; /* enum xl_overflow: where it does not fit there are no actions, and the packets are dropped */
	bool affected; /* by the delta given; if not, all packets of the megaflow are decided on as before */
	bool uses_groups;
	bool uses_ports; /* the state of ports was looked at */
	__u64 tables[4]; /* looked up, a bit each */
	__u32 n_path;
	struct flow *path[XL_PATH_MAX]; /* flows taken, each once */
	__u32 n_buckets;
	struct xl_bucket buckets[XL_BUCKETS_MAX];
	__u32 n_steps;
	struct xl_step steps[XL_STEPS_MAX];
};

/* One copy of the key. */
struct xl_key {
	__u64 bits[KEY_WORDS_MAX];
	__u64 set[KEY_WORDS_MAX]; /* bits that are constants now, whatever the packet had */
	__u64 derived[KEY_WORDS_MAX]; /* bytes computed from the packet's whole byte (decremented) */
};

/* A translation under way. */
struct xl {
	const struct xl_env *env;
	__u32 n_words; /* of the key */
	const __u64 *orig; /* the packet's key */
	struct xl_result *out; /* out->mask is the mask so far */
	struct xl_key cur, base;
	__u64 pending[KEY_WORDS_MAX]; /* bits in which base may differ from cur */
	__u64 moved[KEY_WORDS_MAX]; /* bits that emitted actions have written, since it was last cleared */
	__u32 alternative; /* number of the DP_BUCKET being filled, 0 outside */
	bool more_follows; /* in a bucket with something behind it */
	const struct xl_delta *delta; /* NULL: none */
	const __u64 *old_mask; /* of the megaflow that is revalidated, with `delta` */
};

/* Translates; `delta` and `old_mask` are NULL but for a revalidation. */
void translate(const struct xl_env *env, const __u64 *key, const struct xl_delta *delta, const __u64 *old_mask,
	       struct xl_result *out);

/* Translates a list of actions instead of the tables (packet-out). */
void translate_actions(const struct xl_env *env, const __u64 *key, const struct sp_action *actions, __u32 n_actions,
		       struct xl_result *out);

/* For commit.c. */

/* Un-wildcards what of the packet the bits `mask` of `cur` depend on. */
void xl_unwildcard(struct xl *x, const __u64 *mask);

/* Is this header in the packet?  Un-wildcards its validity bit. */
bool xl_has_header(struct xl *x, __u32 header);

/* Appends an action; NULL if there is no room. */
struct dp_action *xl_emit(struct xl *x, enum dp_op op);

/* It does not fit; the first reason counts. */
void xl_overflow(struct xl *x, enum xl_overflow why);

/* Writes all pending bits to the packet. */
void xl_commit(struct xl *x);

/* Decrements the byte at `offset` of the key, in `cur` and in the packet. */
void xl_dec_ttl(struct xl *x, __u32 header, __u32 offset);

/* The same where the byte is known to be 0 or 1: says so and goes on. */
void xl_ttl_over(struct xl *x, __u32 header, __u32 offset);

#endif
