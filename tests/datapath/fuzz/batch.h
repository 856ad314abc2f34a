/* Many packets at once through one program's parser: what the userspace and the XDP side of the differential fuzzer
 * (batch_user.c, batch_xdp.c) share with batch.py.
 *
 * A batch is an array of packets; each engine turns it into an array of answers that hold all that the engines must
 * agree on, every byte of them defined, so that whole batches are compared with one memcmp(). */
#ifndef OVSP4_FUZZ_BATCH_H
#define OVSP4_FUZZ_BATCH_H

#define FUZZ_PACKET_MAX 512 /* bytes */
#define FUZZ_BATCH 2048 /* packets */
#define FUZZ_VISITED 64 /* states of a trace that are compared */

struct fuzz_packet {
	__u32 size; /* bytes */
	__u32 in_port;
	__u8 data[FUZZ_PACKET_MAX];
};

struct fuzz_answer {
	struct flow_key key;
	__u32 offset_bits; /* of the cursor in the end */
	__u32 error; /* number of the error */
	__u32 rejected;
	__u32 n_visited;
	__u16 visited[FUZZ_VISITED]; /* the first ones, 0 behind the last */
	__u32 hdr_bits[N_HEADERS]; /* where each valid header begins, in bits; 0 for others */
} __attribute__((aligned(8)));

/* Make `result` and the key ready for a run. */
static __always_inline void fuzz_prepare(struct fuzz_answer *answer, struct parse_result *result, __u32 in_port)
{
	__u32 i;

	memset(&answer->key, 0, sizeof(answer->key));
	memset(result->visited, 0, FUZZ_VISITED * sizeof(result->visited[0]));
	for (i = 0; i < N_HEADERS; i++)
		result->hdr_bits[i] = 0;
	answer->key.in_port = __builtin_bswap32(in_port);
}

/* Fill in what a run left in `result`. */
static __always_inline void fuzz_answer_of(struct fuzz_answer *answer, const struct parse_result *result, int rejected)
{
	answer->offset_bits = result->offset_bits;
	answer->error = result->error;
	answer->rejected = rejected != 0;
	answer->n_visited = result->n_visited;
	memcpy(answer->visited, result->visited, sizeof(answer->visited));
#ifndef FUZZ_NO_HEADERS /* the key has validity bits */
	for (__u32 i = 0; i < N_HEADERS; i++)
		answer->hdr_bits[i] = answer->key.valid[i / 8] & (0x80 >> i % 8) ? result->hdr_bits[i] : 0;
#endif
}

#endif
