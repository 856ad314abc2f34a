/* Target seam, userspace: a packet is a pointer and an end. */
#ifndef OVSP4_CTX_H
#define OVSP4_CTX_H

#include <linux/types.h>
#include <stddef.h>
#include <string.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define UNROLL _Pragma("GCC unroll 64")
#define KEEP_LOOP /* the compiler knows best */

struct value_sets; /* of the generated program, if it has any */

struct packet {
	__u8 *data;
	__u8 *data_end;
	const struct value_sets *value_sets; /* NULL: all are empty */
	__u32 rest; /* bytes of the packet that are not here, but in further buffers */
};

static __always_inline __u8 *pkt_at(const struct packet *pkt, __u64 offset, __u32 size)
{
	__u64 end = (__u64)(pkt->data_end - pkt->data);

	if (offset > end || size > end - offset)
		return NULL;
	return pkt->data + offset;
}

/* Words in the packet at any address. */
static __always_inline __u64 pkt_load64(const __u8 *p)
{
	__u64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static __always_inline void pkt_store64(__u8 *p, __u64 word)
{
	memcpy(p, &word, sizeof(word));
}

static __always_inline __u32 pkt_load32(const __u8 *p)
{
	__u32 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static __always_inline void pkt_store32(__u8 *p, __u32 word)
{
	memcpy(p, &word, sizeof(word));
}

static __always_inline __u16 pkt_load16(const __u8 *p)
{
	__u16 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static __always_inline void pkt_store16(__u8 *p, __u16 word)
{
	memcpy(p, &word, sizeof(word));
}

static __always_inline __u32 pkt_size(const struct packet *pkt)
{
	return (__u32)(pkt->data_end - pkt->data);
}

/* The whole packet. */
static __always_inline __u32 pkt_length(const struct packet *pkt)
{
	return pkt_size(pkt) + pkt->rest;
}

/* Only the verifier needs to be made to forget, and another compiler not to see. */
#define pkt_forget(result, value) (value)
#define pkt_opaque(value) (value)

#endif
