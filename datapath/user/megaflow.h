/* The megaflow cache: given a packet's key, find the one megaflow that it belongs to.
 *
 * Two stages.  *Tuple space*: the megaflows of one mask form a subtable, and a packet's key under that mask is looked up
 * among them by hash; subtables are tried in turn.  All subtables share one table of chains, the subtable being part
 * of the hash.  *Microflows*, in front of it: the hash of the key under the union of all masks in use leads straight to the
 * megaflow that such a packet had last time.
 *
 * Why a microflow is never wrong.  It is a hint: the flow that it names is compared with the packet's key under the flow's
 * own mask, as it is now.  Megaflows do not overlap, so a flow that matches is the flow.  Hence nothing has to be
 * invalidated when flows come, change or go, and a hash collision costs time only.  The comparison is of the mask's
 * nonzero words alone, kept packed: with them it touches one or two cache lines.
 *
 * Flows live in slots, whose number is the flow's id.  Action lists that were replaced are freed only at the end of the
 * batch (mf_reap()), as an upcall from within a list may replace that very list.
 *
 * Fed by main.c's flow operations, read by forward.h; the bridge's lock covers it.  The caller defines KEY_SIZE.
 */
#ifndef OVSP4_MEGAFLOW_H
#define OVSP4_MEGAFLOW_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dp.h"
#include "flow.h"
#include "hash.h"

#define KEY_WORDS (KEY_SIZE / 8)
#define MF_NONE 0xffffffffU /* no slot */
#define MF_SUBTABLES_MAX 1024
#define MF_WAYS 4 /* microflows in a set */
#define MF_SETS 2048 /* a power of two; 64 KiB in all, for some 8,000 microflows */

/* Flows of one mask. */
struct mf_subtable {
	__u32 n_words; /* words of the mask that are not zero */
	__u32 n_flows; /* a subtable without flows is removed */
	__u32 seed; /* sets its hashes apart from other subtables' */
	__u16 word[KEY_WORDS]; /* which ones */
	__u64 mask[KEY_WORDS]; /* they themselves, packed */
};

struct mf_flow {
	struct mf_subtable *subtable; /* its mask; NULL: the slot is free */
	struct dp_action *actions; /* owned; NULL if there are none */
	__u32 n_actions;
	__u32 hash; /* in its subtable */
	__u32 next; /* slot: next in the chain, or in the list of free slots */
	__u32 unused;
	__u64 n_packets; /* that took it */
	__u64 n_bytes; /* of those */
	__u64 masked[KEY_WORDS]; /* its key under its mask, packed as the mask is */
} __attribute__((aligned(64)));

/* A set of microflows: one cache line holds two. */
struct mf_set {
	__u32 hash[MF_WAYS]; /* of the key under the union of masks */
	__u32 slot[MF_WAYS]; /* the flow it had; may have changed since */
};

/* A list of actions to be freed. */
struct mf_retired {
	struct mf_retired *next;
	struct dp_action *actions;
};

struct mf_cache {
	struct mf_flow *flows; /* max_flows slots */
	__u32 *chains; /* first slot of each chain */
	__u32 max_flows;
	__u32 n_flows;
	__u32 n_chains; /* a power of two */
	__u32 n_slots; /* those behind have never been used, nor their memory been touched */
	__u32 first_free; /* slot below n_slots, or MF_NONE */
	__u32 n_subtables;
	__u32 next_seed; /* for the next subtable */
	__u32 n_union_words; /* of the union of all masks */
	__u16 union_word[KEY_WORDS]; /* which words of it are not zero */
	__u64 union_mask[KEY_WORDS]; /* they themselves, packed */
	struct mf_subtable *subtables[MF_SUBTABLES_MAX]; /* those with more hits drift to the front */
	struct mf_set sets[MF_SETS] __attribute__((aligned(64)));
	struct mf_retired *retired; /* freed by mf_reap() */
	__u64 n_micro_hits; /* lookups that ended in the first stage */
	__u64 n_mega_hits; /* lookups that ended in the second */
	__u64 n_misses;
	__u64 n_full; /* flows refused for want of room */
};

