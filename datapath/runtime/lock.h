/* The one lock of a bridge.
 *
 * The user engine's thread takes it for each batch, so under load it would take it again before a waiting control call
 * is even awake.  Hence the count of waiters: the engine calls dp_lock_engine(), which lets control calls go first.
 */
#ifndef OVSP4_LOCK_H
#define OVSP4_LOCK_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct dp_lock {
	pthread_mutex_t mutex;
	atomic_int n_waiters; /* control calls that want the lock */
};

static inline void dp_lock_init(struct dp_lock *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
	atomic_init(&lock->n_waiters, 0);
}

static inline void dp_lock_control(struct dp_lock *lock)
{
	atomic_fetch_add(&lock->n_waiters, 1);
	pthread_mutex_lock(&lock->mutex);
	atomic_fetch_sub(&lock->n_waiters, 1);
}

static inline void dp_lock_engine(struct dp_lock *lock)
{
	while (atomic_load(&lock->n_waiters) > 0)
		sched_yield();
	pthread_mutex_lock(&lock->mutex);
}

static inline void dp_unlock(struct dp_lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

#endif
