/* Groups, and the hash masks that select groups use.  Changed by change.c; read by translate.c.
 *
 * A select group says header by header which bits it hashes, since headers may share a slot of the key; the mask for one
 * packet is made of the parts for the headers that it has (translate.c).  Engines name such masks by small numbers, given
 * out when a translation first needs one and taken back when no megaflow uses it any more.
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

/* What a select group hashes of one header. */
struct hash_part {
	__u32 header; /* id; LAYOUT_NO_HEADER: whatever headers there are */
	__u32 pad; /* zero */
	const __u64 *mask; /* key bits; once copied: part of the group's allocation */
};

struct group {
	struct group *next; /* in its hash chain */
	__u32 id;
	__u32 kind; /* enum group_kind */
	__u32 n_buckets;
	__u32 n_parts;
	const struct hash_part *parts; /* select: what is hashed; in the same allocation */
	struct group_bucket buckets[]; /* then the actions of all buckets, the parts and their masks */
};

struct hash_mask {
	__u64 *mask; /* n_words; NULL: the number is free */
};

struct groups {
	__u32 n_words; /* of a key */
	__u32 n_groups;
	struct group *chains[GROUP_CHAINS]; /* by id */
	struct hash_mask hashes[HASH_MASKS_MAX];
};

/* Copies everything. */
struct group *group_new(__u32 n_words, const struct group *head, const struct group_bucket *buckets);
struct group *groups_find(const struct groups *groups, __u32 id);
void groups_insert(struct groups *groups, struct group *group);
void groups_remove(struct groups *groups, struct group *group);

/* Returns the number of this hash mask, or -ENOENT. */
int groups_hash_find(const struct groups *groups, const __u64 *mask);

/* Gives a hash mask a number; -ENOSPC or -ENOMEM. */
int groups_hash_add(struct groups *groups, const __u64 *mask);

/* Takes back the numbers whose bit in `used` is clear. */
void groups_hash_sweep(struct groups *groups, __u64 used);

void groups_destroy(struct groups *groups);

#endif
