/* The user engine for one P4 program: its operations (struct dp_ops), and what loader.py calls.
 *
 * One shared object is compiled per program, PROGRAM_FILE being the generated C; it serves any number of bridges.
 */
#define _GNU_SOURCE
#include "ctx/user.h"

#include PROGRAM_FILE

#include "loop.h"

_Static_assert(sizeof(struct flow_key) == KEY_SIZE, "the key's struct and size differ");
_Static_assert(KEY_SIZE % 8 == 0 && KEY_SIZE <= DP_KEY_MAX, "a key is whole words, and not too many");

static struct engine *user_engine(struct dp *dp)
{
	return (struct engine *)dp;
}

static struct port *user_port(struct engine *engine, __u32 number)
{
	return number < DP_PORTS_MAX ? engine->ports[number] : NULL;
}

/* Frames for receiving of a new port; 0: there are none.  The first get many, later ones less and less, so that there are
 * some for all: with the pool of loader.py 768, 672, 588 ... and some 60 ports.  A quarter of the pool, in the end an
 * eighth, is kept for sending. */
static __u32 user_share(const struct engine *engine)
{
	const struct pool *pool = &engine->pool;
	__u32 reserve = pool->n_frames / 4, share;

	share = pool->n_free > reserve ? (pool->n_free - reserve) / 8 : 0;
	if (share > PORT_SHARE_MAX)
		return PORT_SHARE_MAX;
	if (share >= PORT_SHARE_MIN)
		return share;
	return pool->n_free >= PORT_SHARE_MIN + pool->n_frames / 8 ? PORT_SHARE_MIN : 0;
}

/* ------------------------------------------------------------------------------------------------ ports */
static int user_port_add(struct dp *dp, __u32 number, int ifindex)
{
	struct engine *engine = user_engine(dp);
	__u32 share, i;
	struct port *port;
	int err;

	if (!number || number >= DP_PORTS_MAX)
		return -EINVAL;
	if (engine->ports[number])
		return -EEXIST;
	for (i = 0; i < engine->n_active; i++)
		port_complete(engine->active[i], &engine->pool);
	share = user_share(engine);
	if (!share)
		return -ENOBUFS;
	port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;
	err = port_open(port, &engine->pool, number, ifindex, share);
	if (err) {
		free(port);
		return err;
	}
	engine->ports[number] = port;
	engine_list_ports(engine);
	engine_wake(engine); /* it polls the old ones only */
	return 0;
}

static int user_port_del(struct dp *dp, __u32 number)
{
	struct engine *engine = user_engine(dp);
	struct port *port = user_port(engine, number);
	__u32 i, n = 0;

	if (!port)
		return -ENOENT;
	engine_close_port(engine, port);
	for (i = 0; i < engine->n_dirty; i++)
		if (engine->dirty[i] != port)
			engine->dirty[n++] = engine->dirty[i];
	engine->n_dirty = n;
	engine->n_lost_buffer += port->n_lost_buffer;
	engine->n_lost_long += port->n_lost_long;
	engine->ports[number] = NULL;
	free(port);
	return 0;
}

/* What the kernel dropped for want of a frame, or as too long, came in as well (its bytes are not known): so a port's
 * packets are those sent and those dropped, no matter under what load. */
static int user_port_stats(struct dp *dp, __u32 number, struct dp_stats *rx, struct dp_stats *tx)
{
	const struct port *port = user_port(user_engine(dp), number);
	__u64 n_buffer, n_long;

	if (!port)
		return -ENOENT;
	port_lost(port, &n_buffer, &n_long);
	*rx = port->received;
	rx->n_packets += n_buffer + n_long;
	*tx = port->sent;
	return 0;
}

/* ------------------------------------------------------------------------------------------------ flows */
static int user_flow_put(struct dp *dp, const void *key, const void *mask, const struct dp_action *actions,
			 __u32 n_actions, __u32 *flow_id)
{
	__u64 words[2][KEY_WORDS]; /* the caller's bytes may lie anywhere */

	memcpy(words[0], key, KEY_SIZE);
	memcpy(words[1], mask, KEY_SIZE);
	return mf_put(&user_engine(dp)->cache, words[0], words[1], actions, n_actions, flow_id);
}

static int user_flow_mod(struct dp *dp, __u32 flow_id, const struct dp_action *actions, __u32 n_actions)
{
	return mf_mod(&user_engine(dp)->cache, flow_id, actions, n_actions);
}

static int user_flow_del(struct dp *dp, __u32 flow_id, struct dp_stats *last)
{
	return mf_del(&user_engine(dp)->cache, flow_id, last);
}

static int user_flow_stats(struct dp *dp, __u32 flow_id, struct dp_stats *stats)
{
	const struct mf_flow *flow = mf_flow(&user_engine(dp)->cache, flow_id);

	if (!flow)
		return -ENOENT;
	*stats = (struct dp_stats){flow->n_packets, flow->n_bytes};
	return 0;
}

