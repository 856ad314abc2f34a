/* Changes of the flow tables and groups: each call here is one step, with one revalidation at its end. */
#include <errno.h>
#include <stdlib.h>

#include "slowpath.h"

struct deletion {
	struct deletion *next; /* in the batch, in order */
	__u32 table; /* or ALL_TABLES */
	__u32 priority; /* if strict */
	bool strict;
	__u64 key[]; /* n_words, then the mask */
};

struct addition {
	struct addition *next; /* in the batch, in order */
	struct flow *flow; /* NULL once it has been put into its table */
	struct flow *inserted; /* the flow, from then on */
};

struct sp_batch {
	__u32 n_words; /* of a key */
	struct deletion *deletions, **deletions_end;
	struct addition *additions, **additions_end;
};

/* A change being carried out. */
struct change {
	struct slow_path *sp;
	struct flow *removed; /* linked by `next`, newest first */
	__u64 n_removed;
	__u64 first_id; /* flows with this id or a higher one are added by this change */
};

struct sp_batch *sp_batch_new(struct slow_path *sp)
{
	struct sp_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->n_words = sp->layout.key_size / 8;
	batch->deletions_end = &batch->deletions;
	batch->additions_end = &batch->additions;
	return batch;
}

int sp_batch_add(struct sp_batch *batch, const void *key, const void *mask, const struct sp_flow_spec *spec,
		 const struct sp_action *actions)
{
	struct addition *add = calloc(1, sizeof(*add));

	if (!add)
		return -ENOMEM;
	add->flow = flow_new(key, mask, batch->n_words, actions, spec->n_actions);
	if (!add->flow) {
		free(add);
		return -ENOMEM;
	}
	add->flow->table = spec->table;
	add->flow->rule.priority = spec->priority;
	add->flow->goto_table = spec->goto_table;
	add->flow->cookie = spec->cookie;
	add->flow->idle_timeout_s = spec->idle_timeout_s;
	add->flow->hard_timeout_s = spec->hard_timeout_s;
	*batch->additions_end = add;
	batch->additions_end = &add->next;
	return 0;
}

int sp_batch_delete(struct sp_batch *batch, const void *key, const void *mask, __u32 table, __u32 priority, bool strict)
{
	size_t size = batch->n_words * sizeof(__u64);
	struct deletion *del = calloc(1, sizeof(*del) + 2 * size);

	if (!del)
		return -ENOMEM;
	del->table = table;
	del->priority = priority;
	del->strict = strict;
	memcpy(del->key, key, size);
	memcpy(del->key + batch->n_words, mask, size);
	*batch->deletions_end = del;
	batch->deletions_end = &del->next;
	return 0;
}

static void batch_free(struct sp_batch *batch)
{
	while (batch->deletions) {
		struct deletion *del = batch->deletions;

		batch->deletions = del->next;
		free(del);
	}
	while (batch->additions) {
		struct addition *add = batch->additions;

		batch->additions = add->next;
		if (add->flow)
			flow_free(add->flow);
		free(add);
	}
	free(batch);
}

/* Takes a flow out of its table; it lives on until the change is over. */
static void take_out(struct change *change, struct flow *flow, enum removed_reason reason)
{
	tables_remove(&change->sp->tables, flow);
	flow->removed = reason;
	flow->next = change->removed;
	change->removed = flow;
	change->n_removed++;
}

static void delete_loosely(struct change *change, __u32 table, const __u64 *key, const __u64 *mask)
{
	struct tables *tables = &change->sp->tables;
	struct flow *flow, *next;

	if (!tables->table[table])
		return;
	for (flow = tables->table[table]->first; flow; flow = next) {
		next = flow->next;
		if (flow_within(flow, key, mask, tables->n_words))
			take_out(change, flow, REMOVED_DELETED);
	}
}

static void delete_flows(struct change *change, const struct deletion *del)
{
	struct tables *tables = &change->sp->tables;
	const __u64 *mask = del->key + tables->n_words;

	for (__u32 table = 0; table < N_TABLES; table++) {
		if (del->table != ALL_TABLES && del->table != table)
			continue;
		if (del->strict) {
			struct flow *flow = tables_find(tables, table, del->key, mask, del->priority);

			if (flow)
				take_out(change, flow, REMOVED_DELETED);
		} else {
			delete_loosely(change, table, del->key, mask);
		}
	}
}

static bool groups_exist(const struct groups *groups, const struct flow *flow)
{
	for (__u32 i = 0; i < flow->n_actions; i++)
		if (flow->actions[i].op == SP_GROUP && !groups_find(groups, flow->actions[i].arg))
			return false;
	return true;
}

