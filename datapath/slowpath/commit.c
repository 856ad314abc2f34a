/* Committing: what set-fields have changed in the working key is written to the packet, and checksums follow.
 *
 * DP_CSUM folds in the difference that the DP_SETs since the last DP_F_RESTART have made.  So pending bits are put into
 * groups, each of the bits that the same checksums cover (at the same parity); a group's bytes are set, then each of
 * its checksums is updated (sums.h).  A checksum that the user has written stands: it is written after everything
 * else, and not updated any more.
 *
 * translate.h has the surroundings.
 */
#include "sums.h"

#define GROUPS_MAX 32 /* of bits with the same checksums; far more than any protocol has */

/* Some bits of one byte. */
struct piece {
	__u32 offset; /* in the key */
	__u8 header;
	__u8 bits;
	__u16 group;
};

struct commit {
	struct sums sums;
	__u64 now[KEY_WORDS_MAX]; /* what is written: `cur`, with the checksums that are computed */
	__u32 n_pieces;
	__u32 n_groups;
	struct sum_set groups[GROUPS_MAX];
	struct piece pieces[DP_KEY_MAX * 2];
};

static const __u8 *bytes(const __u64 *words)
{
	return (const __u8 *)words;
}

/* The bits of a byte of `base` whose value is known for all packets of the megaflow; not for checksum fields, which
 * DP_CSUM changes behind its back. */
static __u8 base_known(const struct xl *x, __u32 offset)
{
	__u8 wild = (__u8)~bytes(x->out->mask)[offset];
	__u8 known = (__u8)~wild;

	if (bytes(x->base.derived)[offset] && wild)
		known = 0;
	return known | bytes(x->base.set)[offset];
}

/* Does the packet, for all that is known, have another value in this byte's pending bits? */
static bool byte_differs(const struct xl *x, __u32 offset)
{
	__u8 equal = (__u8) ~(bytes(x->base.bits)[offset] ^ bytes(x->cur.bits)[offset]);

	return bytes(x->pending)[offset] & ~(equal & base_known(x, offset));
}

/* Takes off `pending` what the packet is known to have already: whole bytes at the ends of each run of pending bytes, for
 * a hole in a run would only make two actions of one.  Checksum fields stay, because the updates of this very commit
 * would change them. */
static void skip_equal(struct xl *x)
{
	const struct sp_layout *layout = x->env->layout;
	__u32 size = x->n_words * 8, start, end;
	__u8 *pending = (__u8 *)x->pending;
	__u64 written[KEY_WORDS_MAX];

	memcpy(written, x->pending, size);
	for (start = 0; start < size; start = end) {
		end = start + 1;
		if (!pending[start])
			continue;
		while (end < size && pending[end])
			end++;
		for (; start < end && !byte_differs(x, start); start++)
			pending[start] = 0;
		for (__u32 last = end; last > start && !byte_differs(x, last - 1); last--)
			pending[last - 1] = 0;
	}
	for (__u32 i = 0; i < layout->n_checksums; i++) {
		__u32 at = sp_checksum_at(layout, &layout->checksums[i]);

		if (sums_header_here(x, layout->checksums[i].header))
			memcpy(pending + at, bytes(written) + at, 2);
	}
}

static __u16 group_of(struct xl *x, struct commit *c, struct sum_set wanted)
{
	__u32 i;

	for (i = 0; i < c->n_groups; i++)
		if (c->groups[i].covering == wanted.covering && c->groups[i].swapped == wanted.swapped)
			return (__u16)i;
	if (i == GROUPS_MAX) {
		xl_overflow(x, XL_SUM_SETS);
		return 0;
	}
	c->groups[c->n_groups++] = wanted;
	return (__u16)i;
}

/* Cuts the pending bits of one header into pieces; with `fields` only those of checksum fields, else only others. */
static void cut_header(struct xl *x, struct commit *c, __u32 header, const __u64 *fields, bool want_fields)
{
	const struct sp_layout *layout = x->env->layout;
	const struct sp_header *slot = &layout->headers[header];

	for (__u32 offset = slot->key_offset; offset < slot->key_offset + slot->size; offset++) {
		__u8 todo = bytes(x->pending)[offset];

		todo &= want_fields ? bytes(fields)[offset] : (__u8)~bytes(fields)[offset];
		while (todo) {
			__u8 bits = todo;
			__u16 group = group_of(x, c, sums_over(x, &c->sums, header, offset, &bits));

			c->pieces[c->n_pieces++] = (struct piece){offset, (__u8)header, bits, group};
			todo &= (__u8)~bits;
		}
	}
}

