/* The maps of a loaded program, and the numbers of their entries (object.h). */
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int pool_init(struct pool *pool, __u32 first, __u32 n)
{
	__u32 i;

	pool->free = calloc(n, sizeof(*pool->free));
	pool->parked = calloc(n, sizeof(*pool->parked));
	if (!pool->free || !pool->parked)
		return -ENOMEM;
	for (i = n; i > first; i--)
		pool->free[pool->n_free++] = i - 1;
	return 0;
}

static void pool_unpark(struct pool *pool)
{
	memcpy(pool->free + pool->n_free, pool->parked, pool->n_parked * sizeof(*pool->free));
	pool->n_free += pool->n_parked;
	pool->n_parked = 0;
}

/* Wait until all packets that are under way are through, and set free what was parked.  The kernel waits so after every
 * write to a map of maps (kernel/bpf/syscall.c, maybe_wait_bpf_programs); entry 0 of the sets is there for this. */
static int grace_period(struct xdp_object *object)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	__u32 zero = 0;
	int fd, err;

	fd = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "ovsp4_grace", 4, 4, XDP_SET_PORTS, &opts);
	if (fd < 0)
		return -errno;
	err = bpf_map_update_elem(object->fds[FD_TX_SETS], &zero, &fd, BPF_ANY) ? -errno : 0;
	close(fd);
	if (err)
		return err;
	pool_unpark(&object->masks.pool);
	pool_unpark(&object->programs.pool);
	pool_unpark(&object->selects.pool);
	pool_unpark(&object->flow_pool);
	pool_unpark(&object->slot_pool);
	pool_unpark(&object->hash_pool);
	pool_unpark(&object->set_pool);
	return 0;
}

/* Take a number; waits for a grace period only when all others are in use. */
int pool_get(struct xdp_object *object, struct pool *pool, __u32 *id)
{
	int err;

	if (!pool->n_free && pool->n_parked) {
		err = grace_period(object);
		if (err)
			return err;
	}
	if (!pool->n_free)
		return -ENOSPC;
	*id = pool->free[--pool->n_free];
	return 0;
}

void pool_put(struct pool *pool, __u32 id)
{
	pool->parked[pool->n_parked++] = id;
}

