/* The megaflows of a bridge in the XDP object's maps; maps.h says in which order running packets must see what. */
#include "bridge.h"

#include <errno.h>
#include <string.h>

#include "flow.h"
#include "hash.h"

#define BRIDGE_OFFSET 6 /* of the bridge's number in the key (ir/layout.py) */

/* A key or mask at work: aligned, with the bridge's number in it. */
struct key_words {
	__u64 words[DP_KEY_MAX / 8];
};

/* A flow to be: its mask as words, its key under them, and where it hangs. */
struct wanted_flow {
	struct xdp_mask mask;
	__u64 key[XDP_MASK_WORDS_MAX];
	__u32 in_port; /* 0: the mask does not fix it */
	__u32 mask_id, hash;
};

static struct xdp_flow *flow_entry(const struct xdp_object *object, __u32 id)
{
	return (struct xdp_flow *)(object->flows + (size_t)id * object->flow_size);
}

/* The words of the key that a mask has bits in; -EOPNOTSUPP if they are more than the program looks at. */
int mask_words(struct xdp_mask *words, const void *mask, __u32 key_size)
{
	__u32 offset;
	__u64 bits;

	memset(words, 0, sizeof(*words));
	for (offset = 0; offset < key_size; offset += 8) {
		memcpy(&bits, (const char *)mask + offset, 8);
		if (!bits)
			continue;
		if (words->n_words == XDP_MASK_WORDS_MAX)
			return -EOPNOTSUPP;
		words->words[words->n_words++] = (struct xdp_word){.bits = bits, .offset = offset};
	}
	return 0;
}

/* Every megaflow matches on its bridge, whoever made it. */
static int want_flow(struct wanted_flow *wanted, const struct xdp_bridge_dp *bridge, const void *key, const void *mask)
{
	__u32 size = bridge->object->key_size, i;
	struct key_words keys, masks;
	__u8 *number = (__u8 *)keys.words + BRIDGE_OFFSET;
	int err;

	memcpy(keys.words, key, size);
	memcpy(masks.words, mask, size);
	number[0] = (__u8)(bridge->id >> 8);
	number[1] = (__u8)bridge->id;
	memset((__u8 *)masks.words + BRIDGE_OFFSET, 0xff, 2);
	err = mask_words(&wanted->mask, masks.words, size);
	if (err)
		return err;
	for (i = 0; i < wanted->mask.n_words; i++)
		wanted->key[i] = keys.words[wanted->mask.words[i].offset / 8] & wanted->mask.words[i].bits;
	wanted->in_port = 0;
	if ((__u32)masks.words[0] == 0xffffffff)
		wanted->in_port = __builtin_bswap32((__u32)keys.words[0]);
	return 0;
}

/* The union of the bridge's masks, for the hints: any words serve, the more of them the better. */
static void update_union(struct xdp_object *object, struct xdp_bridge *bridge)
{
	const struct xdp_mask *masks = (const struct xdp_mask *)object->masks.entries;
	struct xdp_mask any = {0};
	struct key_words bits = {0};
	__u32 i, j;

	for (i = 0; i < bridge->n_masks; i++)
		for (j = 0; j < masks[bridge->masks[i]].n_words; j++)
			bits.words[masks[bridge->masks[i]].words[j].offset / 8] |=
			    masks[bridge->masks[i]].words[j].bits;
	mask_words(&any, bits.words, object->key_size);
	bridge->any = any;
}

/* Find the mask among the bridge's; its place, or n_masks. */
static __u32 find_mask(const struct xdp_object *object, const struct xdp_bridge *bridge, const struct xdp_mask *mask)
{
	const struct xdp_mask *masks = (const struct xdp_mask *)object->masks.entries;
	__u32 i;

	for (i = 0; i < bridge->n_masks; i++)
		if (!memcmp(&masks[bridge->masks[i]], mask, sizeof(*mask)))
			break;
	return i;
}

static int mask_get(struct xdp_bridge_dp *dp, struct wanted_flow *wanted)
{
	struct xdp_bridge *bridge = &dp->object->bridges[dp->id];
	__u32 i = find_mask(dp->object, bridge, &wanted->mask);
	int err;

	if (i == XDP_BRIDGE_MASKS)
		return -ENOSPC;
	if (i == bridge->n_masks) {
		err = intern_get(dp->object, &dp->object->masks, &wanted->mask, &bridge->masks[i]);
		if (err)
			return err;
		dp->mask_refs[i] = 0;
		__atomic_store_n(&bridge->n_masks, i + 1, __ATOMIC_RELEASE);
		update_union(dp->object, bridge);
	}
	dp->mask_refs[i]++;
	wanted->mask_id = bridge->masks[i];
	return 0;
}

