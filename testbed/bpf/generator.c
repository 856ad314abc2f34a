/* The generator: run on live frames by the kernel's test-run call, writes the next template over each frame and sends
 * it out of an interface.
 *
 * Frames come round again as the network left them (TTL decremented, headers pushed), so every byte is written anew on
 * every frame.  One test run at a time uses these maps; hence no atomics.
 *
 * A run that must not send (not due yet, or enough was sent) drops its frame at once.  So the pace is kept here, to the
 * microsecond, while each system call may be long: one costs 20 ms in which nothing is sent.
 *
 * Fed by testbed/generator.py.  TEMPLATE_WORDS (of 8 bytes) bounds the length of a frame.
 */
#include <uapi/linux/bpf.h>

struct frame {
	__u32 size; /* bytes of the frame */
	__u32 unused;
	__u64 words[TEMPLATE_WORDS]; /* the frame, padded */
};

struct config {
	__u32 ifindex; /* where to send */
	__u32 n_templates;
	__u32 max_size; /* bytes of the longest template, which is what a fresh frame has */
	__u32 vary_offset; /* where to write the frame's number, 4 bytes big endian; 0: nowhere */
	__u64 n_sent; /* frames so far */
	__u64 n_limit; /* how many to send */
	__u64 limit_ns; /* for how long; 0: no matter */
	__u64 interval_ns; /* between two frames; 0: as fast as possible */
	__u64 due_ns; /* boot clock: when the next frame should go, counted from the first */
	__u64 earliest_ns; /* and when it may: half an interval after the last, so that lost time is made up gently */
	__u64 first_ns; /* when the first frame went */
	__u64 last_ns; /* and the last, or one of the last 64 */
	__u32 next; /* template */
	__u32 unused;
};

BPF_ARRAY(config_map, struct config, 1);
BPF_ARRAY(template_map, struct frame, 1024);

#define OFFSET_MASK 0x7ff /* of any frame; what lets the verifier add an offset to a packet pointer */

/* Hide a value from the compiler, which would otherwise prove the mask away and leave the verifier without it. */
#define hide(value) asm volatile("" : "+r"(value))

/* Write the template over the frame: whole words first, then the bytes behind the last one. */
static __always_inline void write_frame(__u8 *data, const __u8 *data_end, const struct frame *frame)
{
	__u64 offset = frame->size & ~7U;
	const __u8 *from;
	__u8 *tail, *end; /* hidden, or clang 19 compares with data_end + 1, and the verifier refuses that sum */
	int i;

#pragma unroll(8)
	for (i = 0; i < TEMPLATE_WORDS; i++) {
		end = data + 8 * i + 8;
		hide(end);
		if (end > data_end)
			break;
		*(__u64 *)(data + 8 * i) = frame->words[i];
	}
	if (offset == frame->size || offset > TEMPLATE_WORDS * 8 - 8)
		return;
	from = (const __u8 *)frame->words + offset;
	hide(offset);
	tail = data + (offset & OFFSET_MASK);
#pragma unroll
	for (i = 0; i < 7; i++) {
		end = tail + i + 1;
		hide(end);
		if (end > data_end)
			break;
		tail[i] = from[i];
	}
}

/* Write the frame's number where the config wants it, so that no two frames are equal. */
static __always_inline void write_number(__u8 *data, const __u8 *data_end, const struct config *config)
{
	__u64 offset = config->vary_offset;
	__u8 *p;

	if (!offset)
		return;
	hide(offset);
	p = data + (offset & OFFSET_MASK);
	if (p + 4 <= data_end)
		*(__be32 *)p = bpf_htonl((__u32)config->n_sent);
}

/* Whether a frame may be sent now.  Looks at the clock for each frame only if there is a pace to keep. */
static __always_inline int is_due(struct config *config)
{
	__u64 now;

	if (config->n_sent >= config->n_limit)
		return 0;
	if (!config->interval_ns && (config->n_sent & 63) && config->n_sent + 1 < config->n_limit)
		return 1;
	now = bpf_ktime_get_ns();
	if (!config->n_sent) {
		config->first_ns = now;
		config->due_ns = now;
	}
	if (config->limit_ns && now - config->first_ns >= config->limit_ns) {
		config->n_limit = config->n_sent;
		config->last_ns = now;
		return 0;
	}
	if (config->interval_ns) {
		if (now < config->due_ns || now < config->earliest_ns)
			return 0;
		config->due_ns += config->interval_ns;
		config->earliest_ns = now + config->interval_ns / 2;
	}
	config->last_ns = now;
	return 1;
}

int generate(struct xdp_md *ctx)
{
	struct frame *frame;
	struct config *config;
	__u32 zero = 0, next;

	config = config_map.lookup(&zero);
	if (!config)
		return XDP_ABORTED;
	if (!is_due(config))
		return XDP_DROP;
	next = config->next;
	frame = template_map.lookup(&next);
	if (!frame)
		return XDP_ABORTED;
	next++;
	config->next = next < config->n_templates ? next : 0;
	if (frame->size != config->max_size && bpf_xdp_adjust_tail(ctx, (int)frame->size - (int)config->max_size))
		return XDP_ABORTED;
	write_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end, frame);
	write_number((void *)(long)ctx->data, (void *)(long)ctx->data_end, config);
	config->n_sent++;
	return bpf_redirect(config->ifindex, 0);
}
