#include "translate.h"

#include <stdlib.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#include "hash.h"

void xl_overflow(struct xl *x, enum xl_overflow why)
{
	if (x->out->overflow == XL_FITS)
		x->out->overflow = (__u8)why;
}

struct dp_action *xl_emit(struct xl *x, enum dp_op op)
{
	struct xl_result *out = x->out;

	if (out->n_actions == DP_ACTIONS_MAX) {
		xl_overflow(x, XL_ACTIONS);
		return NULL;
	}
	out->actions[out->n_actions] = (struct dp_action){.op = (__u8)op};
	return &out->actions[out->n_actions++];
}

/* The bits of `mask` that are no constants, with derived bytes whole: what they depend on in the packet. */
static __u64 depends_on(const struct xl_key *key, __u64 mask, __u32 word)
{
	__u64 need = mask & ~key->set[word];
	__u64 derived = need & key->derived[word];

	if (derived)
		for (__u32 byte = 0; byte < 64; byte += 8)
			if (derived & 0xffULL << byte)
				need |= 0xffULL << byte;
	return need;
}

void xl_unwildcard(struct xl *x, const __u64 *mask)
{
	for (__u32 i = 0; i < x->n_words; i++)
		x->out->mask[i] |= depends_on(&x->cur, mask[i], i);
}

bool xl_has_header(struct xl *x, __u32 header)
{
	__u8 bit = (__u8)(0x80 >> header % 8);
	__u32 byte = LAYOUT_VALID + header / 8;

	((__u8 *)x->out->mask)[byte] |= bit;
	return ((const __u8 *)x->orig)[byte] & bit;
}

static void emit_output(struct xl *x, __u32 port, __u8 flags)
{
	struct dp_action *action;

	xl_commit(x);
	action = xl_emit(x, DP_OUTPUT);
	if (action) {
		action->arg = port;
		action->flags = flags;
	}
}

/* in_port itself stays wildcarded for flooding: engines never send back to where the packet came from. */
static void emit_flood(struct xl *x)
{
	x->out->uses_ports = true;
	for (__u32 port = 1; port < DP_PORTS_MAX; port++)
		if (x->env->port_up[port])
			emit_output(x, port, 0);
}

static void do_output(struct xl *x, __u32 port)
{
	const __u8 *in_port = (const __u8 *)x->orig + LAYOUT_IN_PORT;

	if (port == SP_PORT_FLOOD || port == SP_PORT_ALL) {
		emit_flood(x);
	} else if (port == SP_PORT_IN_PORT) {
		memset((__u8 *)x->out->mask + LAYOUT_IN_PORT, 0xff, 4);
		port = (__u32)in_port[0] << 24 | (__u32)in_port[1] << 16 | (__u32)in_port[2] << 8 | in_port[3];
		emit_output(x, port, DP_F_IN_PORT);
	} else {
		emit_output(x, port, 0);
	}
}

static void do_controller(struct xl *x, __u32 max_size)
{
	struct dp_action *action;

	xl_commit(x);
	action = xl_emit(x, DP_CONTROLLER);
	if (action)
		action->arg = max_size;
}

static void do_set(struct xl *x, const struct sp_action *set)
{
	__u8 *bits = (__u8 *)x->cur.bits + set->arg, *known = (__u8 *)x->cur.set + set->arg;
	__u8 *pending = (__u8 *)x->pending + set->arg;

	if (set->header != LAYOUT_NO_HEADER && !xl_has_header(x, set->header))
		return;
	for (__u32 i = 0; i < set->size; i++) {
		bits[i] = (__u8)((bits[i] & ~set->mask[i]) | set->value[i]);
		known[i] |= set->mask[i];
		if (set->header != LAYOUT_NO_HEADER)
			pending[i] |= set->mask[i];
	}
}

/* Groups. */

static bool bucket_live(struct xl *x, const struct group_bucket *bucket)
{
	if (!bucket->watch_port)
		return true;
	x->out->uses_ports = true;
	return bucket->watch_port < DP_PORTS_MAX && x->env->port_up[bucket->watch_port];
}

static void note_bucket(struct xl *x, const struct group *group, __u32 bucket)
{
	struct xl_result *out = x->out;

	if (out->n_buckets < XL_BUCKETS_MAX)
		out->buckets[out->n_buckets++] =
		    (struct xl_bucket){.group = group->id, .bucket = bucket, .in_select = x->alternative};
}

