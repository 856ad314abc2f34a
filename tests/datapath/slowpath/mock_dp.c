/* An engine as the slow path sees it, for tests: keeps megaflows in a list, runs their actions on packets that a test
 * has parsed, and counts what is asked of it.  It can be told to refuse some actions, as the XDP engine may. */
#include "ctx/user.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "actions.h"
#include "lock.h"

#define HDR_ABSENT 0xffff
#define FLOWS_MAX 70000

struct mock_flow {
	__u64 *key; /* NULL: a free place; then the mask */
	struct dp_action *actions;
	__u32 n_actions;
	struct dp_stats stats;
};

/* A packet sent, and what came up to the controller (port 0, or the negative reason). */
struct mock_output {
	__s32 port;
	__u32 size;
	__u8 data[256];
};

struct mock_dp {
	struct dp dp;
	__u32 n_words; /* of a key */
	__u32 limit; /* of flows */
	__u32 refused_ops; /* a bit for each enum dp_op: -EOPNOTSUPP */
	__u32 n_flows; /* places in use so far */
	__u64 n_put, n_mod, n_del, n_hash;
	struct mock_flow flows[FLOWS_MAX];
	__u64 *hashes[64];
	dp_upcall_fn upcall;
	void *slow_path;
	__u32 n_outputs;
	struct mock_output outputs[128];
};

static int refuse(const struct mock_dp *mock, const struct dp_action *actions, __u32 n_actions)
{
	for (__u32 i = 0; i < n_actions; i++)
		if (mock->refused_ops & 1U << actions[i].op)
			return -EOPNOTSUPP;
	return 0;
}

static void set_actions(struct mock_flow *flow, const struct dp_action *actions, __u32 n_actions)
{
	free(flow->actions);
	flow->actions = malloc((n_actions + 1) * sizeof(*actions));
	memcpy(flow->actions, actions, n_actions * sizeof(*actions));
	flow->n_actions = n_actions;
}

static int mock_flow_put(struct dp *dp, const void *key, const void *mask, const struct dp_action *actions,
			 __u32 n_actions, __u32 *flow_id)
{
	struct mock_dp *mock = (struct mock_dp *)dp;
	size_t size = mock->n_words * 8;
	struct mock_flow *flow;
	int err = refuse(mock, actions, n_actions);

	if (err)
		return err;
	if (mock->n_put - mock->n_del >= mock->limit || mock->n_flows == FLOWS_MAX)
		return -ENOSPC;
	*flow_id = mock->n_flows++;
	flow = &mock->flows[*flow_id];
	flow->key = malloc(2 * size);
	memcpy(flow->key, key, size);
	memcpy(flow->key + mock->n_words, mask, size);
	set_actions(flow, actions, n_actions);
	flow->stats = (struct dp_stats){0};
	mock->n_put++;
	return 0;
}

static int mock_flow_mod(struct dp *dp, __u32 id, const struct dp_action *actions, __u32 n_actions)
{
	struct mock_dp *mock = (struct mock_dp *)dp;
	int err = refuse(mock, actions, n_actions);

	if (err)
		return err;
	mock->n_mod++;
	set_actions(&mock->flows[id], actions, n_actions);
	return 0;
}

static int mock_flow_del(struct dp *dp, __u32 id, struct dp_stats *last)
{
	struct mock_dp *mock = (struct mock_dp *)dp;
	struct mock_flow *flow = &mock->flows[id];

	if (last)
		*last = flow->stats;
	free(flow->key);
	free(flow->actions);
	*flow = (struct mock_flow){0};
	mock->n_del++;
	while (mock->n_flows && !mock->flows[mock->n_flows - 1].key)
		mock->n_flows--;
	return 0;
}

static int mock_flow_stats(struct dp *dp, __u32 id, struct dp_stats *stats)
{
	*stats = ((struct mock_dp *)dp)->flows[id].stats;
	return 0;
}

static int mock_hash_put(struct dp *dp, __u32 id, const void *mask)
{
	struct mock_dp *mock = (struct mock_dp *)dp;

	if (!mock->hashes[id])
		mock->hashes[id] = malloc(mock->n_words * 8);
	memcpy(mock->hashes[id], mask, mock->n_words * 8);
	mock->n_hash++;
	return 0;
}

struct run {
	struct mock_dp *mock;
	struct packet pkt;
	const __u16 *hdr_off;
	const struct dp_upcall *upcall;
	struct act_state state;
};

static void note(struct run *run, __s32 port, __u32 max_size)
{
	struct mock_output *output = &run->mock->outputs[run->mock->n_outputs++ % 128];
	__u32 size = (__u32)(run->pkt.data_end - run->pkt.data);

	output->port = port;
	output->size = size < max_size ? size : max_size;
	memcpy(output->data, run->pkt.data, output->size < 256 ? output->size : 256);
}

static void up(struct run *run, __u32 reason, __u32 max_size)
{
	struct dp_upcall upcall = *run->upcall;
	const struct dp_action *none;

	upcall.reason = reason;
	upcall.packet = run->pkt.data;
	upcall.max_size = max_size;
	run->mock->upcall(run->mock->slow_path, &upcall, &none);
	note(run, -(__s32)reason, max_size);
}

