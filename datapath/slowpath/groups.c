/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <errno.h>
#include <stdlib.h>

struct group *group_new(__u32 id, __u32 kind, const struct group_bucket *buckets, __u32 n_buckets)
{
	size_t n_actions = 0, size = sizeof(struct group) + n_buckets * sizeof(*buckets);
	struct sp_action *actions;
	struct group *group;

	for (__u32 i = 0; i < n_buckets; i++)
		n_actions += buckets[i].n_actions;
	group = calloc(1, size + n_actions * sizeof(*actions));
	if (!group)
		return NULL;
	group->id = id;
	group->kind = kind;
	group->n_buckets = n_buckets;
	actions = (struct sp_action *)((char *)group + size);
	for (__u32 i = 0; i < n_buckets; i++) {
		group->buckets[i] = buckets[i];
		group->buckets[i].actions = actions;
		if (buckets[i].n_actions)
			memcpy(actions, buckets[i].actions, buckets[i].n_actions * sizeof(*actions));
		actions += buckets[i].n_actions;
	}
	return group;
}

struct group *groups_find(const struct groups *groups, __u32 id)
{
	struct group *group = groups->chains[id % GROUP_CHAINS];

	while (group && group->id != id)
		group = group->next;
	return group;
}

void groups_insert(struct groups *groups, struct group *group)
{
	struct group **chain = &groups->chains[group->id % GROUP_CHAINS];

	group->next = *chain;
	*chain = group;
	groups->n_groups++;
}

void groups_remove(struct groups *groups, struct group *group)
{
	struct group **at = &groups->chains[group->id % GROUP_CHAINS];

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	groups->n_groups--;
}

int groups_hash_get(struct groups *groups, const void *mask)
{
	int unused = -ENOSPC;

	for (int i = HASH_MASKS_MAX - 1; i >= 0; i--) {
		struct hash_mask *hash = &groups->hashes[i];

		if (!hash->used)
			unused = i;
		else if (bits_equal(hash->mask, mask, groups->n_words))
			return i;
	}
	if (unused >= 0) {
		struct hash_mask *hash = &groups->hashes[unused];

		hash->mask = malloc(groups->n_words * sizeof(*hash->mask));
		if (!hash->mask)
			return -ENOMEM;
		memcpy(hash->mask, mask, groups->n_words * sizeof(*hash->mask));
		hash->used = true;
	}
	return unused;
}

void groups_hash_sweep(struct groups *groups)
{
	bool used[HASH_MASKS_MAX] = {false};

	for (__u32 i = 0; i < GROUP_CHAINS; i++)
		for (const struct group *group = groups->chains[i]; group; group = group->next)
			if (group->kind == GROUP_SELECT)
				used[group->hash_id] = true;
	for (__u32 i = 0; i < HASH_MASKS_MAX; i++) {
		if (used[i] || !groups->hashes[i].used)
			continue;
		free(groups->hashes[i].mask);
		groups->hashes[i] = (struct hash_mask){0};
	}
}

void groups_destroy(struct groups *groups)
{
	for (__u32 i = 0; i < GROUP_CHAINS; i++)
		while (groups->chains[i]) {
			struct group *group = groups->chains[i];

			groups->chains[i] = group->next;
			free(group);
		}
	groups_hash_sweep(groups);
}