/* After an error mf_destroy() cleans up. */
static inline int mf_init(struct mf_cache *cache, __u32 max_flows)
{
	cache->max_flows = max_flows;
	cache->first_free = MF_NONE;
	for (cache->n_chains = 1024; cache->n_chains < 2 * max_flows;)
		cache->n_chains *= 2;
	/* Large allocations: the kernel provides their pages when they are first touched. */
	cache->flows = aligned_alloc(64, (size_t)max_flows * sizeof(*cache->flows));
	cache->chains = malloc(cache->n_chains * sizeof(*cache->chains));
	if (!cache->flows || !cache->chains)
		return -ENOMEM;
	memset(cache->chains, 0xff, cache->n_chains * sizeof(*cache->chains));
	memset(cache->sets, 0xff, sizeof(cache->sets));
	return 0;
}

/* Free what was replaced or deleted; no list of actions is being run. */
static inline void mf_reap(struct mf_cache *cache)
{
	struct mf_retired *retired;

	while ((retired = cache->retired)) {
		cache->retired = retired->next;
		free(retired->actions);
		free(retired);
	}
}

static inline void mf_destroy(struct mf_cache *cache)
{
	__u32 i;

	for (i = 0; i < cache->n_slots; i++)
		if (cache->flows[i].subtable)
			free(cache->flows[i].actions);
	for (i = 0; i < cache->n_subtables; i++)
		free(cache->subtables[i]);
	mf_reap(cache);
	free(cache->flows);
	free(cache->chains);
}

/* ------------------------------------------------------------------------------------------------ lookup */
static inline __u32 mf_hash_micro(const struct mf_cache *cache, const __u64 *key)
{
	__u64 hash = HASH_START;
	__u32 i;

	for (i = 0; i < cache->n_union_words; i++)
		hash = hash_word(hash, key[cache->union_word[i]] & cache->union_mask[i]);
	return hash_finish(hash);
}

static inline __u32 mf_hash(const struct mf_subtable *subtable, const __u64 *key)
{
	__u64 hash = HASH_START ^ subtable->seed;
	__u32 i;

	for (i = 0; i < subtable->n_words; i++)
		hash = hash_word(hash, key[subtable->word[i]] & subtable->mask[i]);
	return hash_finish(hash);
}

static inline bool mf_matches(const struct mf_flow *flow, const __u64 *key)
{
	const struct mf_subtable *subtable = flow->subtable;
	__u64 difference = 0;
	__u32 i;

	if (!subtable)
		return false;
	for (i = 0; i < subtable->n_words; i++)
		difference |= (key[subtable->word[i]] & subtable->mask[i]) ^ flow->masked[i];
	return !difference;
}

static inline struct mf_set *mf_set(struct mf_cache *cache, __u32 hash)
{
	return &cache->sets[hash & (MF_SETS - 1)];
}

/* The slot that a microflow names, or MF_NONE. */
static inline __u32 mf_hint(struct mf_cache *cache, __u32 hash)
{
	const struct mf_set *set = mf_set(cache, hash);
	__u32 i;

	for (i = 0; i < MF_WAYS; i++)
		if (set->hash[i] == hash)
			return set->slot[i];
	return MF_NONE;
}

static inline void mf_prefetch(const struct mf_cache *cache, __u32 slot)
{
	__builtin_prefetch(&cache->flows[slot]);
	__builtin_prefetch((const char *)&cache->flows[slot] + 64);
}

/* Remember the flow of a microflow: in the place of an older hint of the same hash, else at random. */
static inline void mf_remember(struct mf_cache *cache, __u32 hash, __u32 slot)
{
	struct mf_set *set = mf_set(cache, hash);
	__u32 i, way = (__u32)cache->n_mega_hits % MF_WAYS;

	for (i = 0; i < MF_WAYS; i++)
		if (set->hash[i] == hash || set->slot[i] == MF_NONE)
			way = i;
	set->hash[way] = hash;
	set->slot[way] = slot;
}

static inline struct mf_flow *mf_search(struct mf_cache *cache, const struct mf_subtable *subtable, const __u64 *key)
{
	__u32 hash = mf_hash(subtable, key), slot;
	struct mf_flow *flow;

	for (slot = cache->chains[hash & (cache->n_chains - 1)]; slot != MF_NONE; slot = flow->next) {
		flow = &cache->flows[slot];
		if (flow->hash == hash && flow->subtable == subtable && mf_matches(flow, key))
			return flow;
	}
	return NULL;
}

