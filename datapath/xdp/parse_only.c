/* A program's parser as an XDP program for the kernel's test runs: `ovsp4 parse --engine xdp` and tests.
 *
 * The one entry of map `run` carries the question (in_port, limit) in and the answer out.  The limit is the packet's
 * true length: the kernel refuses test frames under 14 bytes, so short ones are padded. */
struct parse_run {
	struct flow_key key;
	struct parse_result result;
	__u32 rejected;
	__u32 in_port;
	__u32 limit; /* bytes */
	__u32 zero;
#ifdef N_VALUE_SETS
	struct value_sets value_sets;
#endif
};

BPF_ARRAY(run, struct parse_run, 1);

int xdp_parse_only(struct xdp_md *ctx)
{
	int index = 0;
	struct parse_run *answer = run.lookup(&index);
	struct packet pkt = {.data = (void *)(long)ctx->data, .data_end = (void *)(long)ctx->data_end};

	if (!answer)
		return XDP_ABORTED;
	pkt.limit = answer->limit;
#ifdef N_VALUE_SETS
	pkt.value_sets = &answer->value_sets;
#endif
	memset(&answer->key, 0, sizeof(answer->key));
	answer->key.in_port = __builtin_bswap32(answer->in_port);
	answer->rejected = program_parse(&pkt, &answer->key, &answer->result);
	return XDP_PASS;
}
