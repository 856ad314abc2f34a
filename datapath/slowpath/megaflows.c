#include "megaflows.h"

#include <errno.h>
#include <stdlib.h>

#define CHAINS_MIN 1024

int megaflows_init(struct megaflows *flows, __u32 n_words, __u32 limit)
{
	*flows = (struct megaflows){.n_words = n_words, .limit = limit, .n_chains = CHAINS_MIN};
	while (flows->n_chains < limit)
		flows->n_chains *= 2;
	flows->chains = calloc(flows->n_chains, sizeof(struct megaflow *));
	flows->all = calloc(limit + 1UL, sizeof(struct megaflow *));
	if (flows->chains && flows->all)
		return 0;
	megaflows_destroy(flows);
	return -ENOMEM;
}

static void megaflow_free(struct megaflow *mf)
{
	free(mf->path);
	free(mf->actions);
	free(mf->mask);
	free(mf);
}

void megaflows_destroy(struct megaflows *flows)
{
	for (__u32 i = 0; i < flows->n; i++)
		megaflow_free(flows->all[i]);
	free(flows->chains);
	free(flows->all);
	flows->chains = flows->all = NULL;
	flows->n = 0;
}

static __u64 megaflow_hash(const __u64 *key, const __u64 *mask, __u32 n_words)
{
	__u64 hash = 0;

	for (__u32 i = 0; i < n_words; i++)
		if (mask[i])
			hash = bits_mix(bits_mix(hash, mask[i]), key[i] & mask[i]);
	return hash ^ hash >> 32;
}

struct megaflow *megaflows_find(const struct megaflows *flows, const __u64 *key, const __u64 *mask)
{
	__u64 hash = megaflow_hash(key, mask, flows->n_words);
	struct megaflow *mf;

	for (mf = flows->chains[hash & (flows->n_chains - 1)]; mf; mf = mf->next)
		if (mf->hash == hash && bits_equal(mf->mask, mask, flows->n_words) &&
		    bits_agree(mf->sample, key, mask, flows->n_words))
			return mf;
	return NULL;
}

static int set_actions(struct megaflow *mf, const struct xl_result *result)
{
	struct dp_action *actions = malloc((result->n_actions + !result->n_actions) * sizeof(*actions));

	if (!actions)
		return -ENOMEM;
	memcpy(actions, result->actions, result->n_actions * sizeof(*actions));
	free(mf->actions);
	mf->actions = actions;
	mf->n_actions = result->n_actions;
	return 0;
}

int megaflow_set_path(struct megaflow *mf, const struct xl_result *result)
{
	struct flow **path = malloc((result->n_path + !result->n_path) * sizeof(struct flow *));

	if (!path)
		return -ENOMEM;
	memcpy(path, result->path, result->n_path * sizeof(struct flow *));
	free(mf->path);
	mf->path = path;
	mf->n_path = result->n_path;
	mf->uses_groups = result->uses_groups;
	mf->uses_ports = result->uses_ports;
	memcpy(mf->tables, result->tables, sizeof(mf->tables));
	return 0;
}

static struct megaflow *megaflow_new(const __u64 *key, const struct xl_result *result, __u32 n_words)
{
	struct megaflow *mf = calloc(1, sizeof(*mf));

	if (!mf)
		return NULL;
	mf->mask = malloc(2 * n_words * sizeof(*mf->mask));
	if (!mf->mask || set_actions(mf, result) || megaflow_set_path(mf, result)) {
		megaflow_free(mf);
		return NULL;
	}
	mf->sample = mf->mask + n_words;
	memcpy(mf->mask, result->mask, n_words * sizeof(*mf->mask));
	memcpy(mf->sample, key, n_words * sizeof(*mf->mask));
	mf->hash = megaflow_hash(key, mf->mask, n_words);
	return mf;
}

/* Installs it in one engine; 0 or a negative errno. */
static int engine_put(struct megaflows *flows, struct megaflow *mf, __u32 engine)
{
	struct dp *dp = flows->engines[engine];
	__u64 masked[KEY_WORDS_MAX];
	int err;

	bits_and(masked, mf->sample, mf->mask, flows->n_words);
	err = dp->ops->flow_put(dp, masked, mf->mask, mf->actions, mf->n_actions, &mf->flow_id[engine]);
	if (err)
		return err;
	mf->engines |= 1U << engine;
	mf->seen[engine] = (struct dp_stats){0};
	return 0;
}

static void add_new(struct megaflow *mf, __u32 engine, const struct dp_stats *stats, struct dp_stats *sum)
{
	sum->n_packets += stats->n_packets - mf->seen[engine].n_packets;
	sum->n_bytes += stats->n_bytes - mf->seen[engine].n_bytes;
	mf->seen[engine] = *stats;
}

/* Takes it out of one engine, with its last counters. */
static void engine_del(struct megaflows *flows, struct megaflow *mf, __u32 engine, struct dp_stats *sum)
{
	struct dp *dp = flows->engines[engine];
	struct dp_stats last = mf->seen[engine];

	if (!dp->ops->flow_del(dp, mf->flow_id[engine], &last))
		add_new(mf, engine, &last, sum);
	mf->engines &= ~(1U << engine);
}

