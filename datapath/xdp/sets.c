/* Sets of ports that one packet goes to: a devmap for each set, which the kernel broadcasts over.
 *
 * A write to a map of maps waits for a grace period, some 20 ms.  So the devmaps are made SETS_AT_ONCE at a time, with
 * one write for all of them, and filled as sets come and go: writing to a devmap waits for nothing.  (Before kernel 5.19
 * there is no such write, and they are made one by one.)
 */
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SETS_AT_ONCE 64

/* Give entries of tx_sets their devmaps; returns how many got theirs. */
static int give_devmaps(struct xdp_object *object, const __u32 *ids, const int *fds, __u32 n)
{
	int map = object->fds[FD_TX_SETS];

	if (!bpf_map_update_batch(map, ids, fds, &n, NULL))
		return (int)n;
	return bpf_map_update_elem(map, &ids[0], &fds[0], BPF_ANY) ? -errno : 1;
}

/* Make up to SETS_AT_ONCE more sets, empty. */
static int make_sets(struct xdp_object *object)
{
	__u32 ids[SETS_AT_ONCE], n;
	int fds[SETS_AT_ONCE], n_made = 0, i;

	for (n = 0; n < SETS_AT_ONCE && object->n_sets_made + n < XDP_N_SETS; n++) {
		ids[n] = object->n_sets_made + n;
		fds[n] = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "ovsp4_set", 4, 4, XDP_SET_PORTS, NULL);
		if (fds[n] < 0)
			break;
	}
	if (!n)
		return object->n_sets_made < XDP_N_SETS ? -errno : -ENOSPC;
	n_made = give_devmaps(object, ids, fds, n);
	for (i = 0; i < (int)n; i++)
		close(fds[i]);
	for (i = n_made; i > 0; i--)
		object->set_pool.free[object->set_pool.n_free++] = ids[i - 1];
	object->n_sets_made += n_made > 0 ? n_made : 0;
	return n_made < 0 ? n_made : 0;
}

/* Open a set's devmap. */
static int set_open(struct xdp_object *object, __u32 id)
{
	__u32 map_id;

	if (bpf_map_lookup_elem(object->fds[FD_TX_SETS], &id, &map_id))
		return -errno;
	return bpf_map_get_fd_by_id(map_id);
}

/* Note whether member `i` is in the devmap. */
static void set_present(struct xdp_set *set, __u32 i, int is_present)
{
	__u64 present = is_present ? set->present | 1ULL << i : set->present & ~(1ULL << i);

	__atomic_store_n(&set->present, present, __ATOMIC_RELEASE);
	__atomic_store_n(&set->n_absent, set->n_ports - (__u32)__builtin_popcountll(present), __ATOMIC_RELEASE);
}

/* Make member `i` of an open set's devmap what its slot is now. */
static int set_member(struct xdp_object *object, struct xdp_set *set, int fd, __u32 i)
{
	int ifindex = i < set->n_ports ? slot_target(&object->slots[set->slots[i]]) : 0;
	int err = 0;

	if (!ifindex)
		bpf_map_delete_elem(fd, &i); /* fails where nothing is: good */
	else
		err = bpf_map_update_elem(fd, &i, &ifindex, BPF_ANY) ? -errno : 0;
	if (i < set->n_ports)
		set_present(set, i, ifindex && !err);
	return err;
}

static int set_fill(struct xdp_object *object, __u32 id)
{
	struct xdp_set *set = &object->sets[id];
	int fd = set_open(object, id), err = 0;
	__u32 i;

	if (fd < 0)
		return fd;
	for (i = 0; i < XDP_SET_PORTS && !err; i++)
		err = set_member(object, set, fd, i);
	close(fd);
	return err;
}

static int set_equal(const struct xdp_set *a, const struct xdp_set *b)
{
	return a->n_ports == b->n_ports && !memcmp(a->slots, b->slots, a->n_ports * sizeof(*a->slots));
}

/* Take the set of these ports (sorted, all of one bridge), made if there is none yet. */
int set_get(struct xdp_object *object, __u32 bridge, const struct xdp_set *wanted, __u32 *id)
{
	__u32 i;
	int err;

	for (i = 1; i < object->n_sets_made; i++) {
		if (object->port_sets[i].refs && object->port_sets[i].bridge == bridge &&
		    set_equal(&object->sets[i], wanted)) {
			object->port_sets[i].refs++;
			*id = i;
			return 0;
		}
	}
	if (!object->set_pool.n_free && !object->set_pool.n_parked) {
		err = make_sets(object);
		if (err)
			return err;
	}
	err = pool_get(object, &object->set_pool, &i);
	if (err)
		return err;
	object->sets[i] = *wanted;
	err = set_fill(object, i);
	if (err) {
		pool_put(&object->set_pool, i);
		return err;
	}
	object->port_sets[i] = (struct port_set){.refs = 1, .bridge = bridge};
	*id = i;
	return 0;
}

void set_put(struct xdp_object *object, __u32 id)
{
	if (!--object->port_sets[id].refs)
		pool_put(&object->set_pool, id);
}

/* A port has got or lost its interface or its link: tell the sets it is in. */
int set_port_changed(struct xdp_object *object, __u32 slot)
{
	struct xdp_set *set;
	int fd, err, first_err = 0;
	__u32 id, i;

	for (id = 1; id < object->n_sets_made; id++) {
		if (!object->port_sets[id].refs)
			continue;
		set = &object->sets[id];
		for (i = 0; i < set->n_ports && set->slots[i] != slot; i++)
			;
		if (i == set->n_ports)
			continue;
		fd = set_open(object, id);
		err = fd < 0 ? fd : set_member(object, set, fd, i);
		if (fd >= 0)
			close(fd);
		if (err && !first_err)
			first_err = err;
	}
	return first_err;
}
