/* A port: one AF_XDP socket on queue 0 of an interface, with its four rings (copy mode: a veth has no other).
 *
 *     fill ->  kernel  -> rx       frames for receiving, each comes back as a packet
 *     tx   ->  kernel  -> comp     packets to send, each comes back as an empty frame
 *
 * The kernel sends only when told so (port_kick()), a limited number a call; the engine tells it once a batch.
 *
 * An interface that vanishes ends the socket: the port is then *dead*, holds no frames, and drops what is sent to it until
 * it is deleted.  An interface that is merely down makes kicks fail with ENETDOWN: the port's link is *down*, packets for
 * it are dropped, and each batch that has some tries again.
 *
 * Used by forward.h, loop.h and main.c; the bridge's lock covers it.
 */
#ifndef OVSP4_PORT_H
#define OVSP4_PORT_H

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "dp.h"
#include "pool.h"

#define PORT_RING_SIZE 2048 /* of each ring */
#define PORT_SHARE_MIN 32 /* frames for receiving that a port needs to be of use */
#define PORT_SHARE_MAX (PORT_RING_SIZE / 2)
#define PORT_SNDBUF (4 << 20) /* bytes: the default lets only some 250 packets be under way */
#define PORT_KICK_BUDGET 256 /* packets a kick may send */

#define PORT_BUSY_TRIES 50 /* the kernel frees the queue of a closed socket a little later, by a work queue */
#define PORT_BUSY_US 2000

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9 /* include/uapi/linux/if_xdp.h of Linux 6.18; else 32 */
#endif

/* include/uapi/linux/if_xdp.h of Linux 6.6 */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4) /* at bind: packets may take several frames */
#define XDP_PKT_CONTD (1 << 0) /* of a descriptor: the packet goes on in the next */
#endif

struct port {
	__u32 number; /* 0: there is no such port */
	int fd; /* the socket; -1 when dead */
	bool takes_parts; /* packets may take several frames: the kernel is 6.6 or later */
	bool link_down; /* the last kick said so */
	bool no_carrier; /* the control side said so: the kernel would drop what is sent without a word */
	bool dirty; /* has packets to kick out, is in the engine's list of such ports */
	__u32 n_queued; /* descriptors written to tx, not yet shown to the kernel */
	__u32 n_rx; /* frames given for receiving */
	__u32 n_tx; /* frames given for sending, queued ones included */
	struct dp_stats received; /* packets taken from rx */
	struct dp_stats sent; /* packets put into tx */
	__u64 n_lost_buffer; /* packets that the kernel dropped for want of a frame, while the socket lived */
	__u64 n_lost_long; /* the same, larger than a frame */
	struct xsk_umem *umem; /* the pool, as registered with this socket */
	struct xsk_socket *xsk; /* NULL when dead */
	struct xsk_ring_prod fill;
	struct xsk_ring_cons comp;
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
};

/* Move up to `n` frames from the pool into the fill ring; returns how many.
 *
 * There is always room for them.  The kernel takes entries and says so only when it has used all that it saw, so the
 * ring may seem to hold nearly twice what is in it: hence PORT_SHARE_MAX is half of its size. */
static inline __u32 port_fill(struct port *port, struct pool *pool, __u32 n)
{
	__u32 i, idx;

	if (n > pool->n_free)
		n = pool->n_free;
	if (!n || !xsk_ring_prod__reserve(&port->fill, n, &idx))
		return 0;
	for (i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&port->fill, idx + i) = pool_take(pool, (__u16)port->number);
	xsk_ring_prod__submit(&port->fill, n);
	port->n_rx += n;
	return n;
}

static inline int port_socket(struct port *port, struct pool *pool, const char *ifname, __u16 more_flags)
{
	const struct xsk_umem_config memory = {
	    .fill_size = PORT_RING_SIZE,
	    .comp_size = PORT_RING_SIZE,
	    .frame_size = FRAME_SIZE,
	};
	const struct xsk_socket_config config = {
	    .rx_size = PORT_RING_SIZE,
	    .tx_size = PORT_RING_SIZE,
	    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
	    .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP | more_flags,
	};
	int err = xsk_umem__create(&port->umem, pool->area, pool_bytes(pool), &port->fill, &port->comp, &memory);

	if (err)
		return err;
	err = xsk_socket__create(&port->xsk, ifname, 0, port->umem, &port->rx, &port->tx, &config);
	if (err) {
		port->xsk = NULL;
		xsk_umem__delete(port->umem);
	}
	return err;
}

