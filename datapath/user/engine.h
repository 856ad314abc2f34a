/* The user engine's instance for one bridge: what belongs to whom.
 *
 *     main.c      opens it, implements `struct dp_ops`, exports functions for loader.py
 *     loop.h      the thread: rounds over the ports, sleep
 *     forward.h   one batch of packets: parse, look up, act
 *     megaflow.h  key -> flow            port.h   an AF_XDP socket            pool.h   the frames
 *
 * All of it is covered by the bridge's lock, but for the atomic members of `struct loop`.
 */
#ifndef OVSP4_ENGINE_H
#define OVSP4_ENGINE_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "drop.h"
#include "lock.h"
#include "megaflow.h"
#include "port.h"

#define BATCH_SIZE 64 /* packets taken from a port at once */
#define HASH_MASKS_MAX 4096

/* What loader.py decides. */
struct user_config {
	struct dp_lock *lock; /* the bridge's */
	__u32 bridge_id; /* 16 bits, in every key */
	__u32 n_frames; /* of the pool */
	__u32 max_flows;
	__u32 on_reject_continue; /* a rejected packet goes on with parser_error in its key */
};

/* A packet on its way through the engine. */
struct fwd_item {
	struct flow_key key; /* as parsed on arrival; first, for its alignment */
	struct parse_result result;
	struct packet packet; /* as it is now: what is in its first frame */
	__u32 n_parts;
	struct part parts[PARTS_MAX]; /* its frames */
	__u32 in_port;
	__u32 hash; /* mf_hash_micro() of the key */
	__u32 hint; /* slot of the flow it probably belongs to, or MF_NONE */
	bool rejected; /* by the parser */
	bool held; /* its frames are still ours to free */
	bool done; /* sent, given to the controller, or counted as dropped */
};

struct loop {
	pthread_t thread;
	bool running; /* there is a thread */
	atomic_bool stopping; /* it shall end */
	atomic_bool sleeping; /* it is in poll(), or about to be: do not close what it polls */
	int wake_fd; /* eventfd that ends its sleep */
	int link_fd; /* netlink socket that tells of changes to interfaces */
	__u32 n_polled; /* entries of pollfds */
	__u32 generation; /* of the list of ports that pollfds was made from */
	struct pollfd pollfds[2 + DP_PORTS_MAX]; /* wake_fd, link_fd, then those of active ports */
};

struct engine {
	struct dp dp; /* first: a struct dp * is cast to ours */
	struct user_config config;
	dp_upcall_fn upcall; /* NULL: every miss is dropped */
	void *slow_path; /* its argument */
	struct pool pool;
	struct mf_cache cache;
	__u64 *hash_masks[HASH_MASKS_MAX]; /* by id; NULL: not defined */
	struct port *ports[DP_PORTS_MAX]; /* by number */
	struct port *active[DP_PORTS_MAX]; /* those that have a socket */
	struct port *dirty[DP_PORTS_MAX]; /* those with packets to kick out */
	__u32 n_active;
	__u32 n_dirty;
	__u32 generation; /* counts changes of `active` */
	struct fwd_item items[BATCH_SIZE];
#ifdef N_VALUE_SETS
	struct value_sets value_sets; /* of the parser */
#endif
	__u64 drops[DROP_N]; /* by reason */
	__u64 errors[256]; /* rejected packets by parser error */
	__u64 n_lost_buffer; /* packets that the kernel dropped at ports since deleted (port_lost()) */
	__u64 n_lost_long; /* likewise */
	__u64 n_upcalls;
	__u64 n_sleeps; /* times that the thread went to sleep */
	__u64 n_dead_ports; /* times that an interface vanished under a port */
	struct loop loop;
};

static inline void engine_wake(struct engine *engine)
{
	const __u64 one = 1;

	if (write(engine->loop.wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the thread will wake all the same */
}

/* Return when the thread is not in poll(); the caller holds the lock, so that it stays out.  (poll() holds a reference
 * to each socket, and close() would not end one while it does.) */
static inline void engine_quiesce(struct engine *engine)
{
	if (!atomic_load(&engine->loop.sleeping))
		return;
	engine_wake(engine);
	while (atomic_load(&engine->loop.sleeping))
		sched_yield();
}

/* Renew the list of active ports after a change. */
static inline void engine_list_ports(struct engine *engine)
{
	__u32 i;

	engine->n_active = 0;
	for (i = 1; i < DP_PORTS_MAX; i++)
		if (engine->ports[i] && engine->ports[i]->xsk)
			engine->active[engine->n_active++] = engine->ports[i];
	engine->generation++;
}

/* Close a port's socket; all its frames come back. */
static inline void engine_close_port(struct engine *engine, struct port *port)
{
	engine_quiesce(engine);
	port_close(port, &engine->pool);
	engine_list_ports(engine);
}

static inline void engine_mark_dirty(struct engine *engine, struct port *port)
{
	if (port->dirty)
		return;
	port->dirty = true;
	engine->dirty[engine->n_dirty++] = port;
}

/* Send what is queued on all ports, and collect the frames of what was sent.  A port whose kernel side takes no more
 * just now stays dirty. */
static inline void engine_flush(struct engine *engine)
{
	__u32 i, n = engine->n_dirty;
	struct port *port;

	engine->n_dirty = 0;
	for (i = 0; i < n; i++) {
		port = engine->dirty[i];
		port->dirty = false;
		if (!port->xsk)
			continue;
		if (port_kick(port) == -ENXIO) {
			engine->n_dead_ports++;
			engine_close_port(engine, port);
		} else if (port_unsent(port) && !port->link_down) {
			engine_mark_dirty(engine, port);
		}
	}
	for (i = 0; i < engine->n_active; i++)
		port_complete(engine->active[i], &engine->pool);
	mf_reap(&engine->cache);
}

#endif