static int user_hash_put(struct dp *dp, __u32 id, const void *mask)
{
	struct engine *engine = user_engine(dp);

	if (id >= HASH_MASKS_MAX)
		return -ENOSPC;
	if (!engine->hash_masks[id])
		engine->hash_masks[id] = malloc(KEY_SIZE);
	if (!engine->hash_masks[id])
		return -ENOMEM;
	memcpy(engine->hash_masks[id], mask, KEY_SIZE);
	return 0;
}

static int user_value_sets_put(struct dp *dp, const void *sets, __u32 size)
{
#ifdef N_VALUE_SETS
	struct engine *engine = user_engine(dp);

	if (size != sizeof(engine->value_sets))
		return -EINVAL;
	memcpy(&engine->value_sets, sets, size); /* the thread is not parsing: the caller holds the lock */
	return 0;
#else
	(void)dp;
	(void)sets;
	(void)size;
	return -EOPNOTSUPP;
#endif
}

/* ------------------------------------------------------------------------------------------------ the rest */
static int user_drops(struct dp *dp, __u64 *counters, __u64 *errors)
{
	struct engine *engine = user_engine(dp);
	__u64 n_buffer, n_long;
	__u32 i;

	memcpy(counters, engine->drops, sizeof(engine->drops));
	memcpy(errors, engine->errors, sizeof(engine->errors));
	counters[DROP_NO_BUFFER] += engine->n_lost_buffer;
	counters[DROP_TOO_LONG] += engine->n_lost_long;
	for (i = 1; i < DP_PORTS_MAX; i++) {
		if (!engine->ports[i])
			continue;
		port_lost(engine->ports[i], &n_buffer, &n_long);
		counters[DROP_NO_BUFFER] += n_buffer;
		counters[DROP_TOO_LONG] += n_long;
	}
	return 0;
}

/* Put a packet into free frames, of which there are enough. */
static void user_fill(struct engine *engine, struct fwd_item *item, const __u8 *packet, __u32 size)
{
	__u32 n = size < FRAME_ROOM ? size : FRAME_ROOM;
	struct part *part;

	item->packet.rest = size - n;
	while (!item->n_parts || size) {
		n = size < FRAME_ROOM ? size : FRAME_ROOM;
		part = &item->parts[item->n_parts++];
		*part = (struct part){pool_take(&engine->pool, OWNER_FREE), n};
		memcpy(pool_data(&engine->pool, part->addr), packet, n);
		packet += n;
		size -= n;
	}
	item->packet.data = pool_data(&engine->pool, item->parts[0].addr);
	item->packet.data_end = item->packet.data + item->parts[0].size;
}

static int user_execute(struct dp *dp, __u32 in_port, const void *packet, __u32 size, const struct dp_action *actions,
			__u32 n_actions)
{
	struct engine *engine = user_engine(dp);
	struct fwd_item item = {.in_port = in_port, .held = true};

	if (size > DP_PACKET_MAX)
		return -EMSGSIZE;
	if (engine->pool.n_free < PARTS_MAX)
		return -ENOBUFS;
	user_fill(engine, &item, packet, size);
	fwd_parse(engine, &item);
	fwd_run(engine, &item, actions, n_actions);
	fwd_finish(engine, &item);
	engine_flush(engine);
	if (engine->n_dirty)
		engine_wake(engine); /* the kernel did not take all: a thread that sleeps would not try again */
	return 0;
}

static void *user_close_port(void *port)
{
	port_close_socket(port);
	return NULL;
}

/* Close all sockets, side by side: for each the kernel waits for an RCU grace period, over 10 ms. */
static void user_close_ports(struct engine *engine)
{
	pthread_t threads[DP_PORTS_MAX];
	bool started[DP_PORTS_MAX];
	__u32 i;

	for (i = 0; i < engine->n_active; i++) {
		started[i] = !pthread_create(&threads[i], NULL, user_close_port, engine->active[i]);
		if (!started[i])
			port_close_socket(engine->active[i]);
	}
	for (i = 0; i < engine->n_active; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
	for (i = 1; i < DP_PORTS_MAX; i++)
		free(engine->ports[i]);
}

static void user_close(struct dp *dp)
{
	struct engine *engine = user_engine(dp);
	__u32 i;

	loop_stop(engine);
	user_close_ports(engine);
	for (i = 0; i < HASH_MASKS_MAX; i++)
		free(engine->hash_masks[i]);
	loop_destroy(&engine->loop);
	mf_destroy(&engine->cache);
	pool_destroy(&engine->pool);
	free(engine);
}

static const struct dp_ops user_ops = {
    .port_add = user_port_add,
    .port_del = user_port_del,
    .flow_put = user_flow_put,
    .flow_mod = user_flow_mod,
    .flow_del = user_flow_del,
    .flow_stats = user_flow_stats,
    .hash_put = user_hash_put,
    .value_sets_put = user_value_sets_put,
    .drops = user_drops,
    .port_stats = user_port_stats,
    .execute = user_execute,
    .close = user_close,
};

#include "exports.h"
