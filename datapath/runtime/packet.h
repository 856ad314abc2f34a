/* What the generated parser needs of its surroundings; the same for both targets.
 *
 * The target's ctx/ header, included first, defines `struct packet` and
 *
 *     static __always_inline __u8 *pkt_at(const struct packet *pkt, __u64 offset, __u32 size);
 *     static __always_inline __u32 pkt_length(const struct packet *pkt);
 *     pkt_load16() pkt_load32() pkt_load64() and pkt_store..(): words at any address, in the machine's order
 *     pkt_forget(result, value): the value, of which the XDP verifier knows nothing any more
 *     pkt_opaque(value): the value, which the XDP compiler must compute without knowing what it is for
 *
 * pkt_at() returns the address of `size` bytes at `offset` if all of them are in the packet's first buffer, else NULL; in
 * XDP the verifier takes the test of that result as the bounds check.  (Only jumbo frames have more than one; headers are
 * in the first, of some 3,500 bytes.)  `size` is a compile-time constant.
 *
 * The order of inclusion in each target's main.c is: ctx/<target>.h, the generated program, the other runtime headers.
 */
#ifndef OVSP4_PACKET_H
#define OVSP4_PACKET_H

#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif

#define N_VISITED 256 /* states that a trace holds; a power of two */
#define HDR_ABSENT 0xffff /* hdr_off of a header that the packet does not have */

/* A generated program defines, before anything else,
 *     PROGRAM_NAME  LAYOUT_HASH  KEY_SIZE  N_HEADERS  N_ERRORS  N_STATES
 * then `struct flow_key` (KEY_SIZE bytes, aligned to 8), includes this header, and defines
 *     static __always_inline int program_parse(struct packet *pkt, struct flow_key *key, struct parse_result *result);
 * A program with parser value sets also defines N_VALUE_SETS and `struct value_sets`, all of its sets with their entries
 * (ir/value_sets.py packs it); the packet points at the bridge's.
 *
 * The caller has zeroed the key and set in_port and bridge; the parser fills in the rest.  It returns 0 for accept and
 * 1 for reject.  In XDP both key and result are in a map, not on the stack.
 */
