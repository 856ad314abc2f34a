/* The parsers of parse_tcp.p4 and parse_deep.p4 as one would write them by hand: what the compiler's are held against.
 *
 * Joined behind the generated program, whose flow key they fill: the same headers, validity bits and header offsets, by
 * the same copying helpers, with every read checked.  run_parser() below runs what PARSER says. */
#define PUT(header, size)                                                                                              \
	do {                                                                                                           \
		if (at + (size) > pkt->data_end)                                                                       \
			goto too_short;                                                                                \
		memcpy(key->header, at, size);                                                                         \
		valid |= HDR_BIT(H_##header);                                                                          \
		result->hdr_off[H_##header] = (__u16)(at - pkt->data);                                                 \
	} while (0)

#ifdef BY_HAND_tcp
static __always_inline int parse_by_hand(struct packet *pkt, struct flow_key *key, struct parse_result *result)
{
	const __u8 *at = pkt->data;
	__u64 valid = 0;
	int error = 0;

	headers_absent(result);
	PUT(ethernet, 14);
	at += 14;
	if (load_be16(at - 2) != 0x0800)
		goto done;
	PUT(ipv4, 20);
	at += 20;
	if (at[-11] != 6)
		goto done;
	PUT(tcp, 20);
	at += 20;
	goto done;
too_short:
	error = 1;
	key->parser_error = 1;
done:
	pkt_store64(key->valid, valid);
	result->offset_bits = (__u32)(at - pkt->data) * 8;
	result->error = (__u32)error;
	return error;
}
#endif

#ifdef BY_HAND_deep
/* The label that stands at `at`; the last one is the bottom of the stack, and a ninth there must not be. */
#define LABEL(header)                                                                                                  \
	do {                                                                                                           \
		PUT(header, 4);                                                                                        \
		at += 4;                                                                                               \
		if (at[-2] & 1)                                                                                        \
			goto ipv6;                                                                                     \
	} while (0)

static __always_inline int parse_by_hand(struct packet *pkt, struct flow_key *key, struct parse_result *result)
{
	const __u8 *at = pkt->data;
	__u16 type;
	__u64 valid = 0;
	int error = 0;

	headers_absent(result);
	PUT(ethernet, 14);
	at += 14;
	type = load_be16(at - 2);
	if (type == 0x8100) {
		PUT(vlan_0, 4);
		at += 4;
		type = load_be16(at - 2);
	}
	if (type == 0x8100) {
		PUT(vlan_1, 4);
		at += 4;
		type = load_be16(at - 2);
	}
	if (type == 0x8100)
		goto too_many;
	if (type == 0x86dd)
		goto ipv6;
	if (type != 0x8847)
		goto done;
	LABEL(labels_0);
	LABEL(labels_1);
	LABEL(labels_2);
	LABEL(labels_3);
	LABEL(labels_4);
	LABEL(labels_5);
	LABEL(labels_6);
	LABEL(labels_7);
	goto too_many;
ipv6:
	PUT(ipv6, 40);
	at += 40;
	if (at[-34] != 6)
		goto done;
	PUT(tcp, 20);
	at += 20;
	goto done;
too_many:
	error = 3;
	goto failed;
too_short:
	error = 1;
failed:
	key->parser_error = (__u8)error;
done:
	pkt_store64(key->valid, valid);
	result->offset_bits = (__u32)(at - pkt->data) * 8;
	result->error = (__u32)error;
	return !!error;
}
#endif

/* What the switch has around its parser: the key is in a per-CPU map, and zero at first. */
struct parse_run {
	struct flow_key key;
	struct parse_result result;
};

BPF_PERCPU_ARRAY(runs, struct parse_run, 1);

static __always_inline __maybe_unused int no_parser(struct packet *pkt, struct flow_key *key,
						    struct parse_result *result)
{
	(void)pkt;
	(void)key;
	(void)result;
	return 0;
}

/* A run parses the packet N_PARSES times: the kernel's clock of test runs counts whole nanoseconds.  The packet's ends
 * are read anew each time, so that clang does not think that the result is known. */
int run_parser(struct xdp_md *ctx)
{
	int zero = 0, i;
	__u64 rejected = 0;
	struct parse_run *run = runs.lookup(&zero);
	struct packet pkt = {0};

	if (!run)
		return XDP_ABORTED;
	KEEP_LOOP
	for (i = 0; i < N_PARSES; i++) {
		pkt.data = (__u8 *)(long)*(volatile __u32 *)&ctx->data;
		pkt.data_end = (__u8 *)(long)*(volatile __u32 *)&ctx->data_end;
		memset(&run->key, 0, sizeof(run->key));
		asm volatile("" : : : "memory");
		rejected = pkt_forget(&run->result, rejected | PARSER(&pkt, &run->key, &run->result));
		asm volatile("" : : : "memory");
	}
	return rejected ? XDP_DROP : XDP_PASS;
}

int run_nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}
