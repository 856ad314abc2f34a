/* The flow tables as the user fills them: flows with priorities, cookies, timeouts and counters, each table with its
 * classifier.  Changed by change.c (batches) only; searched by translate.c; counters are fed by megaflows.c.
 *
 * A flow that has been removed stays allocated until the revalidation that follows is over, because megaflows still
 * point to the flows that they went through; change.c frees it then.
 */
#ifndef OVSP4_TABLES_H
#define OVSP4_TABLES_H

#include "classifier.h"

#define N_TABLES 254
#define ALL_TABLES 0xff /* in a deletion or a dump: whichever table */

/* An action as the user gives it, in key coordinates; dp.h's byte code is made of these by translate.c. */
enum sp_op {
	SP_OUTPUT = 1, /* to port `arg`, or a reserved port */
	SP_CONTROLLER, /* at most `arg` bytes */
	SP_SET, /* `size` bytes at `arg` of the key, if `header` is valid (LAYOUT_NO_HEADER: a variable) */
	SP_DEC_TTL, /* the byte at `arg` of the key, if `header` is valid */
	SP_GROUP, /* `arg` */
};

#define SP_PORT_IN_PORT 0xfffffff8 /* OpenFlow 1.3, A.2.1 */
#define SP_PORT_FLOOD 0xfffffffb
#define SP_PORT_ALL 0xfffffffc

struct sp_action {
	__u8 op; /* enum sp_op */
	__u8 size; /* SET: 1..8 */
	__u8 header; /* SET, DEC_TTL: header id or LAYOUT_NO_HEADER */
	__u8 pad; /* zero */
	__u32 arg;
	__u8 value[8]; /* zero where mask is */
	__u8 mask[8];
};

struct flow {
	struct cls_rule rule; /* first: the classifier's result is cast back */
	struct flow *prev, *next; /* in the table's list, or `next` in a batch's list of added or removed ones */
	struct flow *delta_next; /* in the list of changed flows of its table, while a batch is carried out */
	__u64 id; /* how Python names it; never used twice */
	__u64 cookie;
	__u64 created_ns; /* CLOCK_MONOTONIC */
	__u64 used_ns; /* last time that a packet was seen */
	struct dp_stats stats;
	__u32 idle_timeout_s; /* 0: none */
	__u32 hard_timeout_s; /* 0: none */
	int goto_table; /* -1: none */
	__u32 table;
	__u32 removed; /* enum removed_reason, once it is out of its table */
	__u32 n_actions;
	struct sp_action *actions;
	__u64 *key; /* n_words, masked; then the mask in the same allocation */
	__u64 *mask;
};

enum removed_reason { REMOVED_NOT, REMOVED_DELETED, REMOVED_REPLACED, REMOVED_IDLE, REMOVED_HARD, REMOVED_GROUP };

struct flow_table {
	struct classifier cls;
	struct flow *first, *last; /* all its flows, oldest first */
	__u32 n_flows;
};

struct tables {
	__u32 n_words; /* of a key */
	__u32 n_flows; /* in all tables */
	__u32 n_timeouts; /* flows with a timeout */
	struct flow_table *table[N_TABLES]; /* NULL where nothing was ever added */
};

struct flow *flow_new(const void *key, const void *mask, __u32 n_words, const struct sp_action *actions,
		      __u32 n_actions);
void flow_free(struct flow *flow);

/* Puts a flow into its table; 0 or -ENOMEM. */
int tables_insert(struct tables *tables, struct flow *flow);
void tables_remove(struct tables *tables, struct flow *flow);

/* Returns the flow with exactly this match and priority, or NULL. */
struct flow *tables_find(const struct tables *tables, __u32 table, const __u64 *key, const __u64 *mask, __u32 priority);

/* Is the flow's match equal to or more specific than this one? */
bool flow_within(const struct flow *flow, const __u64 *key, const __u64 *mask, __u32 n_words);

/* Frees all flows. */
void tables_destroy(struct tables *tables);

#endif
