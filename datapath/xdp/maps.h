/* What the XDP program and its provider in userspace (xdp_dp.c) share: the content of the maps.
 *
 * How a packet finds its flow
 * ---------------------------
 * A flow is an entry of the array `flows`; all state is in arrays that userspace has mapped into its memory, so that
 * installing a flow is a few stores and no system call, and looking one up is arithmetic and no helper call.
 *
 * A mask is the list of those 64-bit words of the key that it has a bit in; a flow's key is kept as these words only.
 * Flows hang in hash chains, by the hash of their mask and masked words.  For a packet, the program tries the masks of
 * its bridge one after the other, which costs about 15 ns each.
 *
 * So that the steady state does not depend on the number of masks there are *hints*: an array indexed by the hash of
 * the packet's key under the union of the bridge's masks, which holds the id of the flow that such a packet took last.
 * A hint is no more than that: the flow's own mask and key decide whether the packet is its.  Because the megaflows of a
 * bridge never overlap, a flow that matches is the right one; so hints are never flushed, need no version, and are
 * shared by all processors without a lock.
 *
 * How it changes under running packets
 * ------------------------------------
 * There is one writer at a time (xdp_dp.c, under the object's mutex) and any number of packets reading.  A new entry is
 * written completely before its number is published by one 32-bit store; replacing a flow's actions is one store of
 * another program's number.  Removing a flow clears its `mask` (no hint finds it any more), unhooks it from its chain
 * and leaves its `next` in place for those who stand on it.  A number is used again only after a grace period, as in
 * RCU: all packets that were under way when it was freed are through.
 *
 * A program that meets a number out of range, or a chain longer than XDP_CHAIN_MAX, treats the packet as a miss: the
 * user engine then forwards it.
 *
 * Counters are kept by processor and summed by the reader.  N_CPUS, which loader.py defines, is how many there are.
 */
#ifndef OVSP4_XDP_MAPS_H
#define OVSP4_XDP_MAPS_H

#include "dp.h"
#include "drop.h"

#define XDP_N_IFINDEX 65536 /* interface indexes that ports and sockets may have */
#define XDP_N_BRIDGES 1024
#define XDP_N_SLOTS 16384 /* ports of all bridges */
#define XDP_N_FLOWS 65536
#define XDP_N_CHAINS 262144
#define XDP_CHAIN_MAX 4 /* at four chains a flow, of 65,536 flows two or three are refused */
#define XDP_N_MASKS 4096
#define XDP_BRIDGE_MASKS 64
#define XDP_MASK_WORDS_MAX 31 /* words of the key that one mask may touch; main.c wants all bits set */
#define XDP_N_HINTS 65536
#define XDP_N_PROGRAMS 16384
#define XDP_N_EDITS 16
#define XDP_N_TTLS 2
#define XDP_N_SELECTS 4096
#define XDP_N_BUCKETS 64
#define XDP_N_HASHES 4096
#define XDP_N_SETS 1024
#define XDP_SET_PORTS 64
#define XDP_N_DROPS 16 /* room for enum drop_reason, a power of two */

/* A key's word under a mask. */
struct xdp_word {
	__u64 bits; /* the mask's bits in it */
	__u32 offset; /* of the word in the key, bytes */
	__u32 pad;
};

/* A mask, the union of masks, or what a select group hashes over. */
struct xdp_mask {
	__u32 n_words;
	__u32 pad;
	struct xdp_word words[XDP_MASK_WORDS_MAX];
};

#define XDP_PORT_VALID 0x1

/* By ifindex. */
struct xdp_port {
	__u64 key_word; /* the first eight bytes of the key: in_port and bridge filled in, no parser error */
	__u32 port;
	__u16 flags; /* XDP_PORT_* */
	__u16 bridge; /* index into `bridges` */
	__u32 slot; /* of the port, for its counters */
	__u32 pad;
};

#define XDP_BRIDGE_CONTINUE 0x1 /* rejected packets are looked up too */