/* What a bucket must put back. */
struct xl_copy {
	struct xl_key cur;
	__u64 pending[KEY_WORDS_MAX];
	__u64 moved[KEY_WORDS_MAX];
};

static void key_copy(struct xl_key *to, const struct xl_key *from, __u32 n_words)
{
	memcpy(to->bits, from->bits, n_words * sizeof(*to->bits));
	memcpy(to->set, from->set, n_words * sizeof(*to->set));
	memcpy(to->derived, from->derived, n_words * sizeof(*to->derived));
}

static void copy_begin(struct xl *x, struct xl_copy *copy)
{
	key_copy(&copy->cur, &x->cur, x->n_words);
	memcpy(copy->pending, x->pending, x->n_words * sizeof(*x->pending));
	memcpy(copy->moved, x->moved, x->n_words * sizeof(*x->moved));
	memset(x->moved, 0, x->n_words * sizeof(*x->moved));
}

static void copy_end(struct xl *x, const struct xl_copy *copy)
{
	key_copy(&x->cur, &copy->cur, x->n_words);
	for (__u32 i = 0; i < x->n_words; i++) {
		x->pending[i] = copy->pending[i] | x->moved[i];
		x->moved[i] |= copy->moved[i];
	}
}

static int run_actions(struct xl *x, const struct sp_action *actions, __u32 n_actions, int goto_table);
static void walk(struct xl *x, int table);

static void run_bucket(struct xl *x, const struct group *group, __u32 bucket, bool more_follows)
{
	struct xl_copy copy;

	note_bucket(x, group, bucket);
	copy_begin(x, &copy);
	x->more_follows = more_follows;
	run_actions(x, group->buckets[bucket].actions, group->buckets[bucket].n_actions, -1);
	x->more_follows = false;
	copy_end(x, &copy);
}

/* Collects what is hashed of a packet with these headers. */
static void hash_mask_of(struct xl *x, const struct group *group, __u64 *mask)
{
	memset(mask, 0, x->n_words * sizeof(*mask));
	for (__u32 i = 0; i < group->n_parts; i++)
		if (group->parts[i].header == LAYOUT_NO_HEADER || xl_has_header(x, group->parts[i].header))
			bits_or(mask, group->parts[i].mask, x->n_words);
}

/* Picks the bucket of this packet, as the engines do. */
static __u32 pick_bucket(struct xl *x, const struct group *group, const __u64 *mask, const __u32 *live, __u32 n_live)
{
	__u32 total = 0, sum = 0, point, i;

	bits_or(x->out->mask, mask, x->n_words);
	for (i = 0; i < n_live; i++)
		total += group->buckets[live[i]].weight;
	point = hash_point(hash_key(x->orig, mask, x->n_words), total);
	for (i = 0; i + 1 < n_live; i++) {
		sum += group->buckets[live[i]].weight;
		if (point < sum)
			break;
	}
	return live[i];
}

/* Fills one DP_BUCKET: its own actions, then whatever follows the group. */
static void fill_bucket(struct xl *x, const struct group *group, __u32 bucket, const struct sp_action *rest,
			__u32 n_rest, int goto_table)
{
	struct dp_action *head = xl_emit(x, DP_BUCKET);
	__u32 first = x->out->n_actions, weight = group->buckets[bucket].weight;

	run_bucket(x, group, bucket, n_rest || goto_table >= 0);
	walk(x, run_actions(x, rest, n_rest, goto_table));
	if (!head)
		return;
	head->arg = x->out->n_actions - first;
	for (__u32 i = 0; i < 4; i++)
		head->value[i] = (__u8)(weight >> (24 - 8 * i));
}

/* Emits a DP_SELECT; each bucket starts from the state in which the packet is now. */
static void emit_select(struct xl *x, const struct group *group, int hash_id, const __u32 *live, __u32 n_live,
			const struct sp_action *rest, __u32 n_rest, int goto_table)
{
	struct dp_action *select;
	struct xl *before;

	xl_commit(x); /* once, not in each bucket */
	select = xl_emit(x, DP_SELECT);
	if (!select)
		return;
	select->size = (__u8)n_live;
	select->arg = (__u32)hash_id;
	before = malloc(sizeof(*before));
	if (!before) {
		xl_overflow(x, XL_MEMORY);
		return;
	}
	*before = *x;
	for (__u32 i = 0; i < n_live; i++) {
		*x = *before;
		x->alternative = i + 1;
		fill_bucket(x, group, live[i], rest, n_rest, goto_table);
	}
	*x = *before;
	free(before);
}

