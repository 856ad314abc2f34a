/* The edits of runtime/actions.h as a library, for test_actions.py. */
#include "ctx/user.h"

#include "actions.h"

/* Run a list of edits on `packet`, the header of each at `header`; returns the first verdict that is not ACT_NEXT. */
int run_edits(__u8 *packet, __u32 size, __u32 header, const struct dp_action *actions, __u32 n_actions)
{
	const struct packet pkt = {.data = packet, .data_end = packet + size};
	struct act_state state = {0};
	__u32 i;
	int verdict;

	for (i = 0; i < n_actions; i++) {
		verdict = act_edit(&pkt, header, &actions[i], &state);
		if (verdict)
			return verdict;
	}
	return ACT_NEXT;
}

/* The place in the list of the bucket that `hash` chooses; -1: none. */
int choose_bucket(const struct dp_action *actions, __u32 n_actions, __u32 hash)
{
	const struct dp_action *bucket = act_bucket(actions, actions + n_actions, hash);

	return bucket ? (int)(bucket - actions) : -1;
}

/* hash_key() over a key and mask of `size` bytes. */
__u32 key_hash(const void *key, const void *mask, __u32 size)
{
	__u64 keys[DP_KEY_MAX / 8], masks[DP_KEY_MAX / 8];

	memcpy(keys, key, size);
	memcpy(masks, mask, size);
	return hash_key(keys, masks, size / 8);
}
