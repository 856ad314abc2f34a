/* The megaflows of one bridge, as installed in its engines, and their counters.
 *
 * Each has the full key of the packet that it was made for as a *sample*: translating it again after a change
 * (revalidate.c) tells what all its packets should be treated like now.  It also has the path, the flows that its
 * packets go through, to which its counters are added.
 *
 * Counters flow one way: engine -> megaflow -> flows.  The engines count up for ever; `seen` is what has been taken from
 * them so far, so that each packet is added once.  The packet of the miss itself is run by the engine without its flow
 * entry, so it is added here when the megaflow is made.
 *
 * Used by slowpath.c (upcalls, ticks, dumps) and revalidate.c, with the bridge's lock held.
 */
#ifndef OVSP4_MEGAFLOWS_H
#define OVSP4_MEGAFLOWS_H

#include "translate.h"

#define ENGINES_MAX 4
#define USER_ENGINE 0 /* the place of the engine that must accept every megaflow: it hands up the misses */

struct megaflow {
	struct megaflow *next; /* in its hash chain */
	__u64 hash; /* of mask and masked key */
	__u32 index; /* in `all` */
	__u32 engines; /* a bit for each engine that has it */
	__u32 flow_id[ENGINES_MAX]; /* its name there */
	struct dp_stats seen[ENGINES_MAX]; /* counters already taken from there */
	struct dp_stats stats; /* all that it has forwarded */
	__u64 used_ns; /* last time that its counters had moved */
	__u64 tables[4]; /* that were looked up, a bit each */
	bool uses_groups;
	bool uses_ports;
	__u32 n_path;
	struct flow **path; /* the flows it went through */
	__u32 n_actions;
	struct dp_action *actions;
	__u64 *mask; /* n_words; then the sample in the same allocation */
	__u64 *sample; /* full key of the packet that it was made for */
};

struct megaflows {
	__u32 n_words; /* of a key */
	__u32 n; /* how many there are */
	__u32 limit; /* how many there may be */
	__u32 n_chains; /* a power of two */
	struct megaflow **chains; /* by hash */
	struct megaflow **all; /* `limit` entries, the first `n` in use, in no order */
	struct dp *engines[ENGINES_MAX]; /* NULL where none is */
	__u64 n_installed; /* ever */
	__u64 n_deleted;
	__u64 n_modified;
	__u64 n_refused; /* installations that one engine could not run, and another could */
	__u64 n_failed; /* that failed otherwise: the packet was forwarded, and the next one misses again */
};

int megaflows_init(struct megaflows *flows, __u32 n_words, __u32 limit);

/* Forgets all megaflows; the engines are gone or going. */
void megaflows_destroy(struct megaflows *flows);

/* Finds the megaflow with this mask that `key` matches. */
struct megaflow *megaflows_find(const struct megaflows *flows, const __u64 *key, const __u64 *mask);

/* Makes a megaflow of a translation and installs it in all engines; NULL if it could not be (full, or no engine). */
struct megaflow *megaflows_install(struct megaflows *flows, const __u64 *key, const struct xl_result *result,
				   __u64 now_ns);

/* Replaces the actions wherever the megaflow is; deletes it if the engine that must accept it does not. */
void megaflows_modify(struct megaflows *flows, struct megaflow *mf, const struct xl_result *result, __u64 now_ns);

/* Adds what the engines have counted to the path, then removes it everywhere. */
void megaflows_delete(struct megaflows *flows, struct megaflow *mf, __u64 now_ns);

/* Lets its counters go to the path of this translation from now on. */
int megaflow_set_path(struct megaflow *mf, const struct xl_result *result);

/* Takes the engines' counters and adds what is new to the flows of the path. */
void megaflow_collect(struct megaflows *flows, struct megaflow *mf, __u64 now_ns);

/* Adds packets to the megaflow and to the flows of its path. */
void megaflow_credit(struct megaflow *mf, __u64 n_packets, __u64 n_bytes, __u64 now_ns);

/* Installs all megaflows in a new engine; returns its place in `engines` or -ENOSPC. */
int megaflows_engine_add(struct megaflows *flows, struct dp *dp);

/* Takes an engine out, with its last counters; megaflows that no other one has are deleted.  0 or -ENOENT. */
int megaflows_engine_del(struct megaflows *flows, struct dp *dp, __u64 now_ns);

#endif
