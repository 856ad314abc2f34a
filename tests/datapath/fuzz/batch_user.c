/* The userspace side of the differential fuzzer: makes batches of packets, and parses them.  Built by batch.py with a
 * generated program as program.h. */
#define PROGRAM_TRACE
#include "ctx/user.h"
#include "program.h"
#include "batch.h"

/* Bytes that a packet may need somewhere to get further: a value of a select case, in network order. */
struct fuzz_word {
	__u32 size;
	__u8 bytes[16];
};

__u32 fuzz_answer_size(void)
{
	return sizeof(struct fuzz_answer);
}

/* xorshift64* (Marsaglia 2003; Vigna 2016) */
static __u32 draw(__u64 *state, __u32 below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (__u32)((*state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void random_bytes(__u64 *state, __u8 *to, __u32 size)
{
	__u32 i;

	for (i = 0; i < size; i++)
		to[i] = (__u8)draw(state, 256);
}

/* One change to a packet. */
static void mutate(struct fuzz_packet *packet, __u64 *state, const struct fuzz_packet *seeds, __u32 n_seeds,
		   const struct fuzz_word *words, __u32 n_words)
{
	static const __u8 edges[] = {0x00, 0x01, 0x0f, 0x10, 0x7f, 0x80, 0xf0, 0xff};
	const struct fuzz_packet *other = &seeds[draw(state, n_seeds)];
	const struct fuzz_word *word = n_words ? &words[draw(state, n_words)] : NULL;
	__u32 at = packet->size ? draw(state, packet->size) : 0, n;

	switch (draw(state, 9)) {
	case 0:
		packet->data[at] ^= 1 << draw(state, 8);
		return;
	case 1:
		packet->data[at] = (__u8)draw(state, 256);
		return;
	case 2:
		packet->data[at] = edges[draw(state, sizeof(edges))];
		return;
	case 3: /* shorter */
		packet->size = at;
		return;
	case 4: /* longer */
		n = draw(state, draw(state, 4) ? 40 : FUZZ_PACKET_MAX);
		if (n > FUZZ_PACKET_MAX - packet->size)
			n = FUZZ_PACKET_MAX - packet->size;
		random_bytes(state, packet->data + packet->size, n);
		packet->size += n;
		return;
	case 5: /* the rest of another one */
		if (other->size > at) {
			memcpy(packet->data + at, other->data + at, other->size - at);
			packet->size = other->size;
		}
		return;
	case 6: /* a piece of itself, again */
		n = 1 + draw(state, 32);
		if (at + 2 * n <= FUZZ_PACKET_MAX && at + n <= packet->size) {
			memmove(packet->data + at + n, packet->data + at, n);
			if (packet->size < at + 2 * n)
				packet->size = at + 2 * n;
		}
		return;
	default:
		if (word && at + word->size <= packet->size)
			memcpy(packet->data + at, word->bytes, word->size);
	}
}

/* Fill a batch: each packet a seed with some changes; one of sixteen is nothing but random. */
void fuzz_make(struct fuzz_packet *batch, __u32 n, __u64 *state, const struct fuzz_packet *seeds, __u32 n_seeds,
	       const struct fuzz_word *words, __u32 n_words)
{
	__u32 i, k;

	for (i = 0; i < n; i++) {
		if (!draw(state, 16)) {
			batch[i].size = draw(state, draw(state, 4) ? 128 : FUZZ_PACKET_MAX + 1);
			random_bytes(state, batch[i].data, batch[i].size);
		} else {
			batch[i] = seeds[draw(state, n_seeds)];
		}
		batch[i].in_port = draw(state, 512);
		for (k = draw(state, 5); k > 0; k--)
			mutate(&batch[i], state, seeds, n_seeds, words, n_words);
	}
}

/* Parse a batch.  Returns the number of the first packet that the parser wrote to, else n. */
__u32 fuzz_parse(const struct fuzz_packet *batch, __u32 n, struct fuzz_answer *answers)
{
	static struct parse_result result;
	__u8 data[FUZZ_PACKET_MAX];
	__u32 i;

	for (i = 0; i < n; i++) {
		struct packet pkt = {.data = data, .data_end = data + batch[i].size};
		struct fuzz_answer *answer = &answers[i];
		int rejected;
#ifdef N_VALUE_SETS
		static struct value_sets empty;

		pkt.value_sets = &empty;
#endif
		memcpy(data, batch[i].data, batch[i].size);
		fuzz_prepare(answer, &result, batch[i].in_port);
		rejected = program_parse(&pkt, &answer->key, &result);
		fuzz_answer_of(answer, &result, rejected);
		if (memcmp(data, batch[i].data, batch[i].size))
			return i;
	}
	return n;
}
