/* The userspace side of one loaded XDP program: its maps, and who uses which entries of them.
 *
 * One object serves all bridges with one P4 program.  object.c has the maps, the numbers and the interned entries;
 * translate.c turns lists of dp_action into programs; xdp_dp.c is the provider of dp.h.  maps.h explains what the
 * running program relies on.
 *
 * Each public function of xdp_dp.c takes the object's mutex: bridges of one object have locks of their own.
 */
#ifndef OVSP4_XDP_OBJECT_H
#define OVSP4_XDP_OBJECT_H

#include <linux/types.h>
#include <pthread.h>

#include "ctx/user.h"
#include "maps.h"

/* The order in which loader.py passes the file descriptors. */
enum xdp_fd {
	FD_PROGRAM,
	FD_PORTS,
	FD_BRIDGES,
	FD_MASKS,
	FD_FLOWS,
	FD_CHAINS,
	FD_PROGRAMS,
	FD_SELECTS,
	FD_HASHES,
	FD_SETS,
	FD_FLOW_COUNTS,
	FD_PORT_COUNTS,
	FD_DROP_COUNTS,
	FD_ERROR_COUNTS,
	FD_TX_PORTS,
	FD_TX_SETS,
	FD_SOCKETS,
	FD_VALUE_SETS, /* -1: the program has none */
	FD_N
};

/* Numbers of entries: those free, and those freed that a running packet may still look at. */
struct pool {
	__u32 *free;
	__u32 *parked;
	__u32 n_free, n_parked;
};

/* Entries that equal content shares: programs, selects, masks. */
struct intern {
	struct pool pool;
	char *entries; /* mapped */
	__u32 size; /* of an entry, bytes */
	__u32 n_entries;
	__u32 *refs; /* by entry; 0: not in use */
	__u32 *hashes; /* of the content, by entry */
	__u32 *next; /* in the hash chain, by entry */
	__u32 *heads; /* of the chains */
};

/* A port as an output: stays for as long as its bridge, whether or not an interface is there. */
struct slot {
	__u32 bridge;
	__u32 port;
	int ifindex; /* 0: no interface */
	int is_down; /* the link: nothing is sent */
};

/* Where packets for a slot go; 0: nowhere. */
static inline int slot_target(const struct slot *slot)
{
	return slot->is_down ? 0 : slot->ifindex;
}

struct port_set {
	__u32 refs;
	__u32 bridge;
};

struct xdp_bridge_dp;

struct xdp_object {
	pthread_mutex_t mutex;
	int fds[FD_N];
	__u32 key_size, n_errors, flow_size, n_cpus;
	__u64 layout_hash;
	char program_name[64];
	struct xdp_port *ports;
	struct xdp_bridge *bridges;
	char *flows;
	__u64 *chains;
	struct xdp_mask *hashes;
	struct xdp_set *sets;
	struct xdp_count *flow_counts; /* by processor, then flow; so are the others */
	struct xdp_port_count *port_counts;
	__u64 *drop_counts, *error_counts;
	struct intern masks, programs, selects;
	struct pool flow_pool, slot_pool, hash_pool, set_pool;
	__u32 n_sets_made; /* entries of tx_sets that have a devmap */
	struct slot slots[XDP_N_SLOTS];
	struct port_set port_sets[XDP_N_SETS];
	__u16 flow_bridge[XDP_N_FLOWS]; /* whose flow it is */
	struct xdp_bridge_dp *open[XDP_N_BRIDGES];
};

/* object.c */
struct xdp_object *xdp_object_open(const int *fds, __u32 key_size, __u32 n_errors, __u32 n_cpus, __u64 layout_hash,
				   const char *program, int *error);
void xdp_object_close(struct xdp_object *object);
int pool_get(struct xdp_object *object, struct pool *pool, __u32 *id);
void pool_put(struct pool *pool, __u32 id);
int intern_get(struct xdp_object *object, struct intern *table, const void *content, __u32 *id);
int intern_put(struct intern *table, __u32 id); /* 1: that was the last user */
void slot_clear(struct xdp_object *object, __u32 slot);

/* sets.c */
int set_get(struct xdp_object *object, __u32 bridge, const struct xdp_set *wanted, __u32 *id);
void set_put(struct xdp_object *object, __u32 id);
int set_port_changed(struct xdp_object *object, __u32 slot);

/* What translation needs to know of a bridge. */
struct translation {
	struct xdp_object *object;
	__u32 bridge;
	__u32 in_port; /* the only one that the flow's packets come from; 0: any */
	void *owner;
	int (*slot)(void *owner, __u32 port, __u32 *slot);
	int (*hash)(void *owner, __u32 id, __u32 *hash);
};

/* translate.c: `*program` is what struct xdp_flow has there. */
int translate(struct translation *t, const struct dp_action *actions, __u32 n_actions, __u32 *program);
void translation_put(struct xdp_object *object, __u32 program);

#endif
