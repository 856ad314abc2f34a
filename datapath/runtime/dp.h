/* The interface between the slow path and the engines; it knows no protocol.
 *
 * A *flow key* and a *mask* are byte strings of one size per P4 program; what stands where is the compiler's business
 * (ir/layout.py) and known to the control side only.  A *megaflow* is a masked key with a list of actions: all packets
 * that agree with the key on the mask's bits take the same actions.  The megaflows of a bridge never overlap, so an
 * engine may look under its masks in any order, and may miss at any time: a miss is an upcall, never a wrong decision.
 *
 * There are two engines, and both implement `struct dp_ops`:
 *   user/   AF_XDP sockets and a thread that forwards; runs every action, and is where upcalls come from;
 *   xdp/    maps read by the program in the kernel; may refuse a flow (-EOPNOTSUPP), whose packets then miss in the
 *           kernel and are forwarded by the user engine.
 * A bridge in `afxdp` mode has the first, in `xdp` mode both: the slow path installs each megaflow in all of them.
 *
 * Locking: each bridge has one `struct dp_lock`.  Whoever calls an operation of `struct dp_ops` holds it; the user
 * engine's thread holds it while it processes a batch, upcalls included.  Nothing else is needed on this side; the XDP
 * program synchronises through its maps (xdp/ says how).
 *
 * An engine is built for one layout.  `dp_info` carries the ABI version and the layout's hash, and whoever opens an
 * engine compares both first: a mismatch is refused, never misread.
 */
#ifndef OVSP4_DP_H
#define OVSP4_DP_H

#include <linux/types.h>

#define DP_ABI_VERSION 3
#define DP_KEY_MAX 2048 /* bytes */
#define DP_ACTIONS_MAX 64 /* of one megaflow, buckets included */
#define DP_PORTS_MAX 1024 /* of one bridge; port numbers are 1 .. DP_PORTS_MAX - 1 */
#define DP_PACKET_MAX 11520 /* bytes of a frame that the engines take; a larger one is dropped and counted */

/* A checksum may sum other checksums: a tunnel's outer one sums all of the packet inside.  So a DP_CSUM adds the change
 * that it makes to the *slots* of those further out, which fold it in when it is their turn.  (What has to be added
 * depends on the packet: an inner UDP checksum that is zero does not change.) */
#define DP_SLOTS 4

/* Actions run in order on the packet as it is at that point.  No action at all drops the packet. */
enum dp_op {
	DP_OUTPUT = 1, /* send the packet as it is now to port `arg` (never back to in_port unless DP_F_IN_PORT) */
	DP_SET, /* write `size` bytes at byte `arg` of `header`: new = (old & ~mask) | (value & mask) */
	DP_DEC_TTL, /* subtract one from the byte at `arg` of `header`; if it is 0 or 1 stop with an upcall DP_UP_TTL */
	DP_CSUM, /* fold the collected difference into the 16-bit checksum at `arg` of `header` (RFC 1624 eqn. 3) */
	DP_SELECT, /* hash the key under hash mask `arg`, run one of the `size` buckets that follow; ends the list */
	DP_BUCKET, /* `arg` actions follow; `value[0..3]` is the bucket's weight, big endian; only after DP_SELECT */
	DP_CONTROLLER, /* upcall DP_UP_CONTROLLER with a copy of the packet as it is now; `arg`: at most so many bytes */
};

/* `flags` of an action.  DP_SET and DP_DEC_TTL add the change that they make to the collected difference (a
 * ones'-complement sum over 16-bit words counted from the header's first byte), unless DP_F_UNSUMMED. */
#define DP_F_RESTART 0x01 /* SET, DEC_TTL: clear the collected difference first */
#define DP_F_UNSUMMED 0x02 /* SET, DEC_TTL: no checksum covers these bits, do not collect */
#define DP_F_SWAPPED 0x04 /* CSUM: the words stand at the other parity in this sum, swap the bytes of the difference */
#define DP_F_ZERO_NONE 0x08 /* CSUM: leave a zero as it is, write 0xffff for a computed zero (UDP) */
#define DP_F_IN_PORT 0x10 /* OUTPUT: may be the port it came from */
#define DP_F_INNER_ONLY 0x20 /* CSUM: fold in the slot only, the collected difference is not in this sum */
#define DP_F_GO_ON 0x40 /* DEC_TTL: after the upcall go on with the next action */