struct parse_result {
	/* Bytes from the start of the packet; HDR_ABSENT where not valid, not from the packet, or not on a byte. */
	__u16 hdr_off[N_HEADERS] __attribute__((aligned(8)));
	__u64 scratch; /* for pkt_forget() */
	__u32 offset_bits; /* of the cursor when the parser stopped */
	__u32 error; /* index into the layout's errors */
#ifdef PROGRAM_TRACE
	__u32 n_visited; /* states visited, in order; as many as fit */
	__u16 visited[N_VISITED];
	__u32 hdr_bits[N_HEADERS]; /* where each valid header begins, in bits */
#endif
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the byte swaps and HDR_BIT below are for little-endian machines"
#endif

/* A header's bit in the words that become `valid` of the key, where header 0 is the first byte's highest bit. */
#define HDR_BIT(id) (1ULL << ((id) % 64 / 8 * 8 + 7 - (id) % 8))

/* ---- bytes in network order, at any address ---- */
static __always_inline __u16 load_be16(const __u8 *p)
{
	return __builtin_bswap16(pkt_load16(p));
}

static __always_inline __u32 load_be32(const __u8 *p)
{
	return __builtin_bswap32(pkt_load32(p));
}

static __always_inline __u64 load_be64(const __u8 *p)
{
	return __builtin_bswap64(pkt_load64(p));
}

static __always_inline void store_be16(__u8 *p, __u64 value)
{
	pkt_store16(p, __builtin_bswap16((__u16)value));
}

static __always_inline void store_be32(__u8 *p, __u64 value)
{
	pkt_store32(p, __builtin_bswap32((__u32)value));
}

static __always_inline void store_be64(__u8 *p, __u64 value)
{
	pkt_store64(p, __builtin_bswap64(value));
}

/* ---- where the headers are ---- */
static __always_inline void headers_absent(struct parse_result *result)
{
	memset(result->hdr_off, 0xff, sizeof(result->hdr_off));
#ifdef PROGRAM_TRACE
	result->n_visited = 0;
#endif
}

static __always_inline void header_at(struct parse_result *result, __u32 id, __u64 offset)
{
	result->hdr_off[id] = (__u16)offset;
#ifdef PROGRAM_TRACE
	result->hdr_bits[id] = (__u32)(offset * 8);
#endif
}

/* The same where the cursor is counted in bits; a header inside a byte cannot be edited, so it has no offset. */
static __always_inline void header_at_bit(struct parse_result *result, __u32 id, __u64 cursor)
{
	result->hdr_off[id] = cursor % 8 ? HDR_ABSENT : (__u16)(cursor / 8);
#ifdef PROGRAM_TRACE
	result->hdr_bits[id] = (__u32)cursor;
#endif
}

/* Header `to` is now what `from` is (stacks that are pushed or popped, headers that are assigned). */
static __always_inline void header_moved(struct parse_result *result, __u32 to, __u32 from)
{
	result->hdr_off[to] = result->hdr_off[from];
#ifdef PROGRAM_TRACE
	result->hdr_bits[to] = result->hdr_bits[from];
#endif
}

static __always_inline void visit(struct parse_result *result, __u16 state)
{
#ifdef PROGRAM_TRACE
	__u32 n = result->n_visited;

	result->visited[n & (N_VISITED - 1)] = state;
	result->n_visited = n + 1;
#else
	(void)result;
	(void)state;
#endif
}

/* ---- select keys: numbers that are 0 if an arm takes the key, so that an arm of many tests is one branch ---- */
static __always_inline __maybe_unused __u64 key_differs(__u64 key, __u64 mask, __u64 value)
{
	return (key & mask) ^ value;
}

/* Of fewer than 64 bits. */
static __always_inline __maybe_unused __u64 key_outside(__u64 key, __u64 low, __u64 high)
{
	return ((key - low) | (high - key)) >> 63;
}

/* ---- the packet by bits ---- */
static __always_inline int pkt_has(const struct packet *pkt, __u64 size)
{
	return size <= pkt_length(pkt);
}

static __always_inline int pkt_has_bits(const struct packet *pkt, __u64 size)
{
	return size <= (__u64)pkt_length(pkt) * 8;
}

/* Read `width` bits (a constant, 1 .. 64) at bit `cursor`.  Returns 0, or -1 if the packet is too short. */
static __always_inline int pkt_bits(const struct packet *pkt, __u64 cursor, __u32 width, __u64 *value)
{
	__u32 size = (width + 7) / 8; /* bytes that hold the bits, but for `shift` */
	__u32 shift = cursor % 8;
	__u32 end = shift + width;
	const __u8 *p = pkt_at(pkt, cursor / 8, size);
	__u64 word = 0;
	__u32 i;

	if (!p)
		return -1;
	UNROLL
	for (i = 0; i < size; i++)
		word = word << 8 | p[i];
	if (end <= size * 8) {
		word >>= size * 8 - end;
	} else {
		p = pkt_at(pkt, cursor / 8 + size, 1);
		if (!p)
			return -1;
		word = word << (end - size * 8) | p[0] >> (size * 8 + 8 - end);
	}
	*value = width < 64 ? word & ((1ULL << width % 64) - 1) : word;
	return 0;
}

/* Tell whether `n` bits, of which there are at most `max` (a constant), are the same at bits `a` and `b`. */
static __always_inline int pkt_bits_equal(const struct packet *pkt, __u64 a, __u64 b, __u32 n, __u32 max)
{
	__u64 x, y;
	__u32 i, k;

	for (i = 0; i + 8 <= max && i + 8 <= n; i += 8)
		if (pkt_bits(pkt, a + i, 8, &x) || pkt_bits(pkt, b + i, 8, &y) || x != y)
			return 0;
	for (k = 0; k < 7 && i + k < n; k++)
		if (pkt_bits(pkt, a + i + k, 1, &x) || pkt_bits(pkt, b + i + k, 1, &y) || x != y)
			return 0;
	return 1;
}

/* Copy `width` bits (a constant) at bit `cursor` to `to`, whose last byte is filled up with zeros. */
static __always_inline int pkt_copy_bits(const struct packet *pkt, __u64 cursor, __u8 *to, __u32 width)
{
	__u32 size = (width + 7) / 8;
	__u32 shift = cursor % 8;
	const __u8 *p = pkt_at(pkt, cursor / 8, size);
	const __u8 *q;
	__u32 last = 0; /* the byte behind, if bits of it are needed */
	__u32 i;

	if (!p)
		return -1;
	if (shift + width > size * 8) {
		q = pkt_at(pkt, cursor / 8 + size, 1);
		if (!q)
			return -1;
		last = q[0];
	}
	UNROLL
	for (i = 0; i + 1 < size; i++)
		to[i] = (__u8)(p[i] << shift | p[i + 1] >> (8 - shift));
	to[size - 1] = (__u8)((p[size - 1] << shift | last >> (8 - shift)) & (0xff << (size * 8 - width)));
	return 0;
}

#endif
