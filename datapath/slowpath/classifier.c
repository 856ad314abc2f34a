#include "classifier.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 8

struct cls_subtable {
	__u32 max_priority; /* of its rules */
	__u32 n_max; /* how many of them have it */
	__u32 n_rules;
	__u32 n_buckets; /* a power of two */
	struct cls_rule **buckets; /* hash chains */
	__u32 n_used; /* number of words in which the mask has ones */
	__u16 *used; /* which words these are */
	__u64 *mask; /* all words */
};

void cls_init(struct classifier *cls, __u32 n_words)
{
	*cls = (struct classifier){.n_words = n_words};
}

static void subtable_free(struct cls_subtable *sub)
{
	free(sub->buckets);
	free(sub->used);
	free(sub->mask);
	free(sub);
}

void cls_destroy(struct classifier *cls)
{
	for (__u32 i = 0; i < cls->n_subtables; i++)
		subtable_free(cls->subtables[i]);
	free(cls->subtables);
	cls_init(cls, cls->n_words);
}

static __u64 subtable_hash(const struct cls_subtable *sub, const __u64 *key)
{
	__u64 hash = 0;

	for (__u32 i = 0; i < sub->n_used; i++)
		hash = bits_mix(hash, key[sub->used[i]] & sub->mask[sub->used[i]]);
	return hash ^ hash >> 32;
}

static bool subtable_same(const struct cls_subtable *sub, const struct cls_rule *rule, const __u64 *key)
{
	for (__u32 i = 0; i < sub->n_used; i++)
		if (rule->key[sub->used[i]] != (key[sub->used[i]] & sub->mask[sub->used[i]]))
			return false;
	return true;
}

static struct cls_rule *subtable_lookup(const struct cls_subtable *sub, const __u64 *key)
{
	__u64 hash = subtable_hash(sub, key);
	struct cls_rule *rule;

	for (rule = sub->buckets[hash & (sub->n_buckets - 1)]; rule; rule = rule->next)
		if (rule->hash == hash && subtable_same(sub, rule, key))
			return rule;
	return NULL;
}

/* Puts a rule into its chain, before the first of equal key and lower priority. */
static void chain_insert(const struct cls_subtable *sub, struct cls_rule *rule)
{
	struct cls_rule **at = &sub->buckets[rule->hash & (sub->n_buckets - 1)];

	while (*at &&
	       !((*at)->hash == rule->hash && (*at)->priority < rule->priority && subtable_same(sub, *at, rule->key)))
		at = &(*at)->next;
	rule->next = *at;
	*at = rule;
}

static int subtable_grow(struct cls_subtable *sub)
{
	__u32 n_old = sub->n_buckets;
	struct cls_rule **old = sub->buckets, *rule, *next;
	struct cls_rule **buckets = calloc(n_old * 2, sizeof(struct cls_rule *));

	if (!buckets)
		return -ENOMEM;
	sub->buckets = buckets;
	sub->n_buckets = n_old * 2;
	for (__u32 i = 0; i < n_old; i++)
		for (rule = old[i]; rule; rule = next) {
			next = rule->next;
			chain_insert(sub, rule);
		}
	free(old);
	return 0;
}

static struct cls_subtable *subtable_new(const __u64 *mask, __u32 n_words)
{
	struct cls_subtable *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return NULL;
	sub->mask = malloc(n_words * sizeof(*sub->mask));
	sub->used = malloc(n_words * sizeof(*sub->used));
	sub->n_buckets = BUCKETS_MIN;
	sub->buckets = calloc(sub->n_buckets, sizeof(struct cls_rule *));
	if (!sub->mask || !sub->used || !sub->buckets) {
		subtable_free(sub);
		return NULL;
	}
	memcpy(sub->mask, mask, n_words * sizeof(*mask));
	for (__u32 i = 0; i < n_words; i++)
		if (mask[i])
			sub->used[sub->n_used++] = (__u16)i;
	return sub;
}

static struct cls_subtable *subtable_find(const struct classifier *cls, const __u64 *mask)
{
	for (__u32 i = 0; i < cls->n_subtables; i++)
		if (bits_equal(cls->subtables[i]->mask, mask, cls->n_words))
			return cls->subtables[i];
	return NULL;
}

static __u32 subtable_index(const struct classifier *cls, const struct cls_subtable *sub)
{
	__u32 i = 0;

	while (cls->subtables[i] != sub)
		i++;
	return i;
}

