/* The XDP side of the differential fuzzer: each run of a test run with `repeat` takes the next packet of the batch,
 * writes it into the frame, parses it and leaves the answer.  Joined with a generated program by batch.py. */
BPF_F_TABLE("array", int, struct fuzz_packet, batch, FUZZ_BATCH, BPF_F_MMAPABLE);
BPF_F_TABLE("array", int, struct fuzz_answer, answers, FUZZ_BATCH, BPF_F_MMAPABLE);
BPF_F_TABLE("array", int, __u64, turn, 1, BPF_F_MMAPABLE); /* number of the next packet */
BPF_ARRAY(results, struct parse_result, 1);
#ifdef N_VALUE_SETS
BPF_ARRAY(value_sets, struct value_sets, 1); /* empty */
#endif

/* bpf_xdp_store_bytes(), Linux 5.18, which BCC's headers may not know */
static long (*fuzz_store)(struct xdp_md *ctx, __u32 offset, void *from, __u32 size) = (void *)190;

int xdp_fuzz(struct xdp_md *ctx)
{
	int zero = 0, i;
	__u64 *next = turn.lookup(&zero);
	struct parse_result *result = results.lookup(&zero);
	struct packet pkt = {};
	struct fuzz_packet *from;
	struct fuzz_answer *answer;
	int rejected;

	if (!next || !result)
		return XDP_ABORTED;
	i = (int)*next;
	*next += 1;
	from = batch.lookup(&i);
	answer = answers.lookup(&i);
	if (!from || !answer || fuzz_store(ctx, 0, from->data, FUZZ_PACKET_MAX))
		return XDP_ABORTED;
	pkt.data = (void *)(long)ctx->data;
	pkt.data_end = (void *)(long)ctx->data_end;
	pkt.limit = from->size;
#ifdef N_VALUE_SETS
	pkt.value_sets = value_sets.lookup(&zero);
	if (!pkt.value_sets)
		return XDP_ABORTED;
#endif
	fuzz_prepare(answer, result, from->in_port);
	rejected = program_parse(&pkt, &answer->key, result);
	fuzz_answer_of(answer, result, rejected);
	return XDP_PASS;
}