/* Returns the table to go on with. */
static int do_select(struct xl *x, const struct group *group, const struct sp_action *rest, __u32 n_rest,
		     int goto_table)
{
	__u32 live[DP_ACTIONS_MAX], n_live = 0, bucket;
	__u64 mask[KEY_WORDS_MAX];
	int hash_id = -1;

	for (__u32 i = 0; i < group->n_buckets; i++) {
		if (!group->buckets[i].weight || !bucket_live(x, &group->buckets[i]))
			continue;
		if (n_live == DP_ACTIONS_MAX) {
			xl_overflow(x, XL_ACTIONS);
			return -1;
		}
		live[n_live++] = i;
	}
	if (!n_live)
		return run_actions(x, rest, n_rest, goto_table);
	bucket = live[0];
	if (n_live > 1) {
		hash_mask_of(x, group, mask);
		if (!x->alternative)
			hash_id = x->env->hash_id(x->env->owner, mask);
		if (hash_id >= 0) {
			emit_select(x, group, hash_id, live, n_live, rest, n_rest, goto_table);
			return -1;
		}
		bucket = pick_bucket(x, group, mask, live, n_live);
	}
	run_bucket(x, group, bucket, n_rest || goto_table >= 0);
	return run_actions(x, rest, n_rest, goto_table);
}

/* Gives each bucket a copy of the packet; returns the table to go on with. */
static int do_all(struct xl *x, const struct group *group, const struct sp_action *rest, __u32 n_rest, int goto_table)
{
	__u32 last = group->n_buckets;

	while (last > 0 && !bucket_live(x, &group->buckets[last - 1]))
		last--;
	for (__u32 i = 0; i < last; i++)
		if (bucket_live(x, &group->buckets[i]))
			run_bucket(x, group, i, i + 1 < last || n_rest || goto_table >= 0);
	return run_actions(x, rest, n_rest, goto_table);
}

/* Returns the table to go on with. */
static int do_group(struct xl *x, __u32 id, const struct sp_action *rest, __u32 n_rest, int goto_table)
{
	const struct group *group = groups_find(x->env->groups, id);
	const struct xl_delta *delta = x->delta;

	x->out->uses_groups = true;
	if (delta && (delta->all_groups || (delta->one_group && delta->group == id)))
		x->out->affected = true;
	if (!group)
		return run_actions(x, rest, n_rest, goto_table);
	if (group->kind == GROUP_SELECT)
		return do_select(x, group, rest, n_rest, goto_table);
	return do_all(x, group, rest, n_rest, goto_table);
}

/* Decrements a time to live; false if it is over and that ends a bucket. */
static bool do_dec_ttl(struct xl *x, const struct sp_action *action)
{
	__u64 mask[KEY_WORDS_MAX] = {0};

	if (!xl_has_header(x, action->header))
		return true;
	if (x->more_follows) {
		((__u8 *)mask)[action->arg] = 0xff;
		xl_unwildcard(x, mask);
		if (((const __u8 *)x->cur.bits)[action->arg] < 2) {
			xl_ttl_over(x, action->header, action->arg);
			return false;
		}
	}
	xl_dec_ttl(x, action->header, action->arg);
	return true;
}

/* Runs a list of actions; returns the table to go on with, -1 if there is none. */
static int run_actions(struct xl *x, const struct sp_action *actions, __u32 n_actions, int goto_table)
{
	for (__u32 i = 0; i < n_actions; i++) {
		const struct sp_action *action = &actions[i];

		switch (action->op) {
		case SP_OUTPUT:
			do_output(x, action->arg);
			break;
		case SP_CONTROLLER:
			do_controller(x, action->arg);
			break;
		case SP_SET:
			do_set(x, action);
			break;
		case SP_DEC_TTL:
			if (!do_dec_ttl(x, action))
				return -1;
			break;
		case SP_GROUP:
			return do_group(x, action->arg, action + 1, n_actions - i - 1, goto_table);
		}
	}
	return goto_table;
}

/* Tables. */

