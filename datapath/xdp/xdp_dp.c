/* The XDP engine as a provider of dp.h: ports, hash masks and counters of a bridge; flows are in flows.c.
 *
 * Built once, for every program: what depends on the program are sizes, which loader.py passes to xdp_object_open().
 * The loader is the caller of the functions that are not in `struct dp_ops`.
 */
#include "bridge.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BRIDGE_OF(dp) ((struct xdp_bridge_dp *)(dp))

/* Attach to an interface in this namespace, in native mode; -EBUSY if there is a program already. */
int xdp_attach(int program_fd, int ifindex)
{
	return bpf_xdp_attach(ifindex, program_fd, XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
}

int xdp_detach(int ifindex)
{
	return bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
}

/* Let packets for userspace that come in at an interface go to an AF_XDP socket bound to its queue 0; `socket` -1 takes
 * it away.  `fd` is the map `sockets` of main.c or of xsk_only.c. */
int xdp_sockets_put(int fd, int ifindex, int socket)
{
	if (ifindex <= 0 || ifindex >= XDP_N_IFINDEX)
		return -ERANGE;
	if (socket < 0)
		return bpf_map_delete_elem(fd, &ifindex) ? -errno : 0;
	return bpf_map_update_elem(fd, &ifindex, &socket, BPF_ANY) ? -errno : 0;
}

/* The slot of a port, made if the port was never heard of. */
int bridge_slot(void *owner, __u32 port, __u32 *slot)
{
	struct xdp_bridge_dp *bridge = owner;
	struct xdp_object *object = bridge->object;
	__u32 id;
	int err;

	if (bridge->slots[port]) {
		*slot = bridge->slots[port];
		return 0;
	}
	err = pool_get(object, &object->slot_pool, &id);
	if (err)
		return err;
	slot_clear(object, id);
	object->slots[id] = (struct slot){.bridge = bridge->id, .port = port};
	bridge->slots[port] = id;
	*slot = id;
	return 0;
}

/* Let packets for a slot go where they should, or nowhere. */
static int slot_changed(struct xdp_object *object, __u32 slot)
{
	int fd = object->fds[FD_TX_PORTS], ifindex = slot_target(&object->slots[slot]), err = 0;

	if (ifindex)
		err = bpf_map_update_elem(fd, &slot, &ifindex, BPF_ANY) ? -errno : 0;
	else
		bpf_map_delete_elem(fd, &slot); /* the kernel has done it already where the interface is gone */
	return err ? err : set_port_changed(object, slot);
}

/* Connect or disconnect (`ifindex` 0) a port's slot; its link is up until somebody says otherwise. */
static int slot_connect(struct xdp_object *object, __u32 slot, int ifindex)
{
	int err;

	object->slots[slot].ifindex = ifindex;
	object->slots[slot].is_down = 0;
	err = slot_changed(object, slot);
	if (err && ifindex)
		slot_connect(object, slot, 0);
	return err;
}

static int connect_port(struct xdp_bridge_dp *bridge, __u32 port, int ifindex)
{
	struct xdp_object *object = bridge->object;
	struct xdp_port *entry = &object->ports[ifindex];
	union {
		__u64 word;
		struct {
			__be32 in_port;
			__u8 parser_error, zero;
			__be16 bridge;
		} key;
	} first = {.key = {.in_port = htonl(port), .bridge = htons((__u16)bridge->id)}};
	__u32 slot;
	int err;

	err = bridge_slot(bridge, port, &slot);
	if (!err)
		err = slot_connect(object, slot, ifindex);
	if (err)
		return err;
	*entry = (struct xdp_port){.key_word = first.word, .port = port, .bridge = (__u16)bridge->id, .slot = slot};
	__atomic_store_n(&entry->flags, XDP_PORT_VALID, __ATOMIC_RELEASE);
	err = xdp_attach(object->fds[FD_PROGRAM], ifindex);
	if (!err)
		return 0;
	__atomic_store_n(&entry->flags, 0, __ATOMIC_RELEASE);
	slot_connect(object, slot, 0);
	return err;
}

static int port_add(struct dp *dp, __u32 port, int ifindex)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	int err;

	if (!port || port >= DP_PORTS_MAX || ifindex <= 0)
		return -EINVAL;
	if (ifindex >= XDP_N_IFINDEX)
		return -ERANGE;
	pthread_mutex_lock(&bridge->object->mutex);
	if (bridge->slots[port] && bridge->object->slots[bridge->slots[port]].ifindex)
		err = -EEXIST;
	else if (bridge->object->ports[ifindex].flags & XDP_PORT_VALID)
		err = -EBUSY;
	else
		err = connect_port(bridge, port, ifindex);
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

/* Say whether a port's link is up.  The kernel would drop what is redirected to one that is down without a trace. */
int xdp_port_link(struct dp *dp, __u32 port, int is_up)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	struct slot *slot;
	int err = -ENOENT;

	if (port >= DP_PORTS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&bridge->object->mutex);
	slot = &bridge->object->slots[bridge->slots[port]];
	if (bridge->slots[port] && slot->ifindex) {
		slot->is_down = !is_up;
		err = slot_changed(bridge->object, bridge->slots[port]);
	}
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

static int disconnect_port(struct xdp_bridge_dp *bridge, __u32 port)
{
	struct xdp_object *object = bridge->object;
	__u32 slot = bridge->slots[port];
	int ifindex = slot ? object->slots[slot].ifindex : 0;

	if (!ifindex)
		return -ENOENT;
	xdp_detach(ifindex); /* fails if the interface is gone, and its program with it */
	__atomic_store_n(&object->ports[ifindex].flags, 0, __ATOMIC_RELEASE);
	bpf_map_delete_elem(object->fds[FD_SOCKETS], &ifindex); /* fails where there is none */
	return slot_connect(object, slot, 0);
}

static int port_del(struct dp *dp, __u32 port)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	int err;

	if (port >= DP_PORTS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&bridge->object->mutex);
	err = disconnect_port(bridge, port);
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

/* The entry of `hashes` for a hash mask's id. */
int bridge_hash(void *owner, __u32 id, __u32 *hash)
{
	struct xdp_bridge_dp *bridge = owner;
	__u32 i;

	for (i = 0; i < bridge->n_hashes; i++) {
		if (bridge->hashes[i].id == id) {
			*hash = bridge->hashes[i].entry;
			return bridge->object->hashes[*hash].n_words == HASH_TOO_LONG ? -EOPNOTSUPP : 0;
		}
	}
	return -EINVAL;
}

static int add_hash(struct xdp_bridge_dp *bridge, __u32 id, __u32 *entry)
{
	struct xdp_hash *hashes;
	int err;

	hashes = realloc(bridge->hashes, (bridge->n_hashes + 1) * sizeof(*hashes));
	if (!hashes)
		return -ENOMEM;
	bridge->hashes = hashes;
	err = pool_get(bridge->object, &bridge->object->hash_pool, entry);
	if (err)
		return err;
	hashes[bridge->n_hashes++] = (struct xdp_hash){.id = id, .entry = *entry};
	return 0;
}

/* A mask of more words than the program looks at is kept as such: selects that use it are refused.  Packets that hash
 * while a mask is replaced may choose any bucket. */
static int hash_put(struct dp *dp, __u32 id, const void *mask)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	struct xdp_mask words;
	__u32 entry;
	int err;

	if (mask_words(&words, mask, dp->info.key_size))
		words.n_words = HASH_TOO_LONG;
	pthread_mutex_lock(&bridge->object->mutex);
	err = bridge_hash(bridge, id, &entry);
	if (err == -EINVAL)
		err = add_hash(bridge, id, &entry);
	if (!err || err == -EOPNOTSUPP) {
		bridge->object->hashes[entry] = words;
		err = 0;
	}
	pthread_mutex_unlock(&bridge->object->mutex);
	return err;
}