void megaflow_credit(struct megaflow *mf, __u64 n_packets, __u64 n_bytes, __u64 now_ns)
{
	if (!n_packets)
		return;
	mf->stats.n_packets += n_packets;
	mf->stats.n_bytes += n_bytes;
	mf->used_ns = now_ns;
	for (__u32 i = 0; i < mf->n_path; i++) {
		mf->path[i]->stats.n_packets += n_packets;
		mf->path[i]->stats.n_bytes += n_bytes;
		mf->path[i]->used_ns = now_ns;
	}
}

void megaflow_collect(struct megaflows *flows, struct megaflow *mf, __u64 now_ns)
{
	struct dp_stats sum = {0}, stats;

	for (__u32 i = 0; i < ENGINES_MAX; i++) {
		struct dp *dp = flows->engines[i];

		if (mf->engines & 1U << i && !dp->ops->flow_stats(dp, mf->flow_id[i], &stats))
			add_new(mf, i, &stats, &sum);
	}
	megaflow_credit(mf, sum.n_packets, sum.n_bytes, now_ns);
}

/* Installs it wherever possible.  The user engine must accept; the others may not be able to run some actions, and leave
 * such packets to the user engine. */
static bool engines_put_all(struct megaflows *flows, struct megaflow *mf)
{
	for (__u32 i = 0; i < ENGINES_MAX; i++) {
		int err;

		if (!flows->engines[i])
			continue;
		err = engine_put(flows, mf, i);
		if (err && i == USER_ENGINE)
			return false;
		flows->n_refused += err == -EOPNOTSUPP;
		flows->n_failed += err && err != -EOPNOTSUPP;
	}
	return mf->engines;
}

static void link_megaflow(struct megaflows *flows, struct megaflow *mf)
{
	struct megaflow **chain = &flows->chains[mf->hash & (flows->n_chains - 1)];

	mf->next = *chain;
	*chain = mf;
	mf->index = flows->n;
	flows->all[flows->n++] = mf;
}

struct megaflow *megaflows_install(struct megaflows *flows, const __u64 *key, const struct xl_result *result,
				   __u64 now_ns)
{
	struct megaflow *mf;

	if (flows->n >= flows->limit)
		return NULL;
	mf = megaflow_new(key, result, flows->n_words);
	if (!mf || !engines_put_all(flows, mf)) {
		flows->n_failed++;
		if (mf)
			megaflow_free(mf);
		return NULL;
	}
	mf->used_ns = now_ns;
	link_megaflow(flows, mf);
	flows->n_installed++;
	return mf;
}

void megaflows_modify(struct megaflows *flows, struct megaflow *mf, const struct xl_result *result, __u64 now_ns)
{
	struct dp_stats sum = {0};
	bool kept = !set_actions(mf, result);

	for (__u32 i = 0; i < ENGINES_MAX && kept; i++) {
		struct dp *dp = flows->engines[i];
		int err;

		if (!dp)
			continue;
		if (mf->engines & 1U << i) {
			err = dp->ops->flow_mod(dp, mf->flow_id[i], mf->actions, mf->n_actions);
			if (err)
				engine_del(flows, mf, i, &sum);
		} else {
			err = engine_put(flows, mf, i);
		}
		kept = !err || i != USER_ENGINE;
	}
	megaflow_credit(mf, sum.n_packets, sum.n_bytes, now_ns);
	if (!kept) {
		megaflows_delete(flows, mf, now_ns);
		return;
	}
	flows->n_modified++;
}

void megaflows_delete(struct megaflows *flows, struct megaflow *mf, __u64 now_ns)
{
	struct megaflow **at = &flows->chains[mf->hash & (flows->n_chains - 1)];
	struct dp_stats sum = {0};

	for (__u32 i = 0; i < ENGINES_MAX; i++)
		if (mf->engines & 1U << i)
			engine_del(flows, mf, i, &sum);
	megaflow_credit(mf, sum.n_packets, sum.n_bytes, now_ns);
	while (*at != mf)
		at = &(*at)->next;
	*at = mf->next;
	flows->all[mf->index] = flows->all[--flows->n];
	flows->all[mf->index]->index = mf->index;
	flows->n_deleted++;
	megaflow_free(mf);
}

int megaflows_engine_add(struct megaflows *flows, struct dp *dp)
{
	__u32 engine = strcmp(dp->info.engine, "user") ? 1 : USER_ENGINE;

	while (engine < ENGINES_MAX && flows->engines[engine])
		engine++;
	if (engine == ENGINES_MAX)
		return -ENOSPC;
	flows->engines[engine] = dp;
	for (__u32 i = 0; i < flows->n; i++) {
		int err = engine_put(flows, flows->all[i], engine);

		flows->n_refused += err == -EOPNOTSUPP;
	}
	return (int)engine;
}

int megaflows_engine_del(struct megaflows *flows, struct dp *dp, __u64 now_ns)
{
	__u32 engine = 0;

	while (engine < ENGINES_MAX && flows->engines[engine] != dp)
		engine++;
	if (engine == ENGINES_MAX)
		return -ENOENT;
	for (__u32 i = flows->n; i-- > 0;) {
		struct megaflow *mf = flows->all[i];
		struct dp_stats sum = {0};

		if (mf->engines & 1U << engine)
			engine_del(flows, mf, engine, &sum);
		megaflow_credit(mf, sum.n_packets, sum.n_bytes, now_ns);
		if (!mf->engines)
			megaflows_delete(flows, mf, now_ns);
	}
	flows->engines[engine] = NULL;
	return 0;
}
