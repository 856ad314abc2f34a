/* What a user engine's shared object exports; binding.py declares the same for Python. */
#ifndef OVSP4_EXPORTS_H
#define OVSP4_EXPORTS_H

/* The state of an engine in numbers, for `ovsp4 stats` and for tests. */
struct user_counters {
	__u64 n_frames; /* of the pool; the next three add up to it */
	__u64 n_free;
	__u64 n_rx; /* given to ports for receiving */
	__u64 n_tx; /* given to ports for sending */
	__u64 n_flows;
	__u64 n_masks;
	__u64 n_micro_hits;
	__u64 n_mega_hits;
	__u64 n_misses;
	__u64 n_full; /* flows refused for want of room */
	__u64 n_upcalls;
	__u64 n_sleeps;
	__u64 n_dead_ports; /* times that an interface vanished under a port */
	__s64 pool_error; /* 0, or pool_check() found the frames' bookkeeping wrong */
};

/* What the parser says of one packet. */
struct user_parsed {
	__u32 rejected;
	__u32 error; /* index into the layout's errors */
	__u32 offset_bits;
	__u32 n_headers;
	__u16 hdr_off[N_HEADERS]; /* the last member: Python has room for 256 */
};

struct dp *user_open(const struct user_config *config, int *err);
int user_start(struct dp *dp);
void user_stop(struct dp *dp);
void user_set_upcall(struct dp *dp, dp_upcall_fn upcall, void *slow_path);
int user_xsk_fd(struct dp *dp, __u32 port);
int user_port_link(struct dp *dp, __u32 port, int is_up);
void user_counters(struct dp *dp, struct user_counters *counters);
void user_parse(struct dp *dp, const void *packet, __u32 size, __u32 in_port, void *key, struct user_parsed *parsed);
struct dp_lock *user_lock_new(void);
void user_lock_take(struct dp_lock *lock);
void user_lock_give(struct dp_lock *lock);
void user_lock_free(struct dp_lock *lock);

/* Returns NULL, and `err` a negative errno, if there is no memory. */
struct dp *user_open(const struct user_config *config, int *err)
{
	struct engine *engine = aligned_alloc(64, (sizeof(*engine) + 63) & ~63UL);

	*err = -ENOMEM;
	if (!engine)
		return NULL;
	memset(engine, 0, sizeof(*engine));
	engine->config = *config;
	engine->dp.ops = &user_ops;
	engine->dp.info = (struct dp_info){
	    .abi_version = DP_ABI_VERSION,
	    .key_size = KEY_SIZE,
	    .layout_hash = LAYOUT_HASH,
	    .engine = "user",
	    .program = PROGRAM_NAME,
	};
	engine->generation = 1; /* the loop's is 0: it makes its list at first */
	*err = loop_init(&engine->loop);
	if (!*err)
		*err = pool_init(&engine->pool, config->n_frames);
	if (!*err)
		*err = mf_init(&engine->cache, config->max_flows);
	if (*err) {
		user_close(&engine->dp);
		return NULL;
	}
	return &engine->dp;
}

int user_start(struct dp *dp)
{
	return loop_start(user_engine(dp));
}

void user_stop(struct dp *dp)
{
	loop_stop(user_engine(dp));
}

/* The caller holds the lock, or the thread is not running. */
void user_set_upcall(struct dp *dp, dp_upcall_fn upcall, void *slow_path)
{
	user_engine(dp)->upcall = upcall;
	user_engine(dp)->slow_path = slow_path;
}

/* The socket of a port, for an XSKMAP; a negative errno if there is none. */
int user_xsk_fd(struct dp *dp, __u32 number)
{
	const struct port *port = user_port(user_engine(dp), number);

	return port && port->xsk ? port->fd : -ENOENT;
}

/* Say whether a port's link is up; packets for one that is down are dropped.  The caller holds the lock. */
int user_port_link(struct dp *dp, __u32 number, int is_up)
{
	struct port *port = user_port(user_engine(dp), number);

	if (!port)
		return -ENOENT;
	port->no_carrier = !is_up;
	return 0;
}

/* The caller holds the lock. */
void user_counters(struct dp *dp, struct user_counters *counters)
{
	struct engine *engine = user_engine(dp);
	const struct mf_cache *cache = &engine->cache;
	__u32 i;

	*counters = (struct user_counters){
	    .n_frames = engine->pool.n_frames,
	    .n_free = 0,
	    .n_flows = cache->n_flows,
	    .n_masks = cache->n_subtables,
	    .n_micro_hits = cache->n_micro_hits,
	    .n_mega_hits = cache->n_mega_hits,
	    .n_misses = cache->n_misses,
	    .n_full = cache->n_full,
	    .n_upcalls = engine->n_upcalls,
	    .n_sleeps = engine->n_sleeps,
	    .n_dead_ports = engine->n_dead_ports,
	};
	for (i = 0; i < engine->n_active; i++) {
		port_complete(engine->active[i], &engine->pool);
		counters->n_rx += engine->active[i]->n_rx;
		counters->n_tx += engine->active[i]->n_tx;
	}
	counters->n_free = engine->pool.n_free;
	counters->pool_error = pool_check(&engine->pool, (__u32)(counters->n_rx + counters->n_tx));
}

/* Parse a packet as the engine does, for bridge 0; `key` has KEY_SIZE bytes.  Without an engine (`dp` is NULL), value
 * sets are empty; with one, the caller holds the lock. */
void user_parse(struct dp *dp, const void *packet, __u32 size, __u32 in_port, void *key, struct user_parsed *parsed)
{
	/* The parser only reads. */
	struct packet pkt = {.data = (__u8 *)(unsigned long)packet, .data_end = (__u8 *)(unsigned long)packet + size};
	struct parse_result result = {0};
	struct flow_key words = {0};

#ifdef N_VALUE_SETS
	pkt.value_sets = dp ? &user_engine(dp)->value_sets : NULL;
#else
	(void)dp;
#endif
	words.in_port = htonl(in_port);
	parsed->rejected = (__u32)program_parse(&pkt, &words, &result);
	parsed->error = result.error;
	parsed->offset_bits = result.offset_bits;
	parsed->n_headers = N_HEADERS;
	memcpy(parsed->hdr_off, result.hdr_off, sizeof(parsed->hdr_off));
	memcpy(key, &words, KEY_SIZE);
}

/* A lock, where nobody else makes one. */
struct dp_lock *user_lock_new(void)
{
	struct dp_lock *lock = malloc(sizeof(*lock));

	if (lock)
		dp_lock_init(lock);
	return lock;
}

void user_lock_take(struct dp_lock *lock)
{
	dp_lock_control(lock);
}

void user_lock_give(struct dp_lock *lock)
{
	dp_unlock(lock);
}

void user_lock_free(struct dp_lock *lock)
{
	free(lock);
}

#endif
