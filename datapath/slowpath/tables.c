#include "tables.h"

#include <errno.h>
#include <stdlib.h>

struct flow *flow_new(const void *key, const void *mask, __u32 n_words, const struct sp_action *actions,
		      __u32 n_actions)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->key = malloc(2 * n_words * sizeof(*flow->key));
	flow->actions = malloc((n_actions + !n_actions) * sizeof(*actions));
	if (!flow->key || !flow->actions) {
		flow_free(flow);
		return NULL;
	}
	flow->mask = flow->key + n_words;
	memcpy(flow->key, key, n_words * sizeof(*flow->key));
	memcpy(flow->mask, mask, n_words * sizeof(*flow->mask));
	bits_and(flow->key, flow->key, flow->mask, n_words);
	flow->rule.key = flow->key;
	flow->rule.mask = flow->mask;
	if (n_actions)
		memcpy(flow->actions, actions, n_actions * sizeof(*actions));
	flow->n_actions = n_actions;
	return flow;
}

void flow_free(struct flow *flow)
{
	free(flow->key);
	free(flow->actions);
	free(flow);
}

static struct flow_table *table_get(struct tables *tables, __u32 number)
{
	struct flow_table *table = tables->table[number];

	if (!table) {
		table = calloc(1, sizeof(*table));
		if (!table)
			return NULL;
		cls_init(&table->cls, tables->n_words);
		tables->table[number] = table;
	}
	return table;
}

int tables_insert(struct tables *tables, struct flow *flow)
{
	struct flow_table *table = table_get(tables, flow->table);
	int err = table ? cls_insert(&table->cls, &flow->rule) : -ENOMEM;

	if (err)
		return err;
	flow->prev = table->last;
	flow->next = NULL;
	*(flow->prev ? &flow->prev->next : &table->first) = flow;
	table->last = flow;
	table->n_flows++;
	tables->n_flows++;
	tables->n_timeouts += flow->idle_timeout_s || flow->hard_timeout_s;
	flow->removed = REMOVED_NOT;
	return 0;
}

void tables_remove(struct tables *tables, struct flow *flow)
{
	struct flow_table *table = tables->table[flow->table];

	cls_remove(&table->cls, &flow->rule);
	*(flow->prev ? &flow->prev->next : &table->first) = flow->next;
	*(flow->next ? &flow->next->prev : &table->last) = flow->prev;
	flow->prev = flow->next = NULL;
	table->n_flows--;
	tables->n_flows--;
	tables->n_timeouts -= flow->idle_timeout_s || flow->hard_timeout_s;
}

struct flow *tables_find(const struct tables *tables, __u32 table, const __u64 *key, const __u64 *mask, __u32 priority)
{
	if (!tables->table[table])
		return NULL;
	return (struct flow *)cls_find(&tables->table[table]->cls, key, mask, priority);
}

bool flow_within(const struct flow *flow, const __u64 *key, const __u64 *mask, __u32 n_words)
{
	return bits_subset(mask, flow->mask, n_words) && bits_agree(flow->key, key, mask, n_words);
}

void tables_destroy(struct tables *tables)
{
	for (__u32 i = 0; i < N_TABLES; i++) {
		struct flow_table *table = tables->table[i];
		struct flow *flow, *next;

		if (!table)
			continue;
		cls_destroy(&table->cls);
		for (flow = table->first; flow; flow = next) {
			next = flow->next;
			flow_free(flow);
		}
		free(table);
		tables->table[i] = NULL;
	}
}
