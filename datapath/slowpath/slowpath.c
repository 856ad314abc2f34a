#include "slowpath.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define TICK_CHUNK 256 /* megaflows whose counters are read before the engine may go on */
#define FULL_IDLE_DIVISOR 8 /* a full cache keeps idle megaflows for so much less */

struct slow_path *sp_new(const struct sp_layout *layout, const struct sp_config *config, struct dp_lock *lock)
{
	struct slow_path *sp = calloc(1, sizeof(*sp));
	__u32 n_words = layout->key_size / 8;

	if (!sp)
		return NULL;
	dp_lock_init(&sp->own_lock);
	sp->lock = lock ? lock : &sp->own_lock;
	sp->config = *config;
	sp->layout = *layout;
	sp->tables.n_words = n_words;
	sp->groups.n_words = n_words;
	sp->next_flow_id = 1;
	sp->env = (struct xl_env){&sp->layout, &sp->tables, &sp->groups, sp->port_up, sp_hash_id, sp};
	if (megaflows_init(&sp->megaflows, n_words, config->megaflow_limit)) {
		free(sp);
		return NULL;
	}
	if (packet_in_open(&sp->packet_ins, layout->key_size)) {
		megaflows_destroy(&sp->megaflows);
		free(sp);
		return NULL;
	}
	return sp;
}

void sp_free(struct slow_path *sp)
{
	megaflows_destroy(&sp->megaflows);
	packet_in_close(&sp->packet_ins);
	tables_destroy(&sp->tables);
	groups_destroy(&sp->groups);
	free(sp);
}

struct dp_lock *sp_lock(struct slow_path *sp)
{
	return sp->lock;
}

void sp_release(void *memory)
{
	free(memory);
}

void sp_clock_advance(struct slow_path *sp, __u64 ns)
{
	dp_lock_control(sp->lock);
	sp->clock_offset_ns += ns;
	dp_unlock(sp->lock);
}

__u64 sp_now_ns(const struct slow_path *sp)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec + sp->clock_offset_ns;
}

int sp_dp_add(struct slow_path *sp, struct dp *dp)
{
	int place;

	if (dp->info.abi_version != DP_ABI_VERSION)
		return -EPROTO;
	if (dp->info.key_size != sp->layout.key_size || dp->info.layout_hash != sp->layout.hash)
		return -EINVAL;
	dp_lock_control(sp->lock);
	for (__u32 i = 0; i < HASH_MASKS_MAX; i++)
		if (sp->groups.hashes[i].mask)
			dp->ops->hash_put(dp, i, sp->groups.hashes[i].mask);
	place = megaflows_engine_add(&sp->megaflows, dp);
	dp_unlock(sp->lock);
	return place;
}

int sp_dp_del(struct slow_path *sp, struct dp *dp)
{
	int err;

	dp_lock_control(sp->lock);
	err = megaflows_engine_del(&sp->megaflows, dp, sp_now_ns(sp));
	dp_unlock(sp->lock);
	return err;
}

/* Adds one packet to the flows that it went through, when there is no megaflow to do it. */
static void credit_flows(const struct xl_result *result, __u32 size, __u64 now_ns)
{
	for (__u32 i = 0; i < result->n_path; i++) {
		result->path[i]->stats.n_packets++;
		result->path[i]->stats.n_bytes += size;
		result->path[i]->used_ns = now_ns;
	}
}

int sp_upcall(void *slow_path, const struct dp_upcall *upcall, const struct dp_action **actions)
{
	struct slow_path *sp = slow_path;
	struct xl_result *result = &sp->scratch;
	__u64 key[KEY_WORDS_MAX], now_ns;
	struct megaflow *mf;

	if (upcall->reason != DP_UP_MISS) {
		packet_in_put(&sp->packet_ins, upcall);
		return 0;
	}
	sp->counters.n_upcalls++;
	now_ns = sp_now_ns(sp);
	memcpy(key, upcall->key, sp->layout.key_size);
	translate(&sp->env, key, NULL, NULL, result);
	sp->counters.n_overflows += result->overflow != XL_FITS;
	mf = megaflows_find(&sp->megaflows, key, result->mask);
	if (!mf)
		mf = megaflows_install(&sp->megaflows, key, result, now_ns);
	if (mf) {
		megaflow_credit(mf, 1, upcall->size, now_ns);
	} else {
		sp->counters.n_uncached++;
		credit_flows(result, upcall->size, now_ns);
	}
	*actions = result->actions;
	return (int)result->n_actions;
}

static int port_set(struct slow_path *sp, __u32 port, bool known, bool up)
{
	struct xl_delta delta = {.ports = true};

	if (!port || port >= DP_PORTS_MAX)
		return -EINVAL;
	dp_lock_control(sp->lock);
	sp->port_known[port] = known;
	if (sp->port_up[port] != up) {
		sp->port_up[port] = up;
		sp_revalidate(sp, &delta);
	}
	dp_unlock(sp->lock);
	return 0;
}

int sp_port_put(struct slow_path *sp, __u32 port, bool up)
{
	return port_set(sp, port, true, up);
}

int sp_port_del(struct slow_path *sp, __u32 port)
{
	return port_set(sp, port, false, false);
}

/* Takes counters of some megaflows, from index `from` - 1 downwards, and removes the idle ones; returns where to go on.
 */
static __u32 tick_chunk(struct slow_path *sp, __u32 from, __u64 idle_ns)
{
	struct megaflows *flows = &sp->megaflows;
	__u64 now_ns = sp_now_ns(sp);
	__u32 n = 0;

	if (from > flows->n)
		from = flows->n;
	for (; from > 0 && n < TICK_CHUNK; from--, n++) {
		struct megaflow *mf = flows->all[from - 1];

		megaflow_collect(flows, mf, now_ns);
		if (now_ns - mf->used_ns < idle_ns)
			continue;
		megaflows_delete(flows, mf, now_ns);
		sp->counters.n_evicted++;
	}
	return from;
}

void sp_tick(struct slow_path *sp, struct sp_outcome *outcome)
{
	__u32 from = sp->config.megaflow_limit;
	__u64 idle_ns = sp->config.idle_ns;

	*outcome = (struct sp_outcome){0};
	dp_lock_control(sp->lock);
	if (sp->megaflows.n >= sp->megaflows.limit)
		idle_ns /= FULL_IDLE_DIVISOR;
	while ((from = tick_chunk(sp, from, idle_ns))) {
		dp_unlock(sp->lock);
		dp_lock_control(sp->lock);
	}
	sp_expire_flows(sp, outcome);
	dp_unlock(sp->lock);
}

struct packet_in *sp_packet_in_get(struct slow_path *sp)
{
	struct packet_in *packet;

	dp_lock_control(sp->lock);
	packet = packet_in_get(&sp->packet_ins);
	dp_unlock(sp->lock);
	return packet;
}

int sp_packet_in_fd(struct slow_path *sp)
{
	return sp->packet_ins.event_fd;
}