static int drops(struct dp *dp, __u64 *counters, __u64 *errors)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	struct xdp_object *object = bridge->object;
	const __u64 *counts;
	__u32 cpu, i;

	memset(counters, 0, DROP_N * sizeof(*counters));
	memset(errors, 0, 256 * sizeof(*errors));
	for (cpu = 0; cpu < object->n_cpus; cpu++) {
		counts = object->drop_counts + (cpu * XDP_N_BRIDGES + bridge->id) * XDP_N_DROPS;
		for (i = 0; i < DROP_N; i++)
			counters[i] += counts[i];
		counts = object->error_counts + (cpu * XDP_N_BRIDGES + bridge->id) * object->n_errors;
		for (i = 0; i < object->n_errors && i < 256; i++)
			errors[i] += counts[i];
	}
	return 0;
}

static int port_stats(struct dp *dp, __u32 port, struct dp_stats *rx, struct dp_stats *tx)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	const struct xdp_port_count *count;
	__u32 cpu;

	memset(rx, 0, sizeof(*rx));
	memset(tx, 0, sizeof(*tx));
	if (port >= DP_PORTS_MAX || !bridge->slots[port])
		return -ENOENT;
	for (cpu = 0; cpu < bridge->object->n_cpus; cpu++) {
		count = &bridge->object->port_counts[cpu * XDP_N_SLOTS + bridge->slots[port]];
		rx->n_packets += count->rx.n_packets;
		rx->n_bytes += count->rx.n_bytes;
		tx->n_packets += count->tx.n_packets;
		tx->n_bytes += count->tx.n_bytes;
	}
	return 0;
}

