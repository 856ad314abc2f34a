/* What the slow path tells: flows and megaflows with their counters, traces; and packets that the control side sends. */
#include <errno.h>
#include <stdlib.h>

#include "slowpath.h"

#include "ctx/user.h"
#include "actions.h"

static long count_flows(const struct slow_path *sp, const __u64 *key, const __u64 *mask, __u32 table,
			struct sp_flow_stats *out)
{
	__u64 now_ns = sp_now_ns(sp);
	const struct flow *flow;
	long n = 0;

	for (__u32 i = 0; i < N_TABLES; i++) {
		if (!sp->tables.table[i] || (table != ALL_TABLES && table != i))
			continue;
		for (flow = sp->tables.table[i]->first; flow; flow = flow->next) {
			if (!flow_within(flow, key, mask, sp->tables.n_words))
				continue;
			if (out)
				out[n] = (struct sp_flow_stats){flow->id, flow->stats, now_ns - flow->created_ns,
								now_ns - flow->used_ns};
			n++;
		}
	}
	return n;
}

static void collect_all(struct slow_path *sp)
{
	__u64 now_ns = sp_now_ns(sp);

	for (__u32 i = 0; i < sp->megaflows.n; i++)
		megaflow_collect(&sp->megaflows, sp->megaflows.all[i], now_ns);
}

long sp_flow_dump(struct slow_path *sp, const void *key, const void *mask, __u32 table, struct sp_flow_stats **out)
{
	__u64 filter[2][KEY_WORDS_MAX] = {0};
	long n;

	if (key) {
		memcpy(filter[0], key, sp->layout.key_size);
		memcpy(filter[1], mask, sp->layout.key_size);
	}
	dp_lock_control(sp->lock);
	collect_all(sp);
	n = count_flows(sp, filter[0], filter[1], table, NULL);
	*out = malloc((size_t)(n + !n) * sizeof(**out));
	n = *out ? count_flows(sp, filter[0], filter[1], table, *out) : -ENOMEM;
	dp_unlock(sp->lock);
	return n;
}

static char *put(char *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	return to + size;
}

static char *put_megaflow(const struct slow_path *sp, const struct megaflow *mf, char *at)
{
	struct sp_megaflow entry = {mf->stats, sp_now_ns(sp) - mf->used_ns, mf->engines, mf->n_actions};
	__u64 masked[KEY_WORDS_MAX];

	bits_and(masked, mf->sample, mf->mask, sp->megaflows.n_words);
	at = put(at, &entry, sizeof(entry));
	at = put(at, masked, sp->layout.key_size);
	at = put(at, mf->mask, sp->layout.key_size);
	return put(at, mf->actions, mf->n_actions * sizeof(*mf->actions));
}

long sp_megaflow_dump(struct slow_path *sp, void **out)
{
	const struct megaflows *flows = &sp->megaflows;
	size_t size = 1;
	char *at;
	long n;

	dp_lock_control(sp->lock);
	collect_all(sp);
	for (__u32 i = 0; i < flows->n; i++)
		size += sizeof(struct sp_megaflow) + 2 * sp->layout.key_size +
			flows->all[i]->n_actions * sizeof(struct dp_action);
	at = *out = malloc(size);
	for (__u32 i = 0; i < flows->n && at; i++)
		at = put_megaflow(sp, flows->all[i], at);
	n = at ? (long)flows->n : -ENOMEM;
	dp_unlock(sp->lock);
	return n;
}

void sp_stats_get(struct slow_path *sp, struct sp_stats *stats)
{
	const struct megaflows *flows = &sp->megaflows;

	dp_lock_control(sp->lock);
	*stats = (struct sp_stats){
	    .counters = sp->counters,
	    .n_megaflows = flows->n,
	    .n_installed = flows->n_installed,
	    .n_deleted = flows->n_deleted,
	    .n_modified = flows->n_modified,
	    .n_refused = flows->n_refused,
	    .n_failed = flows->n_failed,
	    .n_flows = sp->tables.n_flows,
	    .n_groups = sp->groups.n_groups,
	    .n_packet_ins = sp->packet_ins.n_taken,
	    .n_packet_ins_lost = sp->packet_ins.n_lost,
	};
	dp_unlock(sp->lock);
}

/* Which DP_BUCKET of the list this key takes: 1 for the first; 0 if there is no DP_SELECT. */
static int chosen_bucket(const struct slow_path *sp, const struct xl_result *result, const __u64 *key)
{
	const struct dp_action *end = result->actions + result->n_actions, *select, *chosen, *bucket;
	int number = 1;

	for (select = result->actions; select < end && select->op != DP_SELECT; select++)
		;
	if (select == end)
		return 0;
	chosen = act_bucket(select, end, hash_key(key, sp->groups.hashes[select->arg].mask, sp->groups.n_words));
	for (bucket = select + 1; bucket != chosen && bucket < end; bucket += 1 + bucket->arg)
		number++;
	return number;
}

int sp_trace(struct slow_path *sp, const void *key, struct xl_result *result)
{
	__u64 aligned[KEY_WORDS_MAX];
	int chosen;

	memcpy(aligned, key, sp->layout.key_size);
	dp_lock_control(sp->lock);
	translate(&sp->env, aligned, NULL, NULL, result);
	chosen = chosen_bucket(sp, result, aligned);
	dp_unlock(sp->lock);
	return chosen;
}

int sp_execute(struct slow_path *sp, __u32 in_port, const void *packet, __u32 size, const void *key,
	       const struct sp_action *actions, __u32 n_actions)
{
	const __u8 port_be[4] = {in_port >> 24, in_port >> 16, in_port >> 8, in_port};
	__u64 aligned[KEY_WORDS_MAX] = {0};
	struct xl_result *result = &sp->scratch;
	int err = -ENODEV;

	if (key)
		memcpy(aligned, key, sp->layout.key_size);
	memcpy((__u8 *)aligned + LAYOUT_IN_PORT, port_be, sizeof(port_be));
	dp_lock_control(sp->lock);
	translate_actions(&sp->env, aligned, actions, n_actions, result);
	if (result->overflow)
		err = -E2BIG;
	for (__u32 i = 0; i < ENGINES_MAX && err == -ENODEV; i++) {
		struct dp *dp = sp->megaflows.engines[i];

		if (dp)
			err = dp->ops->execute(dp, in_port, packet, size, result->actions, result->n_actions);
	}
	dp_unlock(sp->lock);
	return err;
}