/* Look through all subtables; remember the result under `hash`, of mf_hash_micro(). */
static struct mf_flow *mf_lookup_slow(struct mf_cache *cache, const __u64 *key, __u32 hash)
{
	struct mf_flow *flow;
	__u32 i;

	for (i = 0; i < cache->n_subtables; i++) {
		flow = mf_search(cache, cache->subtables[i], key);
		if (!flow)
			continue;
		cache->n_mega_hits++;
		mf_remember(cache, hash, (__u32)(flow - cache->flows));
		if (i && (cache->n_mega_hits & 15) == 0) {
			struct mf_subtable *found = cache->subtables[i];

			cache->subtables[i] = cache->subtables[i - 1];
			cache->subtables[i - 1] = found;
		}
		return flow;
	}
	cache->n_misses++;
	return NULL;
}

/* The flow that `key` belongs to, or NULL.  `hint` is what mf_hint() said for `hash`, perhaps some time ago. */
static inline struct mf_flow *mf_lookup(struct mf_cache *cache, const __u64 *key, __u32 hash, __u32 hint)
{
	if (hint != MF_NONE && mf_matches(&cache->flows[hint], key)) {
		cache->n_micro_hits++;
		return &cache->flows[hint];
	}
	return mf_lookup_slow(cache, key, hash);
}

/* ------------------------------------------------------------------------------------------------ change */
static inline void mf_pack(struct mf_subtable *subtable, const __u64 *mask)
{
	__u16 i;

	for (i = 0; i < KEY_WORDS; i++)
		if (mask[i]) {
			subtable->word[subtable->n_words] = i;
			subtable->mask[subtable->n_words++] = mask[i];
		}
}

/* Recompute the union of all masks.  Microflows under the old one are not found any more, which costs time only. */
static inline void mf_unite(struct mf_cache *cache)
{
	__u64 united[KEY_WORDS] = {0};
	__u32 i, j;

	for (i = 0; i < cache->n_subtables; i++)
		for (j = 0; j < cache->subtables[i]->n_words; j++)
			united[cache->subtables[i]->word[j]] |= cache->subtables[i]->mask[j];
	cache->n_union_words = 0;
	for (i = 0; i < KEY_WORDS; i++)
		if (united[i]) {
			cache->union_word[cache->n_union_words] = (__u16)i;
			cache->union_mask[cache->n_union_words++] = united[i];
		}
}

static inline struct mf_subtable *mf_find_subtable(struct mf_cache *cache, const struct mf_subtable *wanted)
{
	__u32 i;

	for (i = 0; i < cache->n_subtables; i++)
		if (cache->subtables[i]->n_words == wanted->n_words &&
		    !memcmp(cache->subtables[i]->word, wanted->word, wanted->n_words * sizeof(*wanted->word)) &&
		    !memcmp(cache->subtables[i]->mask, wanted->mask, wanted->n_words * sizeof(*wanted->mask)))
			return cache->subtables[i];
	return NULL;
}

/* The subtable for `mask`, made if there is none; NULL if there is no room. */
static struct mf_subtable *mf_get_subtable(struct mf_cache *cache, const __u64 *mask)
{
	struct mf_subtable wanted = {0}, *subtable;

	mf_pack(&wanted, mask);
	subtable = mf_find_subtable(cache, &wanted);
	if (subtable || cache->n_subtables == MF_SUBTABLES_MAX)
		return subtable;
	subtable = malloc(sizeof(*subtable));
	if (!subtable)
		return NULL;
	*subtable = wanted;
	subtable->seed = ++cache->next_seed;
	cache->subtables[cache->n_subtables++] = subtable;
	mf_unite(cache);
	return subtable;
}

static void mf_drop_subtable(struct mf_cache *cache, struct mf_subtable *subtable)
{
	__u32 i;

	for (i = 0; cache->subtables[i] != subtable;)
		i++;
	cache->subtables[i] = cache->subtables[--cache->n_subtables];
	free(subtable);
	mf_unite(cache);
}

