#include "packet_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int packet_in_open(struct packet_in_queue *queue, __u32 key_size)
{
	memset(queue, 0, sizeof(*queue));
	queue->key_size = key_size;
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return queue->event_fd < 0 ? -errno : 0;
}

void packet_in_close(struct packet_in_queue *queue)
{
	struct packet_in *packet;

	while ((packet = packet_in_get(queue)))
		free(packet);
	if (queue->event_fd >= 0)
		close(queue->event_fd);
	queue->event_fd = -1;
}

void packet_in_put(struct packet_in_queue *queue, const struct dp_upcall *upcall)
{
	__u32 n_data = upcall->max_size && upcall->max_size < upcall->n_data ? upcall->max_size : upcall->n_data;
	struct packet_in *packet = NULL;
	__u64 one = 1;

	if (queue->n < PACKET_INS_MAX)
		packet = malloc(sizeof(*packet) + n_data + queue->key_size);
	if (!packet) {
		queue->n_lost++;
		return;
	}
	*packet = (struct packet_in){
	    .reason = upcall->reason, .in_port = upcall->in_port, .size = upcall->size, .n_data = n_data};
	memcpy(packet->bytes, upcall->packet, n_data);
	memcpy(packet->bytes + n_data, upcall->key, queue->key_size);
	queue->ring[(queue->first + queue->n) % PACKET_INS_MAX] = packet;
	queue->n_taken++;
	if (queue->n++)
		return;
	while (write(queue->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

struct packet_in *packet_in_get(struct packet_in_queue *queue)
{
	struct packet_in *packet;
	__u64 n;

	if (!queue->n)
		return NULL;
	packet = queue->ring[queue->first];
	queue->first = (queue->first + 1) % PACKET_INS_MAX;
	if (--queue->n == 0)
		while (read(queue->event_fd, &n, sizeof(n)) < 0 && errno == EINTR)
			;
	return packet;
}
