/* SPDX-License-Identifier: Apache-2.0 */
/* What the generated parser needs of its surroundings; the same for both targets.
 *
 * The target's ctx/ header, included first, defines `struct packet` and
 *
 *     static __always_inline __u8 *pkt_at(const struct packet *pkt, __u32 offset, __u32 size);
 *     static __always_inline __u32 pkt_size(const struct packet *pkt);
 *
 * pkt_at() returns the address of `size` bytes at `offset` if all of them are in the packet, else NULL; in XDP the
 * verifier takes the test of that result as the bounds check.  `size` is a compile-time constant.
 *
 * The order of inclusion in each target's main.c is: ctx/<target>.h, the generated program, the other runtime headers.
 */
#ifndef OVSP4_PACKET_H
#define OVSP4_PACKET_H

#define HDR_ABSENT 0xffff /* hdr_off of a header that the packet does not have */

/* A generated program defines, before anything else,
 *     PROGRAM_NAME  LAYOUT_HASH  KEY_SIZE  N_HEADERS  N_ERRORS  N_STATES
 * then `struct flow_key` (KEY_SIZE bytes, aligned to 8), includes this header, and defines
 *     static __always_inline int program_parse(struct packet *pkt, struct flow_key *key, struct parse_result *result);
 * The caller has zeroed the key and set in_port and bridge; the parser fills in the rest.  It returns 0 for accept and
 * 1 for reject.
 */
struct parse_result {
	__u16 hdr_off[N_HEADERS]; /* bytes from the start of the packet; HDR_ABSENT where not valid */
	__u32 offset_bits; /* of the cursor when the parser stopped */
	__u32 error; /* index into the layout's errors */
#ifdef PROGRAM_TRACE
	__u32 n_visited; /* states visited, in order; as many as fit */
	__u16 visited[128];
#endif
};

static __always_inline __u16 load_be16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

static __always_inline __u32 load_be32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

#endif