static int add_flow(struct change *change, struct addition *add)
{
	struct slow_path *sp = change->sp;
	struct flow *flow = add->flow, *old;
	const struct flow_table *table;
	int err;

	if (!groups_exist(&sp->groups, flow))
		return -ENOENT;
	old = tables_find(&sp->tables, flow->table, flow->key, flow->mask, flow->rule.priority);
	if (old)
		take_out(change, old, REMOVED_REPLACED);
	table = sp->tables.table[flow->table];
	if (table && table->n_flows >= sp->config.table_limit)
		return -ENOSPC;
	flow->id = sp->next_flow_id++;
	flow->created_ns = flow->used_ns = sp_now_ns(sp);
	err = tables_insert(&sp->tables, flow);
	if (err)
		return err;
	add->inserted = flow;
	add->flow = NULL;
	return 0;
}

/* Puts everything back as it was. */
static void roll_back(struct change *change, const struct sp_batch *batch)
{
	struct tables *tables = &change->sp->tables;

	for (const struct addition *add = batch->additions; add; add = add->next)
		if (add->inserted && !add->inserted->removed) {
			tables_remove(tables, add->inserted);
			flow_free(add->inserted);
		}
	while (change->removed) {
		struct flow *flow = change->removed;

		change->removed = flow->next;
		if (flow->id >= change->first_id || tables_insert(tables, flow))
			flow_free(flow);
	}
}

static bool same_instructions(const struct flow *a, const struct flow *b)
{
	return a->goto_table == b->goto_table && a->n_actions == b->n_actions &&
	       !memcmp(a->actions, b->actions, a->n_actions * sizeof(*a->actions));
}

static void delta_add(struct xl_delta *delta, struct flow *flow)
{
	flow->delta_next = delta->flows[flow->table];
	delta->flows[flow->table] = flow;
}

static void delta_table(struct xl_delta *delta, const struct flow *flow)
{
	delta->tables[flow->table / 64] |= 1ULL << flow->table % 64;
}

/* What was removed and what was added; a flow that was replaced by one that does the same changes counters only. */
static void delta_of(struct change *change, const struct sp_batch *batch, struct xl_delta *delta)
{
	const struct tables *tables = &change->sp->tables;
	struct flow *flow, *other;

	for (flow = change->removed; flow; flow = flow->next) {
		if (flow->id >= change->first_id)
			continue;
		delta_table(delta, flow);
		other = tables_find(tables, flow->table, flow->key, flow->mask, flow->rule.priority);
		if (!other || !same_instructions(flow, other))
			delta_add(delta, flow);
		else
			other->delta_next = other; /* marks it for the loop below */
	}
	for (const struct addition *add = batch ? batch->additions : NULL; add; add = add->next) {
		flow = add->inserted;
		if (flow->removed)
			continue;
		delta_table(delta, flow);
		if (flow->delta_next == flow)
			flow->delta_next = NULL;
		else
			delta_add(delta, flow);
	}
}

/* Reports and frees the removed flows. */
static void report(struct change *change, struct sp_outcome *outcome)
{
	__u64 now_ns = sp_now_ns(change->sp), i = change->n_removed;

	outcome->removed = calloc(i + !i, sizeof(*outcome->removed));
	outcome->n_removed = outcome->removed ? i : 0;
	while (change->removed) {
		struct flow *flow = change->removed;

		change->removed = flow->next;
		i--;
		if (outcome->removed)
			outcome->removed[i] = (struct sp_removed){.flow_id = flow->id,
								  .stats = flow->stats,
								  .duration_ns = now_ns - flow->created_ns,
								  .idle_ns = now_ns - flow->used_ns,
								  .reason = flow->removed};
		flow_free(flow);
	}
}

static void finish(struct change *change, const struct sp_batch *batch, struct xl_delta *delta,
		   struct sp_outcome *outcome)
{
	delta_of(change, batch, delta);
	sp_revalidate(change->sp, delta);
	report(change, outcome);
}

void sp_batch_commit(struct slow_path *sp, struct sp_batch *batch, struct sp_outcome *outcome)
{
	struct change change = {.sp = sp};
	struct xl_delta delta = {0};
	int err = 0;

	dp_lock_control(sp->lock);
	*outcome = (struct sp_outcome){.first_id = sp->next_flow_id};
	change.first_id = sp->next_flow_id;
	for (const struct deletion *del = batch->deletions; del; del = del->next)
		delete_flows(&change, del);
	for (struct addition *add = batch->additions; add; add = add->next) {
		err = add_flow(&change, add);
		if (err)
			break;
		outcome->index++;
	}
	outcome->error = err;
	if (err)
		roll_back(&change, batch);
	else
		finish(&change, batch, &delta, outcome);
	dp_unlock(sp->lock);
	batch_free(batch);
}