/* Emits one DP_SET for the piece at `first` and those that follow it directly; returns the piece behind them. */
static __u32 emit_set(struct xl *x, const struct commit *c, __u32 first, __u8 flags)
{
	const struct piece *start = &c->pieces[first];
	struct dp_action *set = xl_emit(x, DP_SET);
	__u32 i, at = sums_packet_offset(x, start->header, start->offset);

	for (i = first; i < c->n_pieces; i++) {
		const struct piece *piece = &c->pieces[i];
		__u32 n = piece->offset - start->offset;

		if (piece->group != start->group || piece->header != start->header || n >= 8 ||
		    (i > first && piece->offset > c->pieces[i - 1].offset + 1) ||
		    sums_packet_offset(x, piece->header, piece->offset) != at + n)
			break;
		if (!set)
			continue;
		set->size = (__u8)(n + 1);
		set->mask[n] |= piece->bits;
		set->value[n] |= bytes(c->now)[piece->offset] & piece->bits;
	}
	if (set) {
		set->header = start->header;
		set->flags = flags;
		set->arg = at;
	}
	return i;
}

/* Brings the pieces of each group together, in order of their place. */
static void sort_pieces(struct commit *c)
{
	for (__u32 i = 1; i < c->n_pieces; i++) {
		struct piece piece = c->pieces[i];
		__u32 j = i;

		for (; j > 0 && c->pieces[j - 1].group > piece.group; j--)
			c->pieces[j] = c->pieces[j - 1];
		c->pieces[j] = piece;
	}
}

static void emit_groups(struct xl *x, struct commit *c)
{
	sort_pieces(c);
	for (__u32 i = 0; i < c->n_pieces;) {
		__u16 number = c->pieces[i].group;
		struct sum_set group = c->groups[number];
		__u8 flags = group.covering ? DP_F_RESTART : DP_F_UNSUMMED;

		while (i < c->n_pieces && c->pieces[i].group == number) {
			i = emit_set(x, c, i, flags);
			flags &= (__u8)~DP_F_RESTART;
		}
		sums_emit(x, &c->sums, group);
	}
	c->n_pieces = c->n_groups = 0;
}

/* The packet has these bits now as `cur` has them. */
static void mark_written(struct xl *x)
{
	for (__u32 i = 0; i < x->n_words; i++) {
		__u64 bits = x->pending[i];

		x->base.bits[i] = (x->base.bits[i] & ~bits) | (x->cur.bits[i] & bits);
		x->base.set[i] |= bits;
		x->moved[i] |= bits;
		x->pending[i] = 0;
	}
}

static void commit_headers(struct xl *x, struct commit *c)
{
	const struct sp_layout *layout = x->env->layout;
	__u64 fields[KEY_WORDS_MAX] = {0};

	for (__u32 i = 0; i < layout->n_checksums; i++)
		if (c->sums.valid & 1ULL << i)
			memset((__u8 *)fields + sp_checksum_at(layout, &layout->checksums[i]), 0xff, 2);
	for (int pass = 0; pass < 2; pass++) {
		for (__u32 h = 0; h < layout->n_headers; h++)
			if (sums_header_here(x, h))
				cut_header(x, c, h, fields, pass);
		emit_groups(x, c);
	}
}

void xl_commit(struct xl *x)
{
	struct commit c;

	if (!bits_any(x->pending, x->n_words))
		return;
	xl_unwildcard(x, x->pending); /* what a bucket must put back has to be known; constants depend on nothing */
	skip_equal(x);
	if (!bits_any(x->pending, x->n_words))
		return;
	c.n_pieces = c.n_groups = 0;
	c.sums = sums_find(x);
	memcpy(c.now, x->cur.bits, x->n_words * sizeof(*c.now));
	sums_compute(x, &c.sums, c.now);
	commit_headers(x, &c);
	mark_written(x);
}

/* A constant stays one; anything else is computed from the packet's byte from now on. */
static void key_decrement(struct xl_key *key, __u32 offset)
{
	__u8 *set = (__u8 *)key->set + offset;

	((__u8 *)key->bits)[offset]--;
	if (*set == 0xff)
		return;
	*set = 0;
	((__u8 *)key->derived)[offset] = 0xff;
}

static void emit_dec_ttl(struct xl *x, __u32 header, __u32 offset, __u8 flags)
{
	struct dp_action *dec = xl_emit(x, DP_DEC_TTL);

	if (dec) {
		dec->header = (__u8)header;
		dec->arg = sums_packet_offset(x, header, offset);
		dec->flags = flags;
	}
}

void xl_ttl_over(struct xl *x, __u32 header, __u32 offset)
{
	if (bytes(x->pending)[offset])
		xl_commit(x);
	emit_dec_ttl(x, header, offset, DP_F_GO_ON | DP_F_UNSUMMED);
}

void xl_dec_ttl(struct xl *x, __u32 header, __u32 offset)
{
	struct sum_set set;
	struct sums sums;
	__u8 bits = 0xff;

	if (bytes(x->pending)[offset])
		xl_commit(x);
	((__u8 *)x->pending)[offset] = 0xff;
	sums = sums_find(x);
	((__u8 *)x->pending)[offset] = 0;
	set = sums_over(x, &sums, header, offset, &bits);
	emit_dec_ttl(x, header, offset, set.covering ? DP_F_RESTART : DP_F_UNSUMMED);
	key_decrement(&x->cur, offset);
	key_decrement(&x->base, offset);
	((__u8 *)x->moved)[offset] = 0xff;
	sums_emit(x, &sums, set);
}