/* A packet that searches while the last mask moves into the gap may miss: that is an upcall, no more. */
static void mask_put(struct xdp_bridge_dp *dp, __u32 mask_id)
{
	struct xdp_bridge *bridge = &dp->object->bridges[dp->id];
	__u32 i, last = bridge->n_masks - 1;

	for (i = 0; bridge->masks[i] != mask_id; i++)
		;
	if (--dp->mask_refs[i])
		return;
	dp->mask_refs[i] = dp->mask_refs[last];
	__atomic_store_n(&bridge->masks[i], bridge->masks[last], __ATOMIC_RELEASE);
	__atomic_store_n(&bridge->n_masks, last, __ATOMIC_RELEASE);
	intern_put(&dp->object->masks, mask_id);
	update_union(dp->object, bridge);
}

/* Hash as main.c does it, and see whether there is room in the chain, and no such flow yet. */
static int find_place(const struct xdp_object *object, struct wanted_flow *wanted)
{
	__u64 hash = xdp_hash_start(wanted->mask_id);
	const struct xdp_flow *flow;
	__u32 i, id, n = 0;

	for (i = 0; i < wanted->mask.n_words; i++)
		hash = hash_word(hash, wanted->key[i]);
	wanted->hash = hash_finish(hash);
	for (id = (__u32)object->chains[wanted->hash % XDP_N_CHAINS]; id; id = flow->next) {
		flow = flow_entry(object, id);
		if (flow->mask == wanted->mask_id && flow_equal(flow->key, wanted->key, wanted->mask.n_words))
			return -EEXIST;
		n++;
	}
	return n < XDP_CHAIN_MAX ? 0 : -ENOSPC;
}

static int translate_for(struct xdp_bridge_dp *bridge, __u32 in_port, const struct dp_action *actions, __u32 n_actions,
			 __u32 *program)
{
	struct translation translation = {
	    .object = bridge->object,
	    .bridge = bridge->id,
	    .in_port = in_port,
	    .owner = bridge,
	    .slot = bridge_slot,
	    .hash = bridge_hash,
	};

	return translate(&translation, actions, n_actions, program);
}

/* Take a number, with counters at zero, and let the flow be found under it. */
static int publish_flow(struct xdp_bridge_dp *bridge, const struct wanted_flow *wanted, __u32 program, __u32 *flow_id)
{
	struct xdp_object *object = bridge->object;
	__u64 *head = &object->chains[wanted->hash % XDP_N_CHAINS];
	struct xdp_flow *flow;
	__u32 id, cpu;
	int err;

	err = pool_get(object, &object->flow_pool, &id);
	if (err)
		return err;
	for (cpu = 0; cpu < object->n_cpus; cpu++)
		object->flow_counts[cpu * XDP_N_FLOWS + id] = (struct xdp_count){0};
	flow = flow_entry(object, id);
	flow->hash = wanted->hash;
	flow->next = (__u32)*head;
	flow->program = program;
	memcpy(flow->key, wanted->key, wanted->mask.n_words * sizeof(__u64));
	__atomic_store_n(&flow->mask, wanted->mask_id, __ATOMIC_RELEASE);
	__atomic_store_n(head, id, __ATOMIC_RELEASE);
	object->flow_bridge[id] = (__u16)bridge->id;
	*flow_id = id;
	return 0;
}

static int put_flow(struct xdp_bridge_dp *bridge, struct wanted_flow *wanted, const struct dp_action *actions,
		    __u32 n_actions, __u32 *flow_id)
{
	__u32 program;
	int err;

	err = mask_get(bridge, wanted);
	if (err)
		return err;
	err = find_place(bridge->object, wanted);
	if (!err)
		err = translate_for(bridge, wanted->in_port, actions, n_actions, &program);
	if (!err) {
		err = publish_flow(bridge, wanted, program, flow_id);
		if (err)
			translation_put(bridge->object, program);
	}
	if (err)
		mask_put(bridge, wanted->mask_id);
	return err;
}