/* Can a changed flow of this table match any packet of the megaflow?  What is known of all of them here: the bits of
 * the old mask, and constants written on the way. */
static bool delta_concerns(const struct xl *x, int table)
{
	for (const struct flow *flow = x->delta->flows[table]; flow; flow = flow->delta_next) {
		bool disjoint = false;

		for (__u32 i = 0; i < x->n_words && !disjoint; i++) {
			__u64 wild = depends_on(&x->cur, ~0ULL, i) & ~x->old_mask[i];
			__u64 known = ~wild;
			__u64 derived = x->cur.derived[i] & ~x->cur.set[i];

			for (__u32 byte = 0; derived && byte < 64; byte += 8)
				if (derived & wild & 0xffULL << byte)
					known &= ~(derived & 0xffULL << byte);
			disjoint = (flow->key[i] ^ x->cur.bits[i]) & flow->mask[i] & known;
		}
		if (!disjoint)
			return true;
	}
	return false;
}

static void note_step(struct xl *x, int table, struct flow *flow)
{
	struct xl_result *out = x->out;

	out->tables[table / 64] |= 1ULL << table % 64;
	if (out->n_steps < XL_STEPS_MAX)
		out->steps[out->n_steps++] = (struct xl_step){
		    .table = (__u32)table, .alternative = x->alternative, .flow_id = flow ? flow->id : 0};
	if (!flow)
		return;
	for (__u32 i = 0; i < out->n_path; i++)
		if (out->path[i] == flow)
			return;
	if (out->n_path < XL_PATH_MAX)
		out->path[out->n_path++] = flow;
}

static struct flow *lookup(struct xl *x, int table)
{
	const struct flow_table *entries = x->env->tables->table[table];
	__u64 searched[KEY_WORDS_MAX];
	struct flow *flow;

	if (x->delta && delta_concerns(x, table))
		x->out->affected = true;
	if (!entries)
		return NULL;
	memset(searched, 0, x->n_words * sizeof(*searched));
	flow = (struct flow *)cls_lookup(&entries->cls, x->cur.bits, searched);
	xl_unwildcard(x, searched);
	return flow;
}

/* Goes through the tables from `table` on; a table without a match ends the way (table miss: drop). */
static void walk(struct xl *x, int table)
{
	while (table >= 0) {
		struct flow *flow = lookup(x, table);

		note_step(x, table, flow);
		if (!flow)
			return;
		table = run_actions(x, flow->actions, flow->n_actions, flow->goto_table);
	}
}

static void begin(struct xl *x, const struct xl_env *env, const __u64 *key, struct xl_result *out)
{
	__u32 n_words = env->layout->key_size / 8;
	size_t size = n_words * sizeof(*key);

	x->env = env;
	x->n_words = n_words;
	x->orig = key;
	x->out = out;
	x->alternative = 0;
	x->more_follows = false;
	x->delta = NULL;
	x->old_mask = NULL;
	memcpy(x->cur.bits, key, size);
	memcpy(x->base.bits, key, size);
	memset(x->cur.set, 0, size);
	memset(x->cur.derived, 0, size);
	memset(x->base.set, 0, size);
	memset(x->base.derived, 0, size);
	memset(x->pending, 0, size);
	memset(x->moved, 0, size);
	memset(out->mask, 0, size);
	memset((__u8 *)out->mask + LAYOUT_BRIDGE, 0xff, 2);
	out->n_actions = out->n_path = out->n_buckets = out->n_steps = 0;
	out->overflow = XL_FITS;
	out->affected = out->uses_groups = out->uses_ports = false;
	memset(out->tables, 0, sizeof(out->tables));
}

void translate(const struct xl_env *env, const __u64 *key, const struct xl_delta *delta, const __u64 *old_mask,
	       struct xl_result *out)
{
	struct xl x;

	begin(&x, env, key, out);
	x.delta = delta;
	x.old_mask = old_mask;
	walk(&x, 0);
	if (delta && delta->ports && out->uses_ports)
		out->affected = true;
	if (out->overflow)
		out->n_actions = 0;
}

void translate_actions(const struct xl_env *env, const __u64 *key, const struct sp_action *actions, __u32 n_actions,
		       struct xl_result *out)
{
	struct xl x;

	begin(&x, env, key, out);
	run_actions(&x, actions, n_actions, -1);
	if (out->overflow)
		out->n_actions = 0;
}
