/* SPDX-License-Identifier: Apache-2.0 */
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

	loop->pollfds[0] = (struct pollfd){ .fd = loop->wake_fd, .events = POLLIN };
	for (i = 0; i < engine->n_active; i++)
		loop->pollfds[1 + i] = (struct pollfd){ .fd = engine->active[i]->fd, .events = POLLIN };
	loop->n_polled = 1 + engine->n_active;
	loop->generation = engine->generation;
}

/* Close ports whose interface is gone.  Their sockets report an error for ever: poll() would not sleep again. */
static inline void loop_bury(struct engine *engine)
{
	struct loop *loop = &engine->loop;
	__u32 i;

	dp_lock_engine(engine->config.lock);
	for (i = 1; i < loop->n_polled && loop->generation == engine->generation; i++)
		if (loop->pollfds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) {
			engine->n_dead_ports++;
			engine_close_port(engine, engine->active[i - 1]); /* a new generation: the next round of sleep
									   * sees to the others */
		}
	dp_unlock(engine->config.lock);
}

static inline void loop_sleep(struct engine *engine)
{
	struct loop *loop = &engine->loop;
	bool failed = false;
	int timeout_ms;
	__u64 count;
	__u32 i;

	dp_lock_engine(engine->config.lock);
	if (loop->generation != engine->generation)
		loop_list_fds(engine);
	timeout_ms = engine->n_dirty ? LOOP_RETRY_MS : -1;
	engine->n_sleeps++;
	atomic_store(&loop->sleeping, true);
	dp_unlock(engine->config.lock);
	poll(loop->pollfds, loop->n_polled, timeout_ms);
	atomic_store(&loop->sleeping, false);
	if (loop->pollfds[0].revents && read(loop->wake_fd, &count, sizeof(count)) < 0)
		return;
	for (i = 1; i < loop->n_polled; i++)
		failed |= (loop->pollfds[i].revents & ~POLLIN) != 0;
	if (failed)
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

#endif
