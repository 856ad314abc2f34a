/* One bridge on an XDP object: shared by xdp_dp.c (ports, counters) and flows.c (megaflows). */
#ifndef OVSP4_XDP_BRIDGE_H
#define OVSP4_XDP_BRIDGE_H

#include "object.h"

#define HASH_TOO_LONG 0xffffffff /* n_words of a hash mask that the program cannot take; it hashes over nothing then */

struct xdp_hash {
	__u32 id; /* as the slow path calls it */
	__u32 entry; /* of `hashes` */
};

struct xdp_bridge_dp {
	struct dp dp; /* first */
	struct xdp_object *object;
	__u32 id;
	__u32 slots[DP_PORTS_MAX]; /* by port; 0: never heard of */
	struct xdp_hash *hashes;
	__u32 n_hashes;
	__u32
	    mask_refs[XDP_BRIDGE_MASKS]; /* flows under each of the bridge's masks, in the order of xdp_bridge.masks */
};

/* xdp_dp.c; `owner` is the bridge */
int bridge_slot(void *owner, __u32 port, __u32 *slot);
int bridge_hash(void *owner, __u32 id, __u32 *hash);

/* flows.c */
int mask_words(struct xdp_mask *words, const void *mask, __u32 key_size);
int xdp_flow_put(struct dp *dp, const void *key, const void *mask, const struct dp_action *actions, __u32 n_actions,
		 __u32 *flow_id);
int xdp_flow_mod(struct dp *dp, __u32 flow_id, const struct dp_action *actions, __u32 n_actions);
int xdp_flow_del(struct dp *dp, __u32 flow_id, struct dp_stats *last);
int xdp_flow_stats(struct dp *dp, __u32 flow_id, struct dp_stats *stats);
void flows_clear(struct xdp_bridge_dp *bridge);

#endif
