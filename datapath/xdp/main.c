/* The XDP engine's program: parse, find the flow, edit, redirect.
 *
 * loader.py puts the text together that BCC compiles: ctx/xdp.h, the generated program, runtime headers, maps.h (which
 * says how lookup works and what may change meanwhile), this file.  All maps are written by xdp_dp.c.
 *
 * Every packet ends in one of these ways: redirected to a port, or a set of ports; redirected to the AF_XDP socket of
 * its interface as it came (no flow; an action for userspace; time to live over); dropped and counted.
 */

#include "maps.h"

#define MASK_WORDS XDP_MASK_WORDS(KEY_SIZE)
/* Room for the key, a power of two, so that a mask keeps a word's offset within it. */
#define KEY_ROOM                                                                                                       \
	(KEY_SIZE <= 64     ? 64                                                                                       \
	 : KEY_SIZE <= 128  ? 128                                                                                      \
	 : KEY_SIZE <= 256  ? 256                                                                                      \
	 : KEY_SIZE <= 512  ? 512                                                                                      \
	 : KEY_SIZE <= 1024 ? 1024                                                                                     \
			    : 2048)

struct flow_entry {
	struct xdp_flow flow;
	__u64 key[(XDP_FLOW_SIZE(KEY_SIZE) - 16) / 8];
};

/* What is too large, or not aligned enough, for the stack. */
struct scratch {
	union {
		struct flow_key key;
		__u64 words[KEY_ROOM / 8];
		__u8 bytes[KEY_ROOM];
	};
	struct parse_result result;
	__u16 hdr_room[256]; /* so that result.hdr_off may be indexed by any byte */
};

BPF_F_TABLE("array", __u32, struct xdp_port, ports, XDP_N_IFINDEX, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_bridge, bridges, XDP_N_BRIDGES, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_mask, masks, XDP_N_MASKS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct flow_entry, flows, XDP_N_FLOWS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, __u64, chains, XDP_N_CHAINS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_program, programs, XDP_N_PROGRAMS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_select, selects, XDP_N_SELECTS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_mask, hashes, XDP_N_HASHES, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_set, sets, XDP_N_SETS, BPF_F_MMAPABLE);
BPF_ARRAY(hints, __u64, XDP_N_HINTS);
BPF_PERCPU_ARRAY(scratches, struct scratch, 1);
/* Counters by processor, then by number.  (A per-CPU map takes a microsecond an entry to make, and a system call to
 * read.) */