/* Packets are sent by the user engine: a program in the kernel has none of its own. */
static int execute(struct dp *dp, __u32 in_port, const void *packet, __u32 size, const struct dp_action *actions,
		   __u32 n_actions)
{
	(void)dp, (void)in_port, (void)packet, (void)size, (void)actions, (void)n_actions;
	return -EOPNOTSUPP;
}

/* Give the bridge a new map with all its value sets.  The kernel waits, after such a write, until the packets that are
 * being parsed by the old one are through. */
static int value_sets_put(struct dp *dp, const void *sets, __u32 size)
{
	const struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	int outer = bridge->object->fds[FD_VALUE_SETS], fd, err;
	__u32 zero = 0;

	if (outer < 0)
		return -EOPNOTSUPP;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ovsp4_values", 4, size, 1, NULL);
	if (fd < 0)
		return -errno;
	err = bpf_map_update_elem(fd, &zero, sets, BPF_ANY) ? -errno : 0;
	if (!err)
		err = bpf_map_update_elem(outer, &bridge->id, &fd, BPF_ANY) ? -errno : 0;
	close(fd);
	return err;
}

static void bridge_close(struct dp *dp)
{
	struct xdp_bridge_dp *bridge = BRIDGE_OF(dp);
	struct xdp_object *object = bridge->object;
	__u32 i;

	pthread_mutex_lock(&object->mutex);
	for (i = 1; i < DP_PORTS_MAX; i++)
		disconnect_port(bridge, i);
	flows_clear(bridge);
	for (i = 1; i < DP_PORTS_MAX; i++)
		if (bridge->slots[i])
			pool_put(&object->slot_pool, bridge->slots[i]);
	for (i = 0; i < bridge->n_hashes; i++)
		pool_put(&object->hash_pool, bridge->hashes[i].entry);
	memset(&object->bridges[bridge->id], 0, sizeof(struct xdp_bridge));
	if (object->fds[FD_VALUE_SETS] >= 0)
		bpf_map_delete_elem(object->fds[FD_VALUE_SETS], &bridge->id); /* fails where nothing is: good */
	object->open[bridge->id] = NULL;
	pthread_mutex_unlock(&object->mutex);
	free(bridge->hashes);
	free(bridge);
}

static const struct dp_ops xdp_ops = {
    .port_add = port_add,
    .port_del = port_del,
    .flow_put = xdp_flow_put,
    .flow_mod = xdp_flow_mod,
    .flow_del = xdp_flow_del,
    .flow_stats = xdp_flow_stats,
    .hash_put = hash_put,
    .value_sets_put = value_sets_put,
    .drops = drops,
    .port_stats = port_stats,
    .execute = execute,
    .close = bridge_close,
};

/* Set the bridge's counters to zero. */
static void clear_counts(struct xdp_object *object, __u32 id)
{
	size_t n_errors = object->n_errors;
	__u32 cpu;

	for (cpu = 0; cpu < object->n_cpus; cpu++) {
		memset(object->drop_counts + (cpu * XDP_N_BRIDGES + id) * XDP_N_DROPS, 0, XDP_N_DROPS * sizeof(__u64));
		memset(object->error_counts + (cpu * XDP_N_BRIDGES + id) * n_errors, 0, n_errors * sizeof(__u64));
	}
}

/* Open a bridge on the object.  `id` stands in its packets' keys; `go_on` looks rejected packets up too. */
struct dp *xdp_bridge_open(struct xdp_object *object, __u32 id, int go_on, int *error)
{
	struct xdp_bridge_dp *bridge;

	*error = -EINVAL;
	if (id >= XDP_N_BRIDGES)
		return NULL;
	bridge = calloc(1, sizeof(*bridge));
	pthread_mutex_lock(&object->mutex);
	*error = !bridge ? -ENOMEM : object->open[id] ? -EBUSY : 0;
	if (!*error) {
		clear_counts(object, id);
		object->open[id] = bridge;
		object->bridges[id].flags = go_on ? XDP_BRIDGE_CONTINUE : 0;
	}
	pthread_mutex_unlock(&object->mutex);
	if (*error) {
		free(bridge);
		return NULL;
	}
	bridge->object = object;
	bridge->id = id;
	bridge->dp.ops = &xdp_ops;
	bridge->dp.info = (struct dp_info){
	    .abi_version = DP_ABI_VERSION,
	    .key_size = object->key_size,
	    .layout_hash = object->layout_hash,
	    .engine = "xdp",
	    .program = object->program_name,
	};
	return &bridge->dp;
}
