/* The user engine's thread: rounds over the ports while there is work, sleep when there is none.
 *
 * A round takes the bridge's lock, forwards at most one batch from each port, sends, and gives the lock back, so that a
 * control call waits for one round at most.  After some rounds without a packet the thread sleeps in poll() until a
 * packet arrives or somebody writes to the eventfd; an idle bridge thus uses no processor time.
 *
 * A socket must not be closed while the thread is in poll() on it: see engine_quiesce().  `sleeping` is therefore set
 * with the lock held, and cleared before the lock is taken again.
 */
#ifndef OVSP4_LOOP_H
#define OVSP4_LOOP_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "forward.h"

#define LOOP_IDLE_ROUNDS 32 /* empty rounds before sleep */
#define LOOP_RETRY_MS 1 /* sleep, while a port has packets that the kernel did not take */

static inline __u32 loop_round(struct engine *engine)
{
	__u32 i, n = 0;

	dp_lock_engine(engine->config.lock);
	for (i = 0; i < engine->n_active; i++)
		n += fwd_batch(engine, engine->active[i]);
	engine_flush(engine);
	dp_unlock(engine->config.lock);
	return n;
}

static inline void loop_list_fds(struct engine *engine)
{
	struct loop *loop = &engine->loop;
	__u32 i;

	loop->pollfds[0] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
	loop->pollfds[1] = (struct pollfd){.fd = loop->link_fd, .events = POLLIN};
	for (i = 0; i < engine->n_active; i++)
		loop->pollfds[2 + i] = (struct pollfd){.fd = engine->active[i]->fd, .events = POLLIN};
	loop->n_polled = 2 + engine->n_active;
	loop->generation = engine->generation;
}

/* Something happened to an interface: close the ports whose interface is gone.  Their sockets know it, but poll() does
 * not tell (xsk_poll() looks at the rings only), so a netlink socket says when to ask. */
static inline void loop_bury(struct engine *engine)
{
	char news[4096];
	__u32 i;

	while (recv(engine->loop.link_fd, news, sizeof(news), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		; /* what exactly does not matter */
	dp_lock_engine(engine->config.lock);
	for (i = engine->n_active; i-- > 0;)
		if (port_error(engine->active[i])) {
			engine->n_dead_ports++;
			engine_close_port(engine, engine->active[i]);
		}
	dp_unlock(engine->config.lock);
}

static inline void loop_sleep(struct engine *engine)
{
	struct loop *loop = &engine->loop;
	int timeout_ms;
	__u64 count;

	dp_lock_engine(engine->config.lock);
	if (loop->generation != engine->generation)
		loop_list_fds(engine);
	timeout_ms = engine->n_dirty ? LOOP_RETRY_MS : -1;
	engine->n_sleeps++;
	atomic_store(&loop->sleeping, true);
	dp_unlock(engine->config.lock);
	if (poll(loop->pollfds, loop->n_polled, timeout_ms) < 0)
		loop->pollfds[0].revents = loop->pollfds[1].revents = 0;
	atomic_store(&loop->sleeping, false);
	if (loop->pollfds[0].revents && read(loop->wake_fd, &count, sizeof(count)) < 0)
		return; /* somebody else's write is still to come */
	if (loop->pollfds[1].revents)
		loop_bury(engine);
}

static void *loop_main(void *arg)
{
	struct engine *engine = arg;
	__u32 n_idle = 0;

	while (!atomic_load(&engine->loop.stopping)) {
		n_idle = loop_round(engine) ? 0 : n_idle + 1;
		if (n_idle >= LOOP_IDLE_ROUNDS)
			loop_sleep(engine);
	}
	return NULL;
}

/* Open what the thread sleeps on besides its ports; link_fd belongs to this network namespace. */
static inline int loop_init(struct loop *loop)
{
	const struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	loop->link_fd = -1;
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return -errno;
	loop->link_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (loop->link_fd < 0 || bind(loop->link_fd, (const struct sockaddr *)&links, sizeof(links)))
		return -errno;
	return 0;
}

static inline int loop_start(struct engine *engine)
{
	sigset_t all, before;
	int err;

	if (engine->loop.running)
		return -EALREADY;
	atomic_store(&engine->loop.stopping, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: signals are the main thread's business */
	err = pthread_create(&engine->loop.thread, NULL, loop_main, engine);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	pthread_setname_np(engine->loop.thread, "ovsp4-engine");
	engine->loop.running = true;
	return 0;
}

/* The caller does not hold the lock. */
static inline void loop_stop(struct engine *engine)
{
	if (!engine->loop.running)
		return;
	atomic_store(&engine->loop.stopping, true);
	engine_wake(engine);
	pthread_join(engine->loop.thread, NULL);
	engine->loop.running = false;
}

static inline void loop_destroy(struct loop *loop)
{
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->link_fd >= 0)
		close(loop->link_fd);
}

#endif