struct xdp_bridge {
	__u32 flags; /* XDP_BRIDGE_* */
	__u32 n_masks;
	__u32 masks[XDP_BRIDGE_MASKS]; /* indexes into `masks` */
	struct xdp_mask any; /* the union of the masks */
};

#define XDP_SELECT 0x80000000 /* in xdp_flow.program: a number of a select */

struct xdp_flow {
	__u32 mask; /* index into `masks`; 0: no flow */
	__u32 hash; /* of mask and key */
	__u32 next; /* in the hash chain; 0: the last */
	__u32 program; /* what to do: index into `programs`, or into `selects` with XDP_SELECT */
	__u64 key[]; /* the masked words, in the order of the mask's */
};

/* Bytes of a flow for a key of `key_size` bytes; whole cache lines. */
#define XDP_MASK_WORDS(key_size) ((key_size) / 8 < XDP_MASK_WORDS_MAX ? (key_size) / 8 : XDP_MASK_WORDS_MAX)
#define XDP_FLOW_SIZE(key_size) ((16 + 8 * XDP_MASK_WORDS(key_size) + 63) / 64 * 64)

enum xdp_out {
	XDP_OUT_NONE = 0, /* dropped */
	XDP_OUT_PORT,
	XDP_OUT_SET,
};

/* A time to live that the program's edits decrement: looked at before anything is changed. */
struct xdp_ttl {
	__u8 header;
	__u8 least; /* below it the packet goes to userspace as it came */
	__u16 offset; /* in the header */
};

/* All that happens to a packet: edits, then one way out.  Equal programs of all flows are one. */
struct xdp_program {
	__u8 out; /* enum xdp_out */
	__u8 back; /* the way out may be the one it came from */
	__u8 n_edits;
	__u8 n_ttls;
	__u32 port; /* OUT_PORT: number */
	__u32 slot; /* OUT_PORT: its slot; OUT_SET: the set */
	struct xdp_ttl ttls[XDP_N_TTLS];
	__u32 pad;
	struct dp_action edits[XDP_N_EDITS];
};

struct xdp_select {
	__u32 hash; /* index into `hashes` */
	__u32 n_buckets;
	__u32 total; /* of the weights */
	__u32 pad;
	__u32 upto[XDP_N_BUCKETS]; /* sum of the weights so far, this bucket included */
	__u32 programs[XDP_N_BUCKETS];
};

/* The ports of a set, for their counters; the devmap of the same number does the sending.  A port without an interface,
 * or whose link is down, is not in the devmap: its copy of the packet counts as a drop. */
struct xdp_set {
	__u32 n_ports;
	__u32 n_absent; /* of these ports, those that are not in the devmap */
	__u64 present; /* the others, a bit each */
	__u32 ports[XDP_SET_PORTS];
	__u32 slots[XDP_SET_PORTS];
};

struct xdp_count {
	__u64 n_packets;
	__u64 n_bytes;
};

struct xdp_port_count {
	struct xdp_count rx, tx;
};

/* The kernel rounds entries up to whole words: as mapped, they stand one behind the other only if they are whole. */
_Static_assert(sizeof(struct xdp_mask) % 8 == 0, "xdp_mask");
_Static_assert(sizeof(struct xdp_port) % 8 == 0, "xdp_port");
_Static_assert(sizeof(struct xdp_bridge) % 8 == 0, "xdp_bridge");
_Static_assert(sizeof(struct xdp_program) % 8 == 0, "xdp_program");
_Static_assert(sizeof(struct xdp_select) % 8 == 0, "xdp_select");
_Static_assert(sizeof(struct xdp_set) % 8 == 0, "xdp_set");

/* A flow's place: mask and words are hashed by hash.h. */
static __always_inline __u64 xdp_hash_start(__u32 mask)
{
	return mask * 0xd6e8feb86659fd93ULL; /* odd, so that no two masks start alike */
}

#endif
