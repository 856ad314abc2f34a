/* Tuple space search: finds the rule of highest priority that a key matches.  One classifier per flow table
 * (tables.c); searched by translate.c.
 *
 * Rules with the same mask form a *subtable*, a hash table over the masked key.  A lookup asks the subtables one after
 * the other, those with the highest priority in them first, and stops as soon as what it has found cannot be beaten.
 * Flow tables that people write have few masks, so this is a handful of hash lookups, and insertion is cheap.
 *
 * What matters as much as the rule is what the decision *depended on*: the bits of the masks of exactly those subtables
 * that were searched.  A packet that agrees with this one on these bits finds the same result, whatever its other bits;
 * the translation makes a megaflow of that.  So the early stop is not only faster, it makes megaflows wider.
 *
 * Of two matching rules with one priority either may be found (OpenFlow leaves it undefined), but always the same one
 * for the same bits: equal subtables are searched in the order in which they came to be.
 *
 * Within one hash chain, rules with equal keys (they differ in priority) stand in falling priority; the first found is
 * the best.  The masks compare only the words in which the subtable's mask has a one.
 */
#ifndef OVSP4_CLASSIFIER_H
#define OVSP4_CLASSIFIER_H

#include "bits.h"

struct cls_subtable;

/* A rule, embedded in what the user of the classifier stores; key is zero where mask is. */
struct cls_rule {
	struct cls_rule *next; /* in the chain of its hash bucket */
	struct cls_subtable *subtable; /* that it is in, NULL while in none */
	__u64 hash; /* of the key */
	const __u64 *key; /* n_words, owned by the user, unchanged while in the classifier */
	const __u64 *mask; /* likewise */
	__u32 priority; /* the higher wins */
};

struct classifier {
	__u32 n_words; /* of keys and masks */
	__u32 n_rules;
	__u32 n_subtables;
	__u32 n_allocated; /* room in `subtables` */
	struct cls_subtable **subtables; /* by falling maximum priority, older ones first */
};

void cls_init(struct classifier *cls, __u32 n_words);

/* Frees the subtables; the rules belong to the user. */
void cls_destroy(struct classifier *cls);

/* Adds a rule; the caller has made sure that none with the same mask, key and priority is there.  0 or -ENOMEM. */
int cls_insert(struct classifier *cls, struct cls_rule *rule);

/* Removes a rule that is in the classifier. */
void cls_remove(struct classifier *cls, struct cls_rule *rule);

/* Returns the rule with exactly this key, mask and priority, or NULL. */
struct cls_rule *cls_find(const struct classifier *cls, const __u64 *key, const __u64 *mask, __u32 priority);

/* Returns the rule of highest priority that `key` matches, or NULL; adds the bits looked at to `searched`. */
struct cls_rule *cls_lookup(const struct classifier *cls, const __u64 *key, __u64 *searched);

#endif
