#include "groups.h"

#include <errno.h>
#include <stdlib.h>

static void copy_buckets(struct group *group, const struct group_bucket *buckets, struct sp_action *actions)
{
	for (__u32 i = 0; i < group->n_buckets; i++) {
		group->buckets[i] = buckets[i];
		group->buckets[i].actions = actions;
		if (buckets[i].n_actions)
			memcpy(actions, buckets[i].actions, buckets[i].n_actions * sizeof(*actions));
		actions += buckets[i].n_actions;
	}
}

static void copy_parts(struct group *group, const struct hash_part *from, struct hash_part *parts, __u32 n_words)
{
	__u64 *masks = (__u64 *)(parts + group->n_parts);

	for (__u32 i = 0; i < group->n_parts; i++, masks += n_words) {
		parts[i] = from[i];
		parts[i].mask = masks;
		memcpy(masks, from[i].mask, n_words * sizeof(*masks));
	}
	group->parts = parts;
}

struct group *group_new(__u32 n_words, const struct group *head, const struct group_bucket *buckets)
{
	size_t buckets_size = head->n_buckets * sizeof(*buckets), actions_size = 0;
	size_t parts_size = head->n_parts * (sizeof(struct hash_part) + n_words * sizeof(__u64));
	struct group *group;
	char *at;

	for (__u32 i = 0; i < head->n_buckets; i++)
		actions_size += buckets[i].n_actions * sizeof(struct sp_action);
	group = calloc(1, sizeof(*group) + buckets_size + actions_size + parts_size);
	if (!group)
		return NULL;
	*group = *head;
	at = (char *)group->buckets + buckets_size;
	copy_buckets(group, buckets, (struct sp_action *)at);
	copy_parts(group, head->parts, (struct hash_part *)(at + actions_size), n_words);
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

int groups_hash_find(const struct groups *groups, const __u64 *mask)
{
	for (int i = 0; i < HASH_MASKS_MAX; i++)
		if (groups->hashes[i].mask && bits_equal(groups->hashes[i].mask, mask, groups->n_words))
			return i;
	return -ENOENT;
}

int groups_hash_add(struct groups *groups, const __u64 *mask)
{
	int i = 0;

	while (i < HASH_MASKS_MAX && groups->hashes[i].mask)
		i++;
	if (i == HASH_MASKS_MAX)
		return -ENOSPC;
	groups->hashes[i].mask = malloc(groups->n_words * sizeof(*mask));
	if (!groups->hashes[i].mask)
		return -ENOMEM;
	memcpy(groups->hashes[i].mask, mask, groups->n_words * sizeof(*mask));
	return i;
}

void groups_hash_sweep(struct groups *groups, __u64 used)
{
	for (__u32 i = 0; i < HASH_MASKS_MAX; i++) {
		if (used & 1ULL << i)
			continue;
		free(groups->hashes[i].mask);
		groups->hashes[i].mask = NULL;
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
	groups_hash_sweep(groups, 0);
}