/* Moves the subtable at `i` to where its maximum priority belongs. */
static void subtable_sort(struct classifier *cls, __u32 i)
{
	struct cls_subtable **all = cls->subtables, *sub = all[i];

	for (; i > 0 && all[i - 1]->max_priority < sub->max_priority; i--)
		all[i] = all[i - 1];
	for (; i + 1 < cls->n_subtables && all[i + 1]->max_priority > sub->max_priority; i++)
		all[i] = all[i + 1];
	all[i] = sub;
}

static int subtable_add(struct classifier *cls, struct cls_subtable *sub)
{
	if (cls->n_subtables == cls->n_allocated) {
		__u32 n = cls->n_allocated ? cls->n_allocated * 2 : 8;
		struct cls_subtable **grown = realloc(cls->subtables, n * sizeof(struct cls_subtable *));

		if (!grown)
			return -ENOMEM;
		cls->subtables = grown;
		cls->n_allocated = n;
	}
	cls->subtables[cls->n_subtables++] = sub;
	return 0;
}

int cls_insert(struct classifier *cls, struct cls_rule *rule)
{
	struct cls_subtable *sub = subtable_find(cls, rule->mask);

	if (!sub) {
		sub = subtable_new(rule->mask, cls->n_words);
		if (!sub)
			return -ENOMEM;
		if (subtable_add(cls, sub)) {
			subtable_free(sub);
			return -ENOMEM;
		}
	}
	if (sub->n_rules >= sub->n_buckets && subtable_grow(sub))
		return -ENOMEM;
	rule->hash = subtable_hash(sub, rule->key);
	rule->subtable = sub;
	chain_insert(sub, rule);
	cls->n_rules++;
	if (!sub->n_rules++ || rule->priority > sub->max_priority) {
		sub->max_priority = rule->priority;
		sub->n_max = 0;
		subtable_sort(cls, subtable_index(cls, sub));
	}
	sub->n_max += rule->priority == sub->max_priority;
	return 0;
}

/* Finds the maximum priority anew, after the last rule that had it is gone. */
static void subtable_rescan(struct cls_subtable *sub)
{
	sub->max_priority = 0;
	sub->n_max = 0;
	for (__u32 i = 0; i < sub->n_buckets; i++)
		for (const struct cls_rule *rule = sub->buckets[i]; rule; rule = rule->next) {
			if (rule->priority > sub->max_priority) {
				sub->max_priority = rule->priority;
				sub->n_max = 0;
			}
			sub->n_max += rule->priority == sub->max_priority;
		}
}

void cls_remove(struct classifier *cls, struct cls_rule *rule)
{
	struct cls_subtable *sub = rule->subtable;
	struct cls_rule **at = &sub->buckets[rule->hash & (sub->n_buckets - 1)];
	__u32 i;

	while (*at != rule)
		at = &(*at)->next;
	*at = rule->next;
	rule->subtable = NULL;
	cls->n_rules--;
	sub->n_rules--;
	if (rule->priority != sub->max_priority || --sub->n_max)
		return;
	i = subtable_index(cls, sub);
	if (sub->n_rules) {
		subtable_rescan(sub);
		subtable_sort(cls, i);
		return;
	}
	cls->n_subtables--;
	memmove(cls->subtables + i, cls->subtables + i + 1, (cls->n_subtables - i) * sizeof(struct cls_subtable *));
	subtable_free(sub);
}

struct cls_rule *cls_find(const struct classifier *cls, const __u64 *key, const __u64 *mask, __u32 priority)
{
	const struct cls_subtable *sub = subtable_find(cls, mask);
	struct cls_rule *rule = sub ? subtable_lookup(sub, key) : NULL;

	for (; rule; rule = rule->next)
		if (rule->priority == priority && subtable_same(sub, rule, key))
			return rule;
	return NULL;
}

struct cls_rule *cls_lookup(const struct classifier *cls, const __u64 *key, __u64 *searched)
{
	struct cls_rule *best = NULL;

	for (__u32 i = 0; i < cls->n_subtables; i++) {
		const struct cls_subtable *sub = cls->subtables[i];
		struct cls_rule *rule;

		if (best && best->priority >= sub->max_priority)
			break;
		for (__u32 j = 0; j < sub->n_used; j++)
			searched[sub->used[j]] |= sub->mask[sub->used[j]];
		rule = subtable_lookup(sub, key);
		if (rule && (!best || rule->priority > best->priority))
			best = rule;
	}
	return best;
}