void sp_expire_flows(struct slow_path *sp, struct sp_outcome *outcome)
{
	struct change change = {.sp = sp, .first_id = sp->next_flow_id};
	struct xl_delta delta = {0};
	__u64 now_ns = sp_now_ns(sp);
	struct flow *flow, *next;

	for (__u32 i = 0; i < N_TABLES && sp->tables.n_timeouts; i++)
		for (flow = sp->tables.table[i] ? sp->tables.table[i]->first : NULL; flow; flow = next) {
			next = flow->next;
			if (flow->hard_timeout_s && now_ns - flow->created_ns >= flow->hard_timeout_s * 1000000000ULL)
				take_out(&change, flow, REMOVED_HARD);
			else if (flow->idle_timeout_s && now_ns - flow->used_ns >= flow->idle_timeout_s * 1000000000ULL)
				take_out(&change, flow, REMOVED_IDLE);
		}
	if (change.removed)
		finish(&change, NULL, &delta, outcome);
}

/* Takes back the numbers of hash masks that are in no megaflow any more. */
static void hash_sweep(struct slow_path *sp)
{
	__u64 used = 0;

	for (__u32 i = 0; i < sp->megaflows.n; i++) {
		const struct megaflow *mf = sp->megaflows.all[i];

		for (__u32 j = 0; j < mf->n_actions && mf->uses_groups; j++)
			if (mf->actions[j].op == DP_SELECT)
				used |= 1ULL << mf->actions[j].arg;
	}
	groups_hash_sweep(&sp->groups, used);
}

int sp_hash_id(void *slow_path, const __u64 *mask)
{
	struct slow_path *sp = slow_path;
	int id = groups_hash_find(&sp->groups, mask);

	if (id >= 0)
		return id;
	id = groups_hash_add(&sp->groups, mask);
	if (id == -ENOSPC) {
		hash_sweep(sp);
		id = groups_hash_add(&sp->groups, mask);
	}
	for (__u32 i = 0; i < ENGINES_MAX && id >= 0; i++) {
		struct dp *dp = sp->megaflows.engines[i];

		if (dp) /* one that cannot take it will refuse the megaflows that need it */
			dp->ops->hash_put(dp, (__u32)id, mask);
	}
	return id;
}

int sp_group_put(struct slow_path *sp, const struct group *head, const struct group_bucket *buckets)
{
	struct xl_delta delta = {.one_group = true, .group = head->id};
	struct group *group = group_new(sp->layout.key_size / 8, head, buckets), *old;

	if (!group)
		return -ENOMEM;
	dp_lock_control(sp->lock);
	old = groups_find(&sp->groups, group->id);
	if (old)
		groups_remove(&sp->groups, old);
	groups_insert(&sp->groups, group);
	if (old)
		sp_revalidate(sp, &delta);
	free(old);
	hash_sweep(sp);
	dp_unlock(sp->lock);
	return 0;
}

static bool uses_group(const struct flow *flow, __u32 id)
{
	for (__u32 i = 0; i < flow->n_actions; i++)
		if (flow->actions[i].op == SP_GROUP && flow->actions[i].arg == id)
			return true;
	return false;
}

int sp_group_del(struct slow_path *sp, __u32 id, struct sp_outcome *outcome)
{
	struct change change = {.sp = sp};
	struct xl_delta delta = {.one_group = true, .group = id};
	struct group *group;
	struct flow *flow, *next;

	*outcome = (struct sp_outcome){0};
	dp_lock_control(sp->lock);
	change.first_id = sp->next_flow_id;
	group = groups_find(&sp->groups, id);
	if (group) {
		for (__u32 i = 0; i < N_TABLES; i++)
			for (flow = sp->tables.table[i] ? sp->tables.table[i]->first : NULL; flow; flow = next) {
				next = flow->next;
				if (uses_group(flow, id))
					take_out(&change, flow, REMOVED_GROUP);
			}
		groups_remove(&sp->groups, group);
		finish(&change, NULL, &delta, outcome);
		free(group);
		hash_sweep(sp);
	}
	dp_unlock(sp->lock);
	return group ? 0 : -ENOENT;
}