struct dp_action {
	__u8 op; /* enum dp_op */
	__u8 size; /* SET: 1..8 bytes; SELECT: number of buckets; CSUM: 0, or 1 + the slot to fold in too (and clear) */
	__u8 header; /* header id; the packet's headers have run-time offsets, parse_result.hdr_off */
	__u8 flags; /* DP_F_* */
	__u32 arg;
	__u8 value[8]; /* SET: in wire order, zero behind `size` bytes; CSUM: value[0], a bit for each slot to add to */
	__u8 mask[8]; /* SET: likewise; CSUM: mask[0] has those slots that get the change with its bytes swapped */
};

/* Why a packet comes up. */
enum dp_upcall_reason {
	DP_UP_MISS = 0,
	DP_UP_CONTROLLER = 1,
	DP_UP_TTL = 2,
};

struct dp_stats {
	__u64 n_packets;
	__u64 n_bytes;
};

struct dp_lock; /* runtime/lock.h */

/* A packet that the user engine cannot finish alone. */
struct dp_upcall {
	__u32 reason; /* enum dp_upcall_reason */
	__u32 in_port;
	const void *packet;
	__u32 size; /* of the packet, bytes */
	__u32 max_size; /* CONTROLLER: bytes wanted */
	__u32 n_data; /* bytes at `packet`: of a jumbo frame only the first part */
	const void *key; /* key_size bytes, as parsed from the packet as it arrived */
};

/* Called by the user engine, with the bridge's lock held.  For DP_UP_MISS returns the number of actions, and where
 * they are (valid until the lock is released), for this packet; the callee has installed the megaflow if it wanted to.
 * A negative errno drops the packet.  For other reasons returns 0. */
typedef int (*dp_upcall_fn)(void *slow_path, const struct dp_upcall *upcall, const struct dp_action **actions);

struct dp; /* an engine's instance for one bridge; the first member of the engine's own struct */

struct dp_info {
	__u32 abi_version; /* DP_ABI_VERSION */
	__u32 key_size; /* bytes */
	__u64 layout_hash; /* KeyLayout.hash */
	const char *engine; /* "user", "xdp" */
	const char *program; /* "l2l3" */
};

/* All return 0 or a negative errno unless said otherwise. */
struct dp_ops {
	/* Attach the interface to the bridge as port `port`; it is in this network namespace and up. */
	int (*port_add)(struct dp *dp, __u32 port, int ifindex);
	int (*port_del)(struct dp *dp, __u32 port);
	/* Install a megaflow, key already masked; `*flow_id` names it from now on.  -EOPNOTSUPP: the engine cannot run
	 * these actions; -ENOSPC: full; -EEXIST: there is one with this key and mask. */
	int (*flow_put)(struct dp *dp, const void *key, const void *mask, const struct dp_action *actions,
			__u32 n_actions, __u32 *flow_id);
	/* Replace the actions of an installed megaflow, atomically for the packets that hit it. */
	int (*flow_mod)(struct dp *dp, __u32 flow_id, const struct dp_action *actions, __u32 n_actions);
	/* Remove it; `*last` (may be NULL) gets the final counters. */
	int (*flow_del)(struct dp *dp, __u32 flow_id, struct dp_stats *last);
	int (*flow_stats)(struct dp *dp, __u32 flow_id, struct dp_stats *stats);
	/* Define hash mask `id` for DP_SELECT: the bits of the key that the hash is taken over. */
	int (*hash_put)(struct dp *dp, __u32 id, const void *mask);
	/* Replace the entries of all the program's value sets at once: `struct value_sets` of the generated program.  When
	 * it returns, packets are parsed by the new ones.  Megaflows stay as they are: which packets they are for is said
	 * in terms of keys, and it is the keys of new packets that change.  -EOPNOTSUPP: the program has no value sets;
	 * -EINVAL: another size. */
	int (*value_sets_put)(struct dp *dp, const void *sets, __u32 size);
	/* Counters by drop reason (runtime/drop.h): `counters` has DROP_N entries.  Parser errors: `errors` has 256. */
	int (*drops)(struct dp *dp, __u64 *counters, __u64 *errors);
	/* Counters of one port. */
	int (*port_stats)(struct dp *dp, __u32 port, struct dp_stats *rx, struct dp_stats *tx);
	/* Run actions on a packet as if it had come in at `in_port` (packet-out). */
	int (*execute)(struct dp *dp, __u32 in_port, const void *packet, __u32 size, const struct dp_action *actions,
		       __u32 n_actions);
	void (*close)(struct dp *dp);
};

struct dp {
	const struct dp_ops *ops;
	struct dp_info info;
};

#endif
