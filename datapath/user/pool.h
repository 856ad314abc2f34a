/* The buffer pool: the memory (UMEM) that a bridge's packets live in, cut into frames of one size.
 *
 * The way of a frame.  A frame is *free* (on the pool's stack), *receiving* (given to a port: in its fill ring, with the
 * kernel, or in its rx ring) or *sending* (given to a port: in its tx ring, with the kernel, or in its completion ring).
 * A packet is forwarded by moving its frame's address from the rx ring of one port to the tx ring of another: no byte is
 * copied.  While a batch is processed, frames in hand count as still receiving; so whenever the bridge's lock is free,
 *
 *     free + sum over ports (n_rx + n_tx) = n_frames                                       (checked by pool_check())
 *
 * Who owns which frame is written down frame by frame in `owner`.  That costs one store of two bytes for each step, and
 * buys what counters cannot: when a port goes away, also when its interface vanishes under it, the frames that the
 * kernel held for it are known without asking the kernel, and come back exactly once.
 *
 * Nothing starves.  A packet is taken from a port only against a free frame that goes into the port's fill ring in its
 * stead; if there is none the packet is dropped (DROP_NO_BUFFER) and its own frame goes back.  So a port can receive as
 * many frames as it was given at the start, always, and the engine may sleep at any time: there are no debts to settle.
 * Sending is limited by a dynamic threshold (Choudhury and Hahne 1998, the one of shared-memory switch chips): a port
 * may have at most as many frames under way as are free.  One stuck port thus holds at most half of the free frames.
 *
 * All sockets see the same memory under the same addresses, as each registers it anew.  The kernel's XDP_SHARED_UMEM
 * would do the same with less bookkeeping, but ties everything to the first socket: its port could then not be deleted,
 * and no port be added any more once its interface is gone.
 *
 * Used by port.h and forward.h; not thread safe, the bridge's lock covers it.
 */
#ifndef OVSP4_POOL_H
#define OVSP4_POOL_H

#include "dp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FRAME_SHIFT 12
#define FRAME_SIZE (1U << FRAME_SHIFT) /* the kernel wants a power of two, of a page at most */
#define FRAME_HEADROOM 256 /* XDP_PACKET_HEADROOM: where the kernel puts a received packet in its frame */
#define FRAME_ROOM (FRAME_SIZE - FRAME_HEADROOM) /* bytes of a packet in one frame; a larger one takes several */
#define PARTS_MAX ((DP_PACKET_MAX + FRAME_ROOM - 1) / FRAME_ROOM) /* frames of one packet */

#define OWNER_FREE 0
#define OWNER_TX 0x8000 /* or-ed to the port's number: sending, else receiving */

/* What of a packet is in one frame. */
struct part {
	__u64 addr; /* as the rings have it */
	__u32 size; /* bytes */
};

struct pool {
	__u8 *area; /* n_frames frames */
	__u32 n_frames; /* all there are */
	__u32 n_free; /* on the stack */
	__u32 *free; /* the stack: numbers of free frames; last in, first out, as that one is still in the cache */
	__u16 *owner; /* by frame number: OWNER_FREE, or the port's number with or without OWNER_TX */
};

static inline size_t pool_bytes(const struct pool *pool)
{
	return (size_t)pool->n_frames << FRAME_SHIFT;
}

static inline int pool_init(struct pool *pool, __u32 n_frames)
{
	__u32 i;

	pool->n_frames = n_frames;
	pool->n_free = n_frames;
	pool->free = calloc(n_frames, sizeof(*pool->free));
	pool->owner = calloc(n_frames, sizeof(*pool->owner));
	pool->area = mmap(NULL, pool_bytes(pool), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool->area == MAP_FAILED || !pool->free || !pool->owner)
		return -ENOMEM;
	/* A fork would copy every page of it, because the pages are pinned. */
	madvise(pool->area, pool_bytes(pool), MADV_DONTFORK);
	madvise(pool->area, pool_bytes(pool), MADV_HUGEPAGE);
	for (i = 0; i < n_frames; i++)
		pool->free[i] = n_frames - 1 - i;
	return 0;
}

static inline void pool_destroy(struct pool *pool)
{
	if (pool->area && pool->area != MAP_FAILED)
		munmap(pool->area, pool_bytes(pool));
	free(pool->free);
	free(pool->owner);
}

static inline __u8 *pool_data(const struct pool *pool, __u64 addr)
{
	return pool->area + addr;
}

/* The number of the frame that an address of the rings lies in. */
static inline __u32 pool_frame(__u64 addr)
{
	return (__u32)(addr >> FRAME_SHIFT);
}

/* Take a free frame for `owner`: its address, at which a packet may start.  There must be one. */
static inline __u64 pool_take(struct pool *pool, __u16 owner)
{
	__u32 frame = pool->free[--pool->n_free];

	pool->owner[frame] = owner;
	return ((__u64)frame << FRAME_SHIFT) + FRAME_HEADROOM;
}

static inline void pool_give(struct pool *pool, __u64 addr, __u16 owner)
{
	pool->owner[pool_frame(addr)] = owner;
}

static inline void pool_put(struct pool *pool, __u64 addr)
{
	pool->owner[pool_frame(addr)] = OWNER_FREE;
	pool->free[pool->n_free++] = pool_frame(addr);
}

/* Free every frame of a port whose socket is closed. */
static inline void pool_reclaim(struct pool *pool, __u32 port)
{
	__u32 frame;

	for (frame = 0; frame < pool->n_frames; frame++)
		if ((pool->owner[frame] & ~OWNER_TX) == port)
			pool_put(pool, (__u64)frame << FRAME_SHIFT);
}

/* Count the frames that are owned by nobody; 0 if these are the ones on the stack, each once, and n_given are owned. */
static inline int pool_check(const struct pool *pool, __u32 n_given)
{
	__u32 frame, i, n_unowned = 0;
	__u8 *seen = calloc(pool->n_frames, 1);
	int err = seen ? 0 : -ENOMEM;

	for (frame = 0; frame < pool->n_frames; frame++)
		n_unowned += pool->owner[frame] == OWNER_FREE;
	for (i = 0; !err && i < pool->n_free; i++) {
		if (seen[pool->free[i]] || pool->owner[pool->free[i]] != OWNER_FREE)
			err = -EUCLEAN;
		seen[pool->free[i]] = 1;
	}
	if (!err && (n_unowned != pool->n_free || pool->n_free + n_given != pool->n_frames))
		err = -EUCLEAN;
	free(seen);
	return err;
}

#endif
