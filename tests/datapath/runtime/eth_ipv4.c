/* A program as the compiler emits it, written by hand: Ethernet and IPv4 without options; the engines' unit tests use
 * it where a real P4 program would only be in the way, and the benchmarks as the hand-written parser. */
#define PROGRAM_NAME "eth_ipv4"
#define LAYOUT_HASH 0x0123456789abcdefULL
#define KEY_SIZE 56
#define N_HEADERS 2
#define N_ERRORS 7
#define N_STATES 2

struct flow_key {
	__be32 in_port;
	__u8 parser_error;
	__u8 zero;
	__be16 bridge;
	__u8 valid[8];
	__u8 ethernet[14]; /* at 16 */
	__u8 ipv4[20]; /* at 30 */
	__u8 pad[6];
} __attribute__((aligned(8)));

#include "packet.h"

static __always_inline int program_parse(struct packet *pkt, struct flow_key *key, struct parse_result *result)
{
	__u32 offset = 0;
	__u8 *p;

	result->hdr_off[0] = HDR_ABSENT;
	result->hdr_off[1] = HDR_ABSENT;
	result->error = 0;

	p = pkt_at(pkt, offset, 14);
	if (!p)
		goto too_short;
	memcpy(key->ethernet, p, 14);
	key->valid[0] |= 0x80;
	result->hdr_off[0] = (__u16)offset;
	offset += 14;
	if (load_be16(p + 12) != 0x0800)
		goto accept;
	p = pkt_at(pkt, offset, 20);
	if (!p)
		goto too_short;
	memcpy(key->ipv4, p, 20);
	key->valid[0] |= 0x40;
	result->hdr_off[1] = (__u16)offset;
	offset += 20;
accept:
	result->offset_bits = offset * 8;
	return 0;
too_short:
	result->error = 1;
	key->parser_error = 1;
	result->offset_bits = offset * 8;
	return 1;
}