static inline struct mf_flow *mf_flow(struct mf_cache *cache, __u32 id)
{
	return id < cache->n_slots && cache->flows[id].subtable ? &cache->flows[id] : NULL;
}

/* Copy a list of actions; an empty one is NULL. */
static inline int mf_copy_actions(struct dp_action **copy, const struct dp_action *actions, __u32 n_actions)
{
	*copy = NULL;
	if (n_actions > DP_ACTIONS_MAX)
		return -E2BIG;
	if (!n_actions)
		return 0;
	*copy = malloc(n_actions * sizeof(**copy));
	if (!*copy)
		return -ENOMEM;
	memcpy(*copy, actions, n_actions * sizeof(**copy));
	return 0;
}

/* Free `actions` at the end of the batch. */
static inline void mf_retire(struct mf_cache *cache, struct dp_action *actions)
{
	struct mf_retired *retired = actions ? malloc(sizeof(*retired)) : NULL;

	if (!retired)
		return; /* nothing to free; or no memory, and then a leak is better than a dangling pointer */
	retired->actions = actions;
	retired->next = cache->retired;
	cache->retired = retired;
}

/* A slot that is free; there is one. */
static inline __u32 mf_new_slot(struct mf_cache *cache)
{
	__u32 slot = cache->first_free;

	if (slot == MF_NONE)
		return cache->n_slots++;
	cache->first_free = cache->flows[slot].next;
	return slot;
}

static int mf_put(struct mf_cache *cache, const __u64 *key, const __u64 *mask, const struct dp_action *actions,
		  __u32 n_actions, __u32 *id)
{
	struct mf_subtable *subtable;
	struct dp_action *copy;
	struct mf_flow *flow;
	__u32 i, *chain;
	int err;

	if (cache->n_flows == cache->max_flows || !(subtable = mf_get_subtable(cache, mask))) {
		cache->n_full++;
		return -ENOSPC;
	}
	err = mf_search(cache, subtable, key) ? -EEXIST : mf_copy_actions(&copy, actions, n_actions);
	if (err) {
		if (!subtable->n_flows)
			mf_drop_subtable(cache, subtable);
		return err;
	}
	*id = mf_new_slot(cache);
	flow = &cache->flows[*id];
	*flow = (struct mf_flow){.subtable = subtable, .actions = copy, .n_actions = n_actions};
	for (i = 0; i < subtable->n_words; i++)
		flow->masked[i] = key[subtable->word[i]] & subtable->mask[i];
	flow->hash = mf_hash(subtable, key);
	chain = &cache->chains[flow->hash & (cache->n_chains - 1)];
	flow->next = *chain;
	*chain = *id;
	subtable->n_flows++;
	cache->n_flows++;
	return 0;
}

static int mf_mod(struct mf_cache *cache, __u32 id, const struct dp_action *actions, __u32 n_actions)
{
	struct mf_flow *flow = mf_flow(cache, id);
	struct dp_action *copy;
	int err;

	if (!flow)
		return -ENOENT;
	err = mf_copy_actions(&copy, actions, n_actions);
	if (err)
		return err;
	mf_retire(cache, flow->actions);
	flow->actions = copy;
	flow->n_actions = n_actions;
	return 0;
}

static int mf_del(struct mf_cache *cache, __u32 id, struct dp_stats *last)
{
	struct mf_flow *flow = mf_flow(cache, id);
	struct mf_subtable *subtable;
	__u32 *link;

	if (!flow)
		return -ENOENT;
	if (last)
		*last = (struct dp_stats){flow->n_packets, flow->n_bytes};
	for (link = &cache->chains[flow->hash & (cache->n_chains - 1)]; *link != id;)
		link = &cache->flows[*link].next;
	*link = flow->next;
	subtable = flow->subtable;
	mf_retire(cache, flow->actions);
	flow->actions = NULL;
	flow->subtable = NULL;
	flow->next = cache->first_free;
	cache->first_free = id;
	cache->n_flows--;
	if (!--subtable->n_flows)
		mf_drop_subtable(cache, subtable);
	return 0;
}

#endif
