/* A generated parser as a fuzzing target: one packet in, and what must hold of any parser and any packet is checked.
 *
 * The entry has libFuzzer's name and meaning, so that any engine that knows it can drive it; ours is coverage_driver.c.
 * A packet has memory of exactly its size, so that the address sanitizer sees a byte read behind it. */
#define PROGRAM_TRACE
#include "ctx/user.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

#define IN_PORT 7

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "the parser broke a rule: %s\n", what);
	abort();
}

static int parse(__u8 *data, size_t size, struct flow_key *key, struct parse_result *result)
{
	struct packet pkt = {.data = data, .data_end = data + size};
#ifdef N_VALUE_SETS
	static struct value_sets empty;

	pkt.value_sets = &empty;
#endif
	memset(key, 0, sizeof(*key));
	key->in_port = __builtin_bswap32(IN_PORT);
	return program_parse(&pkt, key, result);
}

static void check_result(const struct flow_key *key, const struct parse_result *result, int rejected, size_t size)
{
	__u32 i;

	check(rejected == 0 || rejected == 1, "neither accepted nor rejected");
	check(result->offset_bits <= size * 8, "the cursor is behind the packet's end");
	check(result->error < N_ERRORS, "an error without a name");
	check(rejected || !result->error, "accepted with an error");
	check(key->parser_error == result->error, "the key's error is another");
	check(key->in_port == __builtin_bswap32(IN_PORT) && !key->zero && !key->bridge, "the key's head was changed");
	check(result->n_visited > 0, "no state was visited");
	for (i = 0; i < result->n_visited && i < N_VISITED; i++)
		check(result->visited[i] < N_STATES, "a state without a name");
#ifndef FUZZ_NO_HEADERS /* the key has validity bits */
	for (i = 0; i < N_HEADERS; i++) {
		check(result->hdr_off[i] == HDR_ABSENT || result->hdr_off[i] <= size,
		      "a header behind the packet's end");
		check(result->hdr_off[i] == HDR_ABSENT || key->valid[i / 8] & (0x80 >> i % 8),
		      "an invalid header has a place in the packet");
	}
	for (; i < sizeof(key->valid) * 8; i++)
		check(!(key->valid[i / 8] & (0x80 >> i % 8)), "a header without a name is valid");
#endif
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static struct parse_result result, again;
	struct flow_key key, key_again;
	__u8 *copy = malloc(size ? size : 1);
	int rejected;

	memcpy(copy, data, size);
	memset(&result, 0xa5, sizeof(result)); /* nothing may depend on what was there */
	rejected = parse(copy, size, &key, &result);
	check(!memcmp(copy, data, size), "it wrote to the packet");
	check_result(&key, &result, rejected, size);
	memset(&again, 0x5a, sizeof(again));
	check(parse(copy, size, &key_again, &again) == rejected, "the second time it decided otherwise");
	check(!memcmp(&key, &key_again, sizeof(key)), "the second time the key is another");
	check(!memcmp(result.hdr_off, again.hdr_off, sizeof(result.hdr_off)), "the second time headers are elsewhere");
	free(copy);
	return 0;
}
