/* Random packets through parser, megaflow cache and random actions, for the sanitizers to watch.
 *
 *     fuzz SEED COUNT
 *
 * Each packet has memory of exactly its size, so that a byte read behind it is seen.  Exits with 1 and says why if
 * something that must hold does not.
 */
#include "probe.c"

#include <stdio.h>

#define N_FLOWS 200

static __u64 state;

/* xorshift64* (Marsaglia 2003; Vigna 2016) */
static __u32 draw(__u32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (__u32)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void draw_bytes(void *to, __u32 size)
{
	__u8 *bytes = to;
	__u32 i;

	for (i = 0; i < size; i++)
		bytes[i] = (__u8)draw(256);
}

/* Often a plausible start: random bytes hardly ever get past the EtherType. */
static __u8 *draw_packet(__u32 *size)
{
	static const __u16 ethertypes[] = {0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x9999};
	static const __u8 protocols[] = {1, 6, 17, 58, 4, 41, 47};
	__u16 ethertype = ethertypes[draw(6)];
	__u8 *packet;

	*size = draw(4) ? draw(128) : draw(DP_PACKET_MAX + 1);
	packet = malloc(*size ? *size : 1);
	draw_bytes(packet, *size);
	if (*size >= 14 && draw(8)) {
		packet[12] = (__u8)(ethertype >> 8);
		packet[13] = (__u8)ethertype;
	}
	if (*size >= 24 && draw(4)) {
		packet[14] = (__u8)(0x40 | (draw(2) ? 5 : draw(16)));
		packet[23] = protocols[draw(7)];
	}
	return packet;
}

/* Mostly legal; now and then any bytes at all. */
static __u32 draw_actions(struct dp_action *actions)
{
	__u32 i, n = draw(12);

	for (i = 0; i < n; i++) {
		memset(&actions[i], 0, sizeof(actions[i]));
		if (!draw(16)) {
			draw_bytes(&actions[i], sizeof(actions[i]));
			continue;
		}
		actions[i].op = (__u8)(1 + draw(7));
		actions[i].size = (__u8)(1 + draw(8));
		actions[i].header = (__u8)draw(N_HEADERS + 1);
		actions[i].flags = (__u8)draw(128);
		actions[i].arg = draw(24);
		draw_bytes(actions[i].value, actions[i].size);
		draw_bytes(actions[i].mask, actions[i].size);
		if (actions[i].op == DP_BUCKET || actions[i].op == DP_SELECT)
			actions[i].arg = draw(4);
	}
	return n;
}

static void draw_flow(struct dp *dp, const __u8 *packet, __u32 size)
{
	struct dp_action actions[DP_ACTIONS_MAX];
	__u8 key[KEY_SIZE], mask[KEY_SIZE];
	struct user_parsed parsed;
	__u32 id, i, n;

	user_parse(NULL, packet, size, 1 + draw(3), key, &parsed);
	for (i = 0; i < KEY_SIZE; i++) {
		mask[i] = draw(6) ? 0 : 0xff;
		key[i] &= mask[i];
	}
	n = draw_actions(actions);
	if (dp->ops->flow_put(dp, key, mask, actions, n, &id))
		dp->ops->flow_del(dp, draw(N_FLOWS), NULL);
	else if (!draw(3))
		dp->ops->flow_mod(dp, id, actions, draw(n + 1));
}

static int upcall(void *slow_path, const struct dp_upcall *what, const struct dp_action **actions)
{
	static struct dp_action list[DP_ACTIONS_MAX];
	__u32 n = draw_actions(list);

	check(what->size <= DP_PACKET_MAX && what->n_data <= what->size && what->reason <= DP_UP_TTL,
	      "an upcall without sense");
	if (!draw(4))
		draw_flow(slow_path, what->packet, what->n_data); /* perhaps in place of the flow being run */
	if (what->reason)
		return 0;
	*actions = list;
	return draw(4) ? (int)n : -EPERM;
}

static void check_parse(const __u8 *packet, __u32 size)
{
	__u8 *before = malloc(size ? size : 1), key[KEY_SIZE];
	struct user_parsed parsed;
	__u32 i;

	memcpy(before, packet, size);
	user_parse(NULL, packet, size, 1, key, &parsed);
	check(parsed.offset_bits <= size * 8, "the cursor is behind the packet's end");
	check(parsed.error < N_ERRORS, "an error without a name");
	for (i = 0; i < N_HEADERS; i++)
		check(parsed.hdr_off[i] == HDR_ABSENT || parsed.hdr_off[i] <= size,
		      "a header is behind the packet's end");
	check(!memcmp(before, packet, size), "the parser wrote");
	free(before);
}

int main(int argc, char **argv)
{
	struct dp_lock *lock = user_lock_new();
	const struct user_config config = {.lock = lock, .n_frames = 64, .max_flows = N_FLOWS, .on_reject_continue = 1};
	__u32 i, size, n = argc == 3 ? (__u32)strtoul(argv[2], NULL, 10) : 0;
	__u8 *packet, mask[KEY_SIZE];
	struct user_counters counters;
	struct dp *dp;
	int err;

	check(n > 0, "usage: fuzz SEED COUNT");
	state = strtoull(argv[1], NULL, 10) * 2 + 1;
	dp = user_open(&config, &err);
	check(dp != NULL, "cannot open the engine");
	user_set_upcall(dp, upcall, dp);
	for (i = 0; i < 3; i++) {
		draw_bytes(mask, KEY_SIZE);
		dp->ops->hash_put(dp, i, mask);
	}
	for (i = 0; i < n; i++) {
		packet = draw_packet(&size);
		check_parse(packet, size);
		if (!draw(4))
			draw_flow(dp, packet, size);
		probe_run(dp, packet, size, 1 + draw(3));
		free(packet);
	}
	user_counters(dp, &counters);
	check(!counters.pool_error, "frames are lost");
	printf("%llu hits, %llu misses, %llu flows under %llu masks\n",
	       (unsigned long long)(counters.n_micro_hits + counters.n_mega_hits),
	       (unsigned long long)counters.n_misses, (unsigned long long)counters.n_flows,
	       (unsigned long long)counters.n_masks);
	dp->ops->close(dp);
	user_lock_free(lock);
	return 0;
}