static __u32 content_hash(const void *content, __u32 size)
{
	__u64 hash = 0xcbf29ce484222325ULL, word;
	__u32 i;

	for (i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, (const char *)content + i, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return (__u32)hash;
}

static int intern_init(struct intern *table, void *entries, __u32 size, __u32 n)
{
	table->entries = entries;
	table->size = size;
	table->n_entries = n;
	table->refs = calloc(n, sizeof(__u32));
	table->hashes = calloc(n, sizeof(__u32));
	table->next = calloc(n, sizeof(__u32));
	table->heads = calloc(n, sizeof(__u32));
	if (!table->refs || !table->hashes || !table->next || !table->heads)
		return -ENOMEM;
	return pool_init(&table->pool, 1, n); /* entry 0 stays zero */
}

/* Take the entry with this content, made if there is none yet. */
int intern_get(struct xdp_object *object, struct intern *table, const void *content, __u32 *id)
{
	__u32 hash = content_hash(content, table->size), *head = &table->heads[hash % table->n_entries], i;
	int err;

	for (i = *head; i; i = table->next[i]) {
		if (table->hashes[i] == hash &&
		    !memcmp(table->entries + (size_t)i * table->size, content, table->size)) {
			table->refs[i]++;
			*id = i;
			return 0;
		}
	}
	err = pool_get(object, &table->pool, &i);
	if (err)
		return err;
	memcpy(table->entries + (size_t)i * table->size, content, table->size);
	table->refs[i] = 1;
	table->hashes[i] = hash;
	table->next[i] = *head;
	*head = i;
	*id = i;
	return 0;
}

int intern_put(struct intern *table, __u32 id)
{
	__u32 *link;

	if (--table->refs[id])
		return 0;
	for (link = &table->heads[table->hashes[id] % table->n_entries]; *link != id; link = &table->next[*link])
		;
	*link = table->next[id];
	pool_put(&table->pool, id);
	return 1;
}

/* Make a port slot new: no interface, counters at zero. */
void slot_clear(struct xdp_object *object, __u32 slot)
{
	__u32 cpu;

	bpf_map_delete_elem(object->fds[FD_TX_PORTS], &slot); /* fails where nothing is: good */
	for (cpu = 0; cpu < object->n_cpus; cpu++)
		memset(&object->port_counts[cpu * XDP_N_SLOTS + slot], 0, sizeof(struct xdp_port_count));
}

/* A map that is mapped, and where its address goes. */
struct mapped {
	enum xdp_fd fd;
	size_t size; /* bytes */
	void **address;
};

#define N_MAPPED 13

static void list_mapped(struct xdp_object *object, struct mapped *list)
{
	size_t cpus = object->n_cpus;
	const struct mapped mapped[N_MAPPED] = {
	    {FD_PORTS, sizeof(struct xdp_port) * XDP_N_IFINDEX, (void **)&object->ports},
	    {FD_BRIDGES, sizeof(struct xdp_bridge) * XDP_N_BRIDGES, (void **)&object->bridges},
	    {FD_FLOWS, (size_t)object->flow_size * XDP_N_FLOWS, (void **)&object->flows},
	    {FD_CHAINS, sizeof(__u64) * XDP_N_CHAINS, (void **)&object->chains},
	    {FD_HASHES, sizeof(struct xdp_mask) * XDP_N_HASHES, (void **)&object->hashes},
	    {FD_SETS, sizeof(struct xdp_set) * XDP_N_SETS, (void **)&object->sets},
	    {FD_MASKS, sizeof(struct xdp_mask) * XDP_N_MASKS, (void **)&object->masks.entries},
	    {FD_PROGRAMS, sizeof(struct xdp_program) * XDP_N_PROGRAMS, (void **)&object->programs.entries},
	    {FD_SELECTS, sizeof(struct xdp_select) * XDP_N_SELECTS, (void **)&object->selects.entries},
	    {FD_FLOW_COUNTS, sizeof(struct xdp_count) * XDP_N_FLOWS * cpus, (void **)&object->flow_counts},
	    {FD_PORT_COUNTS, sizeof(struct xdp_port_count) * XDP_N_SLOTS * cpus, (void **)&object->port_counts},
	    {FD_DROP_COUNTS, sizeof(__u64) * XDP_N_BRIDGES * XDP_N_DROPS * cpus, (void **)&object->drop_counts},
	    {FD_ERROR_COUNTS, sizeof(__u64) * XDP_N_BRIDGES * object->n_errors * cpus, (void **)&object->error_counts},
	};

	memcpy(list, mapped, sizeof(mapped));
}

static int map_arrays(struct xdp_object *object)
{
	struct mapped list[N_MAPPED];
	void *memory;
	int i;

	list_mapped(object, list);
	for (i = 0; i < N_MAPPED; i++) {
		memory = mmap(NULL, list[i].size, PROT_READ | PROT_WRITE, MAP_SHARED, object->fds[list[i].fd], 0);
		if (memory == MAP_FAILED)
			return -errno;
		*list[i].address = memory;
	}
	return 0;
}

static void unmap_arrays(struct xdp_object *object)
{
	struct mapped list[N_MAPPED];
	int i;

	list_mapped(object, list);
	for (i = 0; i < N_MAPPED; i++)
		if (*list[i].address)
			munmap(*list[i].address, list[i].size);
}

static int init_tables(struct xdp_object *object)
{
	int err;

	err = intern_init(&object->masks, object->masks.entries, sizeof(struct xdp_mask), XDP_N_MASKS);
	if (!err)
		err = intern_init(&object->programs, object->programs.entries, sizeof(struct xdp_program),
				  XDP_N_PROGRAMS);
	if (!err)
		err = intern_init(&object->selects, object->selects.entries, sizeof(struct xdp_select), XDP_N_SELECTS);
	if (!err)
		err = pool_init(&object->flow_pool, 1, XDP_N_FLOWS);
	if (!err)
		err = pool_init(&object->slot_pool, 1, XDP_N_SLOTS);
	if (!err)
		err = pool_init(&object->hash_pool, 1, XDP_N_HASHES);
	if (!err)
		err = pool_init(&object->set_pool, 0, XDP_N_SETS);
	object->set_pool.n_free = 0; /* sets.c adds them as it makes their devmaps */
	return err;
}

struct xdp_object *xdp_object_open(const int *fds, __u32 key_size, __u32 n_errors, __u32 n_cpus, __u64 layout_hash,
				   const char *program, int *error)
{
	struct xdp_object *object = calloc(1, sizeof(*object));

	*error = -ENOMEM;
	if (!object)
		return NULL;
	pthread_mutex_init(&object->mutex, NULL);
	memcpy(object->fds, fds, sizeof(object->fds));
	object->key_size = key_size;
	object->n_errors = n_errors;
	object->flow_size = XDP_FLOW_SIZE(key_size);
	object->layout_hash = layout_hash;
	strncpy(object->program_name, program, sizeof(object->program_name) - 1);
	object->n_cpus = n_cpus;
	object->n_sets_made = 1; /* entry 0 is grace_period()'s */
	*error = map_arrays(object);
	if (!*error)
		*error = init_tables(object);
	if (!*error)
		return object;
	xdp_object_close(object);
	return NULL;
}

static void pool_free(struct pool *pool)
{
	free(pool->free);
	free(pool->parked);
}

static void intern_free(struct intern *table)
{
	pool_free(&table->pool);
	free(table->refs);
	free(table->hashes);
	free(table->next);
	free(table->heads);
}

/* All bridges are closed.  The file descriptors stay the loader's. */
void xdp_object_close(struct xdp_object *object)
{
	unmap_arrays(object);
	intern_free(&object->masks);
	intern_free(&object->programs);
	intern_free(&object->selects);
	pool_free(&object->flow_pool);
	pool_free(&object->slot_pool);
	pool_free(&object->hash_pool);
	pool_free(&object->set_pool);
	pthread_mutex_destroy(&object->mutex);
	free(object);
}
