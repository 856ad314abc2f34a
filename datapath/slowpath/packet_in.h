/* Packets on their way to the controller: a bounded queue, filled by upcalls (slowpath.c) and emptied from Python
 * (bridge.py), with an eventfd that is readable while something may be in it.  Protected by the bridge's lock.  When it
 * is full the newest packet is not taken, and counted: forwarding does not wait for a controller. */
#ifndef OVSP4_PACKET_IN_H
#define OVSP4_PACKET_IN_H

#include "dp.h"

#define PACKET_INS_MAX 1024

struct packet_in {
	__u32 reason; /* enum dp_upcall_reason */
	__u32 in_port;
	__u32 size; /* of the packet, bytes */
	__u32 n_data; /* bytes of it that are here */
	__u8 bytes[]; /* the data, then the key */
};

struct packet_in_queue {
	int event_fd; /* -1 if there is none */
	__u32 key_size; /* bytes */
	__u32 first; /* index of the oldest */
	__u32 n; /* how many are queued */
	__u64 n_taken; /* ever queued */
	__u64 n_lost; /* found the queue full */
	struct packet_in *ring[PACKET_INS_MAX];
};

int packet_in_open(struct packet_in_queue *queue, __u32 key_size);
void packet_in_close(struct packet_in_queue *queue);
void packet_in_put(struct packet_in_queue *queue, const struct dp_upcall *upcall);

/* Takes the oldest, to be freed by the caller; NULL if there is none. */
struct packet_in *packet_in_get(struct packet_in_queue *queue);

#endif
