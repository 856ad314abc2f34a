/* SPDX-License-Identifier: Apache-2.0 */
/* Target seam, XDP: a packet is what the verifier lets us see of it between data and data_end. */
#ifndef OVSP4_CTX_H
#define OVSP4_CTX_H

#include <uapi/linux/bpf.h>

#ifndef NULL
#define NULL ((void *)0)
#endif
#define memcpy __builtin_memcpy
#define memset __builtin_memset

#define PKT_OFFSET_MAX 0x3fff /* bound that lets the verifier add an offset to a packet pointer */

struct packet {
	__u8 *data;
	__u8 *data_end;
};

static __always_inline __u8 *pkt_at(const struct packet *pkt, __u32 offset, __u32 size)
{
	__u8 *p;

	if (offset > PKT_OFFSET_MAX)
		return NULL;
	p = pkt->data + offset;
	if (p + size > pkt->data_end)
		return NULL;
	return p;
}

/* Words in the packet at any address: the kernel's JIT targets load them unaligned. */
static __always_inline __u64 pkt_load64(const __u8 *p)
{
	return *(const __u64 *)p;
}

static __always_inline void pkt_store64(__u8 *p, __u64 word)
{
	*(__u64 *)p = word;
}

static __always_inline __u16 pkt_load16(const __u8 *p)
{
	return *(const __u16 *)p;
}

static __always_inline void pkt_store16(__u8 *p, __u16 word)
{
	*(__u16 *)p = word;
}

static __always_inline __u32 pkt_size(const struct packet *pkt)
{
	return (__u32)(pkt->data_end - pkt->data);
}

#endif
