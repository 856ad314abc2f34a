/* The engine with its inner functions exported, for tests that look between its stages; built by
 * test_user_megaflow.py, and part of fuzz.c. */
#include "main.c"

__s64 probe_lookup(struct dp *dp, const void *key);
int probe_run(struct dp *dp, void *packet, __u32 size, __u32 in_port);

/* The id of the flow that the megaflow cache finds for a key, or -1. */
__s64 probe_lookup(struct dp *dp, const void *key)
{
	struct mf_cache *cache = &user_engine(dp)->cache;
	const struct mf_flow *flow;
	__u64 words[KEY_WORDS];
	__u32 hash;

	memcpy(words, key, KEY_SIZE);
	hash = mf_hash_micro(cache, words);
	flow = mf_lookup(cache, words, hash, mf_hint(cache, hash));
	mf_reap(cache);
	return flow ? flow - cache->flows : -1;
}

/* Take a packet the whole way, in the caller's memory: outputs need ports, so there may be none.  Returns the number of
 * drops that were counted for it. */
int probe_run(struct dp *dp, void *packet, __u32 size, __u32 in_port)
{
	struct engine *engine = user_engine(dp);
	struct fwd_item item = {.in_port = in_port};
	__u64 before = 0, after = 0;
	int i;

	for (i = 0; i < DROP_N; i++)
		before += engine->drops[i];
	item.packet.data = packet;
	item.packet.data_end = item.packet.data + size;
	fwd_parse(engine, &item);
	item.hash = mf_hash_micro(&engine->cache, fwd_key(&item));
	item.hint = mf_hint(&engine->cache, item.hash);
	fwd_item(engine, &item);
	mf_reap(&engine->cache);
	for (i = 0; i < DROP_N; i++)
		after += engine->drops[i];
	return (int)(after - before);
}