int xdp_flow_put(struct dp *dp, const void *key, const void *mask, const struct dp_action *actions, __u32 n_actions,
		 __u32 *flow_id)
{
	struct xdp_bridge_dp *bridge = (struct xdp_bridge_dp *)dp;
	struct wanted_flow wanted;
	int err;

	if (n_actions > DP_ACTIONS_MAX)
		return -EINVAL;
	err = want_flow(&wanted, bridge, key, mask);
	if (err)
		return err;
	pthread_mutex_lock(&bridge->object->mutex);
	err = put_flow(bridge, &wanted, actions, n_actions, flow_id);
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

/* The bridge's flow of this number, NULL if it has none. */
static struct xdp_flow *find_flow(const struct xdp_bridge_dp *bridge, __u32 id)
{
	if (!id || id >= XDP_N_FLOWS || !flow_entry(bridge->object, id)->mask ||
	    bridge->object->flow_bridge[id] != bridge->id)
		return NULL;
	return flow_entry(bridge->object, id);
}

/* The input port that a flow's key fixes, 0 if it does not. */
static __u32 flow_in_port(const struct xdp_object *object, const struct xdp_flow *flow)
{
	const struct xdp_word *word = ((const struct xdp_mask *)object->masks.entries)[flow->mask].words;

	return (__u32)word->bits == 0xffffffff ? __builtin_bswap32((__u32)flow->key[0]) : 0;
}

int xdp_flow_mod(struct dp *dp, __u32 flow_id, const struct dp_action *actions, __u32 n_actions)
{
	struct xdp_bridge_dp *bridge = (struct xdp_bridge_dp *)dp;
	struct xdp_object *object = bridge->object;
	struct xdp_flow *flow;
	__u32 program, old;
	int err = -ENOENT;

	if (n_actions > DP_ACTIONS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&object->mutex);
	flow = find_flow(bridge, flow_id);
	if (flow)
		err = translate_for(bridge, flow_in_port(object, flow), actions, n_actions, &program);
	if (!err) {
		old = flow->program;
		__atomic_store_n(&flow->program, program, __ATOMIC_RELEASE);
		translation_put(object, old);
	}
	pthread_mutex_unlock(&object->mutex);
	return err;
}

static void read_stats(const struct xdp_object *object, __u32 flow_id, struct dp_stats *stats)
{
	const struct xdp_count *count;
	__u32 cpu;

	memset(stats, 0, sizeof(*stats));
	for (cpu = 0; cpu < object->n_cpus; cpu++) {
		count = &object->flow_counts[cpu * XDP_N_FLOWS + flow_id];
		stats->n_packets += count->n_packets;
		stats->n_bytes += count->n_bytes;
	}
}

static void remove_flow(struct xdp_bridge_dp *bridge, __u32 id)
{
	struct xdp_object *object = bridge->object;
	struct xdp_flow *flow = flow_entry(object, id);
	__u64 *head = &object->chains[flow->hash % XDP_N_CHAINS];
	__u32 mask_id = flow->mask, before;

	__atomic_store_n(&flow->mask, 0, __ATOMIC_RELEASE);
	if (*head == id) {
		__atomic_store_n(head, flow->next, __ATOMIC_RELEASE);
	} else {
		for (before = (__u32)*head; flow_entry(object, before)->next != id;
		     before = flow_entry(object, before)->next)
			;
		__atomic_store_n(&flow_entry(object, before)->next, flow->next, __ATOMIC_RELEASE);
	}
	translation_put(object, flow->program);
	mask_put(bridge, mask_id);
	pool_put(&object->flow_pool, id);
}

int xdp_flow_del(struct dp *dp, __u32 flow_id, struct dp_stats *last)
{
	struct xdp_bridge_dp *bridge = (struct xdp_bridge_dp *)dp;
	int err = -ENOENT;

	pthread_mutex_lock(&bridge->object->mutex);
	if (find_flow(bridge, flow_id)) {
		remove_flow(bridge, flow_id);
		if (last)
			read_stats(bridge->object, flow_id, last);
		err = 0;
	}
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

int xdp_flow_stats(struct dp *dp, __u32 flow_id, struct dp_stats *stats)
{
	struct xdp_bridge_dp *bridge = (struct xdp_bridge_dp *)dp;
	int err = -ENOENT;

	pthread_mutex_lock(&bridge->object->mutex);
	if (find_flow(bridge, flow_id)) {
		read_stats(bridge->object, flow_id, stats);
		err = 0;
	}
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

/* Remove all flows of a bridge that is being closed; the caller has the mutex. */
void flows_clear(struct xdp_bridge_dp *bridge)
{
	__u32 id;

	for (id = 1; id < XDP_N_FLOWS; id++)
		if (find_flow(bridge, id))
			remove_flow(bridge, id);
}