/* Open `port` on the interface, with `share` frames for receiving. */
static inline int port_open(struct port *port, struct pool *pool, __u32 number, int ifindex, __u32 share)
{
	const int size = PORT_SNDBUF, budget = PORT_KICK_BUDGET;
	char ifname[IF_NAMESIZE];
	int i, err = 0;

	if (!if_indextoname((unsigned int)ifindex, ifname))
		return -errno;
	memset(port, 0, sizeof(*port));
	port->takes_parts = true;
	for (i = 0; i < PORT_BUSY_TRIES; i++) {
		err = port_socket(port, pool, ifname, port->takes_parts ? XDP_USE_SG : 0);
		if (err == -EINVAL && port->takes_parts)
			port->takes_parts = false;
		else if (err != -EBUSY)
			break;
		else
			usleep(PORT_BUSY_US);
	}
	if (err)
		return err;
	port->number = number;
	port->fd = xsk_socket__fd(port->xsk);
	/* Both are for speed only: where the kernel refuses, it works with what it has. */
	setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(port->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
	port_fill(port, pool, share);
	return 0;
}

/* What the kernel dropped before the engine saw it. */
static inline void port_lost(const struct port *port, __u64 *n_buffer, __u64 *n_long)
{
	struct xdp_statistics stats = {0};
	socklen_t size = sizeof(stats);

	*n_buffer = port->n_lost_buffer;
	*n_long = port->n_lost_long;
	if (port->fd < 0 || getsockopt(port->fd, SOL_XDP, XDP_STATISTICS, &stats, &size))
		return;
	/* rx_dropped counts the packets without a frame, too. */
	*n_buffer += stats.rx_fill_ring_empty_descs + stats.rx_ring_full;
	if (stats.rx_dropped > stats.rx_fill_ring_empty_descs)
		*n_long += stats.rx_dropped - stats.rx_fill_ring_empty_descs;
}

static inline void port_close_socket(struct port *port)
{
	xsk_socket__delete(port->xsk);
	xsk_umem__delete(port->umem);
	port->xsk = NULL;
	port->fd = -1;
}

/* Close the socket; the port is dead.  When close() returns the kernel writes to its frames no more, so they come back at
 * once: what was sent had been copied, and what was received is lost.  Nobody may be in poll() on it (loop.h). */
static inline void port_close(struct port *port, struct pool *pool)
{
	if (!port->xsk)
		return;
	port_lost(port, &port->n_lost_buffer, &port->n_lost_long);
	port_close_socket(port);
	port->n_rx = 0;
	port->n_tx = 0;
	port->n_queued = 0;
	pool_reclaim(pool, port->number);
}

/* The socket's error: ENETDOWN once its interface is gone, else 0. */
static inline int port_error(const struct port *port)
{
	socklen_t size = sizeof(int);
	int err = 0;

	return getsockopt(port->fd, SOL_SOCKET, SO_ERROR, &err, &size) ? errno : err;
}

/* Take back the frames of packets that were sent. */
static inline void port_complete(struct port *port, struct pool *pool)
{
	__u32 i, idx, n;

	if (!port->n_tx)
		return;
	n = xsk_ring_cons__peek(&port->comp, PORT_RING_SIZE, &idx);
	for (i = 0; i < n; i++)
		pool_put(pool, *xsk_ring_cons__comp_addr(&port->comp, idx + i));
	if (n)
		xsk_ring_cons__release(&port->comp, n);
	port->n_tx -= n;
}

/* Put a packet into the tx ring; the kernel sees it at the next port_kick().  False if there is no room. */
static inline bool port_queue(struct port *port, struct pool *pool, const struct part *parts, __u32 n)
{
	struct xdp_desc *desc;
	__u32 i, idx;

	if (port->n_tx + n > pool->n_free || !xsk_ring_prod__reserve(&port->tx, n, &idx))
		return false;
	for (i = 0; i < n; i++) {
		desc = xsk_ring_prod__tx_desc(&port->tx, idx + i);
		desc->addr = parts[i].addr;
		desc->len = parts[i].size;
		desc->options = i + 1 < n ? XDP_PKT_CONTD : 0;
		pool_give(pool, parts[i].addr, (__u16)(port->number | OWNER_TX));
		port->sent.n_bytes += parts[i].size;
	}
	port->n_queued += n;
	port->n_tx += n;
	port->sent.n_packets++;
	return true;
}

/* Descriptors that the kernel has not taken from tx yet. */
static inline __u32 port_unsent(const struct port *port)
{
	return *port->tx.producer - __atomic_load_n(port->tx.consumer, __ATOMIC_ACQUIRE);
}

/* Show the kernel what is queued, and make it send.  Returns -ENXIO if the interface is gone, else 0: what the kernel did
 * not take stays in the ring for the next kick. */
static inline int port_kick(struct port *port)
{
	__u32 before, after;

	if (port->n_queued)
		xsk_ring_prod__submit(&port->tx, port->n_queued);
	port->n_queued = 0;
	port->link_down = false;
	for (after = port_unsent(port); after;) {
		before = after;
		if (sendto(port->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY) {
			port->link_down = errno == ENETDOWN;
			return errno == ENXIO ? -ENXIO : 0;
		}
		after = port_unsent(port);
		if (after == before)
			return 0;
	}
	return 0;
}

#endif
