/* The slow path of one bridge, as seen from outside.
 *
 *   engines ── sp_upcall ──► translate (tables, groups, ports) ──► megaflow ── flow_put ──► all engines
 *   Python ── batches, groups, ports ──► change.c ──► revalidate.c ── keep / flow_mod / flow_del ──► all engines
 *   sp_tick (once a second): counters engine -> megaflow -> flow, idle megaflows out, timeouts of flows
 *
 * bridge.py calls everything here through ctypes.  Each call takes the bridge's lock, except sp_upcall(), whose caller
 * (the user engine) holds it.  Calls return 0 or a negative errno unless said otherwise.
 */
#ifndef OVSP4_SLOWPATH_H
#define OVSP4_SLOWPATH_H

#include "lock.h"
#include "megaflows.h"
#include "packet_in.h"

struct sp_counters {
	__u64 n_upcalls; /* misses */
	__u64 n_uncached; /* of these, forwarded without a megaflow: too many, or an engine is full */
	__u64 n_overflows; /* translations that do not fit (enum xl_overflow), which drop */
	__u64 n_revalidated; /* megaflows translated again */
	__u64 n_evicted; /* megaflows removed because they were idle */
};

struct sp_config {
	__u32 megaflow_limit; /* how many megaflows at most */
	__u32 table_limit; /* how many flows in one table at most */
	__u64 idle_ns; /* megaflows idle for longer are removed */
};

struct slow_path {
	struct dp_lock own_lock; /* in use unless a lock was given */
	struct dp_lock *lock; /* the bridge's */
	struct sp_config config;
	struct sp_layout layout; /* what it points to belongs to the caller and outlives this */
	struct tables tables;
	struct groups groups;
	struct megaflows megaflows;
	struct packet_in_queue packet_ins;
	struct xl_env env; /* points to the above */
	__u8 port_known[DP_PORTS_MAX]; /* 1: there is such a port */
	__u8 port_up[DP_PORTS_MAX]; /* 1: and it is up */
	__u64 next_flow_id;
	__u64 clock_offset_ns; /* tests let time pass with it */
	struct sp_counters counters;
	struct xl_result scratch; /* of the last translation; upcalls return its actions */
};

/* What a change has removed. */
struct sp_removed {
	__u64 flow_id;
	struct dp_stats stats;
	__u64 duration_ns;
	__u64 idle_ns;
	__u32 reason; /* enum removed_reason */
	__u32 pad; /* zero */
};

struct sp_outcome {
	int error; /* 0 or a negative errno; then nothing was changed */
	__u32 index; /* with an error: of the addition at fault */
	__u64 first_id; /* of the first flow added, the others follow */
	__u64 n_removed;
	struct sp_removed *removed; /* freed by sp_release() */
};

struct sp_flow_spec {
	__u64 cookie;
	__u32 table;
	__u32 priority;
	int goto_table; /* -1: none */
	__u32 idle_timeout_s;
	__u32 hard_timeout_s;
	__u32 n_actions;
};

struct sp_flow_stats {
	__u64 flow_id;
	struct dp_stats stats;
	__u64 duration_ns;
	__u64 idle_ns;
};

/* A megaflow in a dump; then masked key, mask (key_size bytes each) and the actions. */
struct sp_megaflow {
	struct dp_stats stats;
	__u64 idle_ns;
	__u32 engines; /* a bit for each */
	__u32 n_actions;
};

struct sp_stats {
	struct sp_counters counters;
	__u64 n_megaflows, n_installed, n_deleted, n_modified, n_refused, n_failed; /* struct megaflows */
	__u64 n_flows, n_groups;
	__u64 n_packet_ins, n_packet_ins_lost;
};

/* Life.  `lock` NULL: its own.  NULL if there is no memory. */
struct slow_path *sp_new(const struct sp_layout *layout, const struct sp_config *config, struct dp_lock *lock);
void sp_free(struct slow_path *sp);
struct dp_lock *sp_lock(struct slow_path *sp);
void sp_release(void *memory);
void sp_clock_advance(struct slow_path *sp, __u64 ns);

/* Engines.  sp_dp_add returns its place (bit in sp_megaflow.engines); -EPROTO: other ABI version, -EINVAL: other
 * layout, -ENOSPC: too many. */
int sp_dp_add(struct slow_path *sp, struct dp *dp);
int sp_dp_del(struct slow_path *sp, struct dp *dp);

/* dp_upcall_fn */
int sp_upcall(void *slow_path, const struct dp_upcall *upcall, const struct dp_action **actions);

int sp_port_put(struct slow_path *sp, __u32 port, bool up);
int sp_port_del(struct slow_path *sp, __u32 port);

/* A batch of changes to the flows, all or nothing: deletions first, then additions in order; an addition replaces the
 * flow with the same match and priority.  -ENOSPC: the table is full; -ENOENT: no such group.  Commit frees the batch. */
struct sp_batch *sp_batch_new(struct slow_path *sp);
int sp_batch_add(struct sp_batch *batch, const void *key, const void *mask, const struct sp_flow_spec *spec,
		 const struct sp_action *actions);
int sp_batch_delete(struct sp_batch *batch, const void *key, const void *mask, __u32 table, __u32 priority,
		    bool strict);
void sp_batch_commit(struct slow_path *sp, struct sp_batch *batch, struct sp_outcome *outcome);

/* Create or replace, `head` without its buckets; delete together with the flows that use it. */
int sp_group_put(struct slow_path *sp, const struct group *head, const struct group_bucket *buckets);
int sp_group_del(struct slow_path *sp, __u32 id, struct sp_outcome *outcome);

/* To be called about once a second: counters, idle megaflows, timeouts of flows. */
void sp_tick(struct slow_path *sp, struct sp_outcome *outcome);

/* Dumps into memory for sp_release(); they return the number of entries.  `key` NULL: all flows. */
long sp_flow_dump(struct slow_path *sp, const void *key, const void *mask, __u32 table, struct sp_flow_stats **out);
long sp_megaflow_dump(struct slow_path *sp, void **out);
void sp_stats_get(struct slow_path *sp, struct sp_stats *stats);

/* What would happen to a packet with this key; returns the number of the DP_BUCKET that is chosen, 0 without one. */
int sp_trace(struct slow_path *sp, const void *key, struct xl_result *result);

/* Run actions on a packet; without a key only those that need none. */
int sp_execute(struct slow_path *sp, __u32 in_port, const void *packet, __u32 size, const void *key,
	       const struct sp_action *actions, __u32 n_actions);

struct packet_in *sp_packet_in_get(struct slow_path *sp);
int sp_packet_in_fd(struct slow_path *sp);

/* Between the files of the slow path. */
__u64 sp_now_ns(const struct slow_path *sp);
void sp_revalidate(struct slow_path *sp, const struct xl_delta *delta);

/* xl_env.hash_id: finds the hash mask's number, or gives it one and tells the engines. */
int sp_hash_id(void *slow_path, const __u64 *mask);

/* Removes expired flows; the lock is held. */
void sp_expire_flows(struct slow_path *sp, struct sp_outcome *outcome);

#endif