static void run_actions(struct run *run, const struct dp_action *action, __u32 n_actions)
{
	const struct dp_action *end = action + n_actions;

	for (; action < end; action++) {
		int verdict;

		if (action->op == DP_OUTPUT) {
			if (action->arg != run->upcall->in_port || action->flags & DP_F_IN_PORT)
				note(run, (__s32)action->arg, 256);
		} else if (action->op == DP_CONTROLLER) {
			up(run, DP_UP_CONTROLLER, action->arg);
		} else if (action->op == DP_SELECT) {
			__u32 hash = hash_key(run->upcall->key, run->mock->hashes[action->arg], run->mock->n_words);
			const struct dp_action *bucket = act_bucket(action, end, hash);

			if (bucket)
				run_actions(run, bucket + 1, bucket->arg);
			return;
		} else {
			verdict = act_edit(&run->pkt, run->hdr_off[action->header], action, &run->state);
			if (verdict == ACT_TTL)
				up(run, DP_UP_TTL, 0xffff);
			if (verdict == ACT_BAD)
				note(run, -99, 256);
			if (verdict != ACT_NEXT && !(action->flags & DP_F_GO_ON))
				return;
		}
	}
}

/* Forwards one packet; `hit` is the number of megaflows that its key matches.  Returns the number of outputs. */
int mock_forward(struct mock_dp *mock, __u32 in_port, __u8 *data, __u32 size, const __u64 *key, const __u16 *hdr_off,
		 __u32 *hit)
{
	struct dp_upcall upcall = {.in_port = in_port, .packet = data, .size = size, .n_data = size, .key = key};
	struct run run = {.mock = mock, .pkt = {data, data + size}, .hdr_off = hdr_off, .upcall = &upcall};
	const struct dp_action *actions = NULL;
	struct mock_flow *found = NULL;
	int n = 0;

	mock->n_outputs = *hit = 0;
	for (__u32 i = 0; i < mock->n_flows; i++) {
		struct mock_flow *flow = &mock->flows[i];
		bool same = flow->key;

		for (__u32 w = 0; same && w < mock->n_words; w++)
			same = (key[w] & flow->key[mock->n_words + w]) == flow->key[w];
		if (!same)
			continue;
		++*hit;
		found = flow;
	}
	if (found) {
		found->stats.n_packets++;
		found->stats.n_bytes += size;
		run_actions(&run, found->actions, found->n_actions);
	} else {
		n = mock->upcall(mock->slow_path, &upcall, &actions);
		if (n > 0)
			run_actions(&run, actions, (__u32)n);
	}
	return n < 0 ? n : (int)mock->n_outputs;
}

static int mock_execute(struct dp *dp, __u32 in_port, const void *packet, __u32 size, const struct dp_action *actions,
			__u32 n_actions)
{
	static const __u16 hdr_off[8] = {0, 14, 34, 34}; /* untagged Ethernet, IPv4 without options */
	struct mock_dp *mock = (struct mock_dp *)dp;
	struct dp_upcall upcall = {.in_port = in_port, .size = size, .n_data = size};
	__u8 copy[256];
	struct run run = {.mock = mock, .pkt = {copy, copy + size}, .hdr_off = hdr_off, .upcall = &upcall};

	if (size > sizeof(copy))
		return -EMSGSIZE;
	memcpy(copy, packet, size);
	mock->n_outputs = 0;
	run_actions(&run, actions, n_actions);
	return 0;
}

static const struct dp_ops mock_ops = {
    .flow_put = mock_flow_put,
    .flow_mod = mock_flow_mod,
    .flow_del = mock_flow_del,
    .flow_stats = mock_flow_stats,
    .hash_put = mock_hash_put,
    .execute = mock_execute,
};

struct mock_dp *mock_new(const char *name, __u32 key_size, __u64 layout_hash, __u32 limit, __u32 refused_ops)
{
	struct mock_dp *mock = calloc(1, sizeof(*mock));

	mock->dp.ops = &mock_ops;
	mock->dp.info = (struct dp_info){DP_ABI_VERSION, key_size, layout_hash, name, "mock"};
	mock->n_words = key_size / 8;
	mock->limit = limit;
	mock->refused_ops = refused_ops;
	return mock;
}

void mock_set_upcall(struct mock_dp *mock, dp_upcall_fn upcall, void *slow_path)
{
	mock->upcall = upcall;
	mock->slow_path = slow_path;
}

void mock_set_limit(struct mock_dp *mock, __u32 limit)
{
	mock->limit = limit;
}

const struct mock_output *mock_output(const struct mock_dp *mock, __u32 i)
{
	return &mock->outputs[i];
}

/* puts, mods, deletions, hash masks */
__u64 mock_count(const struct mock_dp *mock, __u32 which)
{
	return (&mock->n_put)[which];
}

void mock_free(struct mock_dp *mock)
{
	for (__u32 i = 0; i < mock->n_flows; i++) {
		free(mock->flows[i].key);
		free(mock->flows[i].actions);
	}
	for (__u32 i = 0; i < 64; i++)
		free(mock->hashes[i]);
	free(mock);
}

/* Upcalls for packets that differ in the 4 bytes at `vary` of the key; returns nanoseconds for all. */
__u64 mock_bench(struct mock_dp *mock, const __u64 *key, __u32 key_size, __u32 vary, __u32 n)
{
	struct dp_upcall upcall = {.in_port = 1, .packet = "", .size = 64};
	const struct dp_action *actions;
	struct timespec start, end;
	__u8 *copy = aligned_alloc(8, key_size);

	memcpy(copy, key, key_size);
	upcall.key = copy;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (__u32 i = 0; i < n; i++) {
		__u32 value = i * 2654435761U;

		memcpy(copy + vary, &value, 4);
		mock->upcall(mock->slow_path, &upcall, &actions);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	free(copy);
	return (__u64)(end.tv_sec - start.tv_sec) * 1000000000ULL + (__u64)end.tv_nsec - (__u64)start.tv_nsec;
}
