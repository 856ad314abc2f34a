/* Target seam, XDP: a packet is what the verifier lets us see of it between data and data_end. */
#ifndef OVSP4_CTX_H
#define OVSP4_CTX_H

#include <uapi/linux/bpf.h>

#ifndef NULL
#define NULL ((void *)0)
#endif
#define memcpy(to, from, size) pkt_copy(to, from, size)
#define memset(to, byte, size) pkt_fill(to, byte, size)

#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")

/* Words that may lie over bytes of any other type. */
typedef __u64 __attribute__((may_alias)) word64;
typedef __u32 __attribute__((may_alias)) word32;
typedef __u16 __attribute__((may_alias)) word16;

#define PKT_FILL_WORDS 64 /* between two barriers */
#define PKT_OFFSET_MAX 0x3fff /* bound that lets the verifier add an offset to a packet pointer */

/* Copy, `size` being constant.  clang copies byte by byte where it does not know of an alignment, which costs more than
 * all else that a parser does; the kernel's JIT targets access any address in words.  The last word may overlap the one
 * before it.  (The verifier insists on alignment on the stack only: flow keys live in a map.) */
static __always_inline void pkt_copy(void *to, const void *from, __u32 size)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < size / 8; i++)
		((word64 *)to)[i] = ((const word64 *)from)[i];
	if (size > 8 && size % 8 > 4) {
		*(word64 *)(to + size - 8) = *(const word64 *)(from + size - 8);
		return;
	}
	if (size & 4)
		*(word32 *)(to + size / 8 * 8) = *(const word32 *)(from + size / 8 * 8);
	if (size & 2)
		*(word16 *)(to + size / 4 * 4) = *(const word16 *)(from + size / 4 * 4);
	if (size & 1)
		*(__u8 *)(to + size - 1) = *(const __u8 *)(from + size - 1);
}

/* Fill, `size` being constant, in words too.  Above a kilobyte clang would make a call of memset out of it, which there is
 * not: the barriers keep it from joining so many. */
static __always_inline void pkt_fill(void *to, __u8 byte, __u32 size)
{
	const __u64 word = byte * 0x0101010101010101ULL;
	__u32 i;

#pragma unroll
	for (i = 0; i < size / 8; i++) {
		((word64 *)to)[i] = word;
		if (i % PKT_FILL_WORDS == PKT_FILL_WORDS - 1)
			asm volatile("" : : : "memory");
	}
	if (size & 4)
		*(word32 *)(to + size / 8 * 8) = (__u32)word;
	if (size & 2)
		*(word16 *)(to + size / 4 * 4) = (__u16)word;
	if (size & 1)
		*(__u8 *)(to + size - 1) = byte;
}

struct value_sets; /* of the generated program, if it has any */

struct packet {
	__u8 *data;
	__u8 *data_end;
	const struct value_sets *value_sets; /* NULL: all are empty */
	__u32 rest; /* bytes of the packet that are not here, but in further buffers */
#ifdef PKT_LIMIT
	__u64 limit; /* bytes; the packet ends here if that is earlier (parse-only runs of padded frames) */
#endif
};

/* The offset is 64 bits wide because a 32-bit one costs two shifts a use on this machine. */
static __always_inline __u8 *pkt_at(const struct packet *pkt, __u64 offset, __u32 size)
{
	__u8 *p;

	if (offset > PKT_OFFSET_MAX)
		return NULL;
#ifdef PKT_LIMIT
	if (offset + size > pkt->limit)
		return NULL;
#endif
	p = pkt->data + offset;
	/* Newer clangs would add to the packet pointer, or compare, another copy of a computed offset than the one that was
	 * bounded, and the verifier does not know that they are the same. */
	if (!__builtin_constant_p(offset)) {
		asm volatile("" : "+r"(offset));
		p = pkt->data + (offset & PKT_OFFSET_MAX);
		asm volatile("" : "+r"(p));
	}
	if (p + size > pkt->data_end)
		return NULL;
	/* Keeps clang from making this a choice between NULL and p, and testing once more: the verifier would not see
	 * that the two tests come out the same. */
	asm volatile("" : "+r"(p));
	if (!p)
		__builtin_unreachable();
	return p;
}

/* Words in the packet at any address: the kernel's JIT targets load them unaligned. */
static __always_inline __u64 pkt_load64(const __u8 *p)
{
	return *(const word64 *)p;
}

static __always_inline void pkt_store64(__u8 *p, __u64 word)
{
	*(word64 *)p = word;
}

static __always_inline __u32 pkt_load32(const __u8 *p)
{
	return *(const word32 *)p;
}

static __always_inline void pkt_store32(__u8 *p, __u32 word)
{
	*(word32 *)p = word;
}

static __always_inline __u16 pkt_load16(const __u8 *p)
{
	return *(const word16 *)p;
}

static __always_inline void pkt_store16(__u8 *p, __u16 word)
{
	*(word16 *)p = word;
}

static __always_inline __u32 pkt_size(const struct packet *pkt)
{
	__u64 size = pkt->data_end - pkt->data;

#ifdef PKT_LIMIT
	if (size > pkt->limit)
		size = pkt->limit;
#endif
	return (__u32)size;
}

/* A number that stays one: clang would make branches of the comparisons that it stands for. */
static __always_inline __u64 pkt_opaque(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/* The whole packet.  (Were its size no opaque number, clang would add to the end's pointer, which the verifier forbids.) */
static __always_inline __u32 pkt_length(const struct packet *pkt)
{
	return (__u32)pkt_opaque(pkt_size(pkt)) + pkt->rest;
}

/* A value that the verifier knows nothing of any more, since it comes back from memory: states that differ in it only
 * become one.  `result` is in a map (on the stack the verifier would remember it). */
#define pkt_forget(result, value) forget(&(result)->scratch, value)

static __always_inline __u64 forget(volatile __u64 *scratch, __u64 value)
{
	*scratch = value;
	return *scratch;
}

#endif
