/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, and the hash masks that select groups use.  Changed by change.c; read by translate.c.
 *
 * Engines name hash masks by small numbers.  Groups with equal masks share one; a number is given back only after the
 * revalidation that follows a change of groups, when no megaflow uses it any more.
 */
#ifndef OVSP4_GROUPS_H
#define OVSP4_GROUPS_H

#include "tables.h"

#define HASH_MASKS_MAX 64
#define GROUP_CHAINS 256

enum group_kind { GROUP_SELECT = 1, GROUP_ALL, GROUP_INDIRECT };

struct group_bucket {
	__u32 weight; /* 0: never chosen by a select group */
	__u32 watch_port; /* out of use while this port is down; 0: none */
	__u32 n_actions;
	__u32 pad; /* zero */
	const struct sp_action *actions; /* once copied: part of the group's allocation */
};

struct group {
	struct group *next; /* in its hash chain */
	__u32 id;
	__u32 kind; /* enum group_kind */
	__u32 hash_id; /* select: number of its hash mask */
	__u32 n_buckets;
	struct group_bucket buckets[]; /* then the actions of all buckets */
};

struct hash_mask {
	bool used; /* by a group, or until the next revalidation has ended */
	__u64 *mask; /* n_words */
};

struct groups {
	__u32 n_words; /* of a key */
	__u32 n_groups;
	struct group *chains[GROUP_CHAINS]; /* by id */
	struct hash_mask hashes[HASH_MASKS_MAX];
};

struct group *group_new(__u32 id, __u32 kind, const struct group_bucket *buckets, __u32 n_buckets);
struct group *groups_find(const struct groups *groups, __u32 id);
void groups_insert(struct groups *groups, struct group *group);
void groups_remove(struct groups *groups, struct group *group);

/* Returns the number of this hash mask, a new one if no other group has it; -ENOSPC or -ENOMEM. */
int groups_hash_get(struct groups *groups, const void *mask);

/* Gives back the hash masks that no group uses. */
void groups_hash_sweep(struct groups *groups);

void groups_destroy(struct groups *groups);

#endif