BPF_F_TABLE("array", __u32, struct xdp_count, flow_counts, N_CPUS *XDP_N_FLOWS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, struct xdp_port_count, port_counts, N_CPUS *XDP_N_SLOTS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, __u64, drop_counts, N_CPUS *XDP_N_BRIDGES *XDP_N_DROPS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", __u32, __u64, error_counts, N_CPUS *XDP_N_BRIDGES *N_ERRORS, BPF_F_MMAPABLE);
BPF_DEVMAP(tx_ports, XDP_N_SLOTS);
BPF_DEVMAP(tx_sets_template, XDP_SET_PORTS);
BPF_ARRAY_OF_MAPS(tx_sets, "tx_sets_template", XDP_N_SETS);
BPF_XSKMAP(sockets, XDP_N_IFINDEX);

#ifdef N_VALUE_SETS
/* Each bridge's value sets, a map of one entry, so that all entries change at once; none at first. */
BPF_ARRAY(value_sets_template, struct value_sets, 1);
BPF_ARRAY_OF_MAPS(value_sets, "value_sets_template", XDP_N_BRIDGES);
static void *(*lookup_in_map)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
#endif

/* BCC's own spelling wants a map by name, this one takes what a map of maps gave. */
static long (*redirect_to_map)(void *map, __u64 key, __u64 flags) = (void *)BPF_FUNC_redirect_map;

#define FIRST_BUFFER_MIN 1536 /* bytes: no driver has smaller ones, and a packet has a second when the first is full */
static __u64 (*whole_size)(struct xdp_md *ctx) = (void *)188; /* bpf_xdp_get_buff_len(), Linux 5.18 */

/* A packet at work. */
struct work {
	struct packet pkt;
	struct scratch *scratch; /* its key, and where its headers are */
	const struct xdp_port *port; /* it came in by */
	const struct xdp_bridge *bridge;
	__u32 ifindex; /* the port's */
	__u32 cpu; /* whose counters to use */
	int rejected; /* by the parser, and the bridge goes on */
};

static __always_inline void count_error(const struct work *work)
{
	__u32 i = (work->cpu * XDP_N_BRIDGES + work->port->bridge) * N_ERRORS + work->scratch->result.error;
	__u64 *count = error_counts.lookup(&i);

	if (count)
		*count += 1;
}

static __always_inline void count_rx(const struct work *work)
{
	__u32 i = work->cpu * XDP_N_SLOTS + work->port->slot;
	struct xdp_port_count *count = port_counts.lookup(&i);

	if (count) {
		count->rx.n_packets += 1;
		count->rx.n_bytes += pkt_length(&work->pkt);
	}
}

static __always_inline void count_tx(const struct work *work, __u32 slot)
{
	__u32 i = work->cpu * XDP_N_SLOTS + slot;
	struct xdp_port_count *count = port_counts.lookup(&i);

	if (count) {
		count->tx.n_packets += 1;
		count->tx.n_bytes += pkt_length(&work->pkt);
	}
}

static __always_inline void count_flow(const struct work *work, __u32 id)
{
	__u32 i = work->cpu * XDP_N_FLOWS + id;
	struct xdp_count *count = flow_counts.lookup(&i);

	if (count) {
		count->n_packets += 1;
		count->n_bytes += pkt_length(&work->pkt);
	}
}

static __always_inline int drop_copies(const struct work *work, __u32 reason, __u32 n)
{
	__u32 i = (work->cpu * XDP_N_BRIDGES + work->port->bridge) * XDP_N_DROPS + reason;
	__u64 *count = drop_counts.lookup(&i);

	if (count)
		*count += n;
	return XDP_DROP;
}

static __always_inline int drop(const struct work *work, __u32 reason)
{
	return drop_copies(work, reason, 1);
}

/* Drop a packet that is not yet counted as received. */
static __always_inline int drop_new(const struct work *work, __u32 reason)
{
	count_rx(work);
	return drop(work, reason);
}

/* Hand the packet up as it came; the user engine counts it. */
static __always_inline int to_userspace(const struct work *work)
{
	int verdict = sockets.redirect_map(work->ifindex, XDP_DROP);

	return verdict == XDP_REDIRECT ? verdict : drop_new(work, DROP_UPCALL_FULL);
}

/* The packet's word that a mask's word is about, masked. */
static __always_inline __u64 masked_word(const struct scratch *scratch, const struct xdp_word *word)
{
	return *(__u64 *)(scratch->bytes + (word->offset & (KEY_ROOM - 8))) & word->bits;
}

/* The hash of the packet's words under a mask. */
static __always_inline __u32 hash_words(const struct scratch *scratch, const struct xdp_mask *mask, __u64 hash)
{
	__u32 i;

	for (i = 0; i < MASK_WORDS; i++) {
		if (i >= mask->n_words)
			break;
		hash = hash_word(hash, masked_word(scratch, &mask->words[i]));
	}
	return hash_finish(hash);
}

/* Hash `size` words, a power of two, if the mask's number of words has this bit; larger blocks stand before. */
static __always_inline __u64 hash_block(const struct scratch *scratch, const struct xdp_mask *mask, __u32 size,
					__u64 hash)
{
	__u32 n = *(const volatile __u32 *)&mask->n_words, i; /* read anew: unknown to the verifier behind each block */
	const struct xdp_word *words = mask->words + (n & XDP_MASK_WORDS_MAX & ~(2 * size - 1));

	if (size > MASK_WORDS || !(n & size))
		return hash;
#pragma unroll
	for (i = 0; i < size; i++)
		hash = hash_word(hash, masked_word(scratch, &words[i]));
	return hash;
}

/* The same hash, some nanoseconds slower, for use in a loop: of a loop in a loop the verifier would follow every pair of
 * numbers of rounds, a million instructions where the key is large. */
static __always_inline __u32 hash_words_in_loop(const struct scratch *scratch, const struct xdp_mask *mask, __u64 hash)
{
	hash = hash_block(scratch, mask, 16, hash);
	hash = hash_block(scratch, mask, 8, hash);
	hash = hash_block(scratch, mask, 4, hash);
	hash = hash_block(scratch, mask, 2, hash);
	return hash_finish(hash_block(scratch, mask, 1, hash));
}

/* Is the packet one of this flow's? */
static __always_inline int flow_has(const struct scratch *scratch, const struct flow_entry *entry)
{
	__u32 id = entry->flow.mask, i;
	const struct xdp_mask *mask = masks.lookup(&id);
	__u64 difference = 0;

	if (!id || !mask)
		return 0;
	for (i = 0; i < MASK_WORDS; i++) {
		if (i >= mask->n_words)
			break;
		difference |= masked_word(scratch, &mask->words[i]) ^ entry->key[i];
	}
	return !difference;
}

/* The flow that the packet belongs to by its hash under one of the masks, 0 if none does; still to be compared.  (Were
 * the first whose hash agrees not the right one, once in 2^32, the packet would only miss.) */
static __always_inline __u32 find_flow(const struct scratch *scratch, const struct xdp_bridge *bridge)
{
	const struct flow_entry *entry;
	const struct xdp_mask *mask;
	__u32 i, j, id, mask_id, hash, chain;
	__u64 *head;

	for (i = 0; i < XDP_BRIDGE_MASKS; i++) {
		if (i >= bridge->n_masks)
			break;
		mask_id = bridge->masks[i];
		mask = masks.lookup(&mask_id);
		if (!mask)
			break;
		hash = hash_words_in_loop(scratch, mask, xdp_hash_start(mask_id));
		chain = hash % XDP_N_CHAINS;
		head = chains.lookup(&chain);
		if (!head)
			break;
		id = (__u32)*head;
		for (j = 0; j < XDP_CHAIN_MAX && id; j++) {
			entry = flows.lookup(&id);
			if (!entry)
				break;
			if (entry->flow.hash == hash && entry->flow.mask == mask_id)
				return id;
			id = entry->flow.next;
		}
	}
	return 0;
}

/* The program of the bucket that the packet's key chooses, 0 if there is none. */
static __always_inline __u32 select_bucket(const struct scratch *scratch, __u32 id)
{
	const struct xdp_select *select = selects.lookup(&id);
	const struct xdp_mask *mask;
	__u32 hash_id, point, i;

	if (!select)
		return 0;
	hash_id = select->hash;
	mask = hashes.lookup(&hash_id);
	if (!mask)
		return 0;
	point = hash_point(hash_words(scratch, mask, HASH_START), select->total);
	for (i = 0; i < XDP_N_BUCKETS; i++) {
		if (i >= select->n_buckets)
			break;
		if (point < select->upto[i])
			return select->programs[i];
	}
	return 0;
}

static __always_inline __u32 header_offset(const struct scratch *scratch, __u8 header)
{
	return scratch->result.hdr_off[header];
}

/* Is a time to live that the program decrements over? */
static __always_inline int ttl_is_over(const struct work *work, const struct xdp_program *program)
{
	__u32 i;
	__u8 *p;

	for (i = 0; i < XDP_N_TTLS; i++) {
		if (i >= program->n_ttls)
			break;
		p = pkt_at(&work->pkt, header_offset(work->scratch, program->ttls[i].header) + program->ttls[i].offset,
			   1);
		if (p && *p < program->ttls[i].least)
			return 1;
	}
	return 0;
}

static __always_inline int edit_packet(const struct work *work, const struct xdp_program *program)
{
	struct act_state state = {0};
	__u32 i, header;

	for (i = 0; i < XDP_N_EDITS; i++) {
		if (i >= program->n_edits)
			break;
		header = header_offset(work->scratch, program->edits[i].header);
		if (act_edit(&work->pkt, header, &program->edits[i], &state))
			return 1;
	}
	return 0;
}

static __always_inline int send_to_port(const struct work *work, const struct xdp_program *program)
{
	int verdict;

	if (program->port == work->port->port && !program->back)
		return drop(work, DROP_NO_ACTION);
	verdict = tx_ports.redirect_map(program->slot, XDP_DROP);
	if (verdict != XDP_REDIRECT)
		return drop(work, DROP_BAD_PORT);
	count_tx(work, program->slot);
	return verdict;
}

static __always_inline int send_to_set(const struct work *work, const struct xdp_program *program)
{
	__u32 id = program->slot, back = program->back, i;
	const struct xdp_set *set = sets.lookup(&id);
	void *devices = tx_sets.lookup(&id);

	if (!set || !devices)
		return drop(work, DROP_BAD_PORT);
	for (i = 0; i < XDP_SET_PORTS; i++) {
		if (i >= set->n_ports)
			break;
		if ((back || set->ports[i] != work->port->port) && set->present >> i & 1)
			count_tx(work, set->slots[i]);
	}
	if (set->n_absent)
		drop_copies(work, DROP_BAD_PORT, set->n_absent);
	return redirect_to_map(devices, 0, back ? BPF_F_BROADCAST : BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

static __always_inline int run_program(const struct work *work, const struct xdp_program *program)
{
	if (edit_packet(work, program))
		return drop(work, DROP_BAD_ACTION);
	if (program->out == XDP_OUT_PORT)
		return send_to_port(work, program);
	if (program->out == XDP_OUT_SET)
		return send_to_set(work, program);
	return drop(work, DROP_NO_ACTION);
}

/* The flow of the packet: where the hint says, else by search. */
static __always_inline const struct flow_entry *lookup(const struct scratch *scratch, const struct xdp_bridge *bridge,
						       __u32 *id)
{
	__u32 slot = hash_words(scratch, &bridge->any, HASH_START) % XDP_N_HINTS;
	const struct flow_entry *entry;
	__u64 *hint = hints.lookup(&slot);

	if (!hint)
		return NULL;
	*id = (__u32)*hint;
	entry = flows.lookup(id);
	if (entry && flow_has(scratch, entry))
		return entry;
	*id = find_flow(scratch, bridge);
	if (!*id)
		return NULL;
	entry = flows.lookup(id);
	if (!entry || !flow_has(scratch, entry))
		return NULL;
	*hint = *id;
	return entry;
}

static __always_inline int switch_packet(const struct work *work)
{
	const struct xdp_program *program;
	const struct flow_entry *entry;
	__u32 id, program_id;

	entry = lookup(work->scratch, work->bridge, &id);
	if (!entry)
		return to_userspace(work);
	program_id = entry->flow.program;
	if (program_id & XDP_SELECT)
		program_id = select_bucket(work->scratch, program_id & ~XDP_SELECT);
	program = programs.lookup(&program_id);
	if (!program || ttl_is_over(work, program))
		return to_userspace(work);
	if (work->pkt.rest && program->out == XDP_OUT_SET)
		return to_userspace(work); /* the kernel copies the first buffer only */
	count_flow(work, id);
	count_rx(work);
	if (work->rejected)
		count_error(work);
	return run_program(work, program);
}

static __always_inline void find_value_sets(struct work *work)
{
#ifdef N_VALUE_SETS
	__u32 bridge = work->port->bridge, zero = 0;
	void *of_bridge = value_sets.lookup(&bridge);

	work->pkt.value_sets = of_bridge ? lookup_in_map(of_bridge, &zero) : NULL;
#else
	(void)work;
#endif
}

static __always_inline int parse_packet(struct work *work)
{
	struct scratch *scratch = work->scratch;

	scratch->words[0] = work->port->key_word;
	memset(scratch->words + 1, 0, KEY_SIZE - 8);
	find_value_sets(work);
	return program_parse(&work->pkt, &scratch->key, &scratch->result);
}

int xdp_switch(struct xdp_md *ctx)
{
	struct work work = {.pkt = {.data = (__u8 *)(long)ctx->data, .data_end = (__u8 *)(long)ctx->data_end}};
	__u32 ifindex = ctx->ingress_ifindex, cpu = bpf_get_smp_processor_id(), bridge_id, zero = 0;

	work.ifindex = ifindex;
	work.cpu = cpu < N_CPUS ? cpu : 0; /* one that came up since counts with the first */
	work.port = ports.lookup(&ifindex);
	work.scratch = scratches.lookup(&zero);
	if (!work.port || !work.scratch)
		return XDP_DROP;
	bridge_id = work.port->bridge;
	work.bridge = bridges.lookup(&bridge_id);
	if (!(work.port->flags & XDP_PORT_VALID) || !work.bridge)
		return drop(&work, DROP_UNKNOWN_PORT);
	if (pkt_size(&work.pkt) >= FIRST_BUFFER_MIN)
		work.pkt.rest = (__u32)whole_size(ctx) - pkt_size(&work.pkt);
	if (pkt_length(&work.pkt) > DP_PACKET_MAX)
		return drop_new(&work, DROP_TOO_LONG);
	work.rejected = parse_packet(&work);
	/* Read anew, since the verifier knows for each way through the parser how much of the packet was looked at: with
	 * that forgotten, and the verdict below, what follows is verified once instead of once a way. */
	work.pkt.data = (__u8 *)(long)*(volatile __u32 *)&ctx->data;
	work.pkt.data_end = (__u8 *)(long)*(volatile __u32 *)&ctx->data_end;
	if (work.rejected && !(work.bridge->flags & XDP_BRIDGE_CONTINUE)) {
		count_error(&work);
		return drop_new(&work, DROP_PARSER_REJECT);
	}
	work.rejected = (int)pkt_forget(&work.scratch->result, work.rejected);
	return switch_packet(&work);
}
