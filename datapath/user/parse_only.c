/* A program's parser as a shared library, for `ovsp4 parse --engine user` and tests; nothing of a switch around it. */
#define PROGRAM_TRACE
#include "ctx/user.h"
#include "program.h"

/* Sizes, for the caller to compare with what it believes. */
__u32 parse_only_key_size(void)
{
	return sizeof(struct flow_key);
}

__u32 parse_only_result_size(void)
{
	return sizeof(struct parse_result);
}

#ifdef N_VALUE_SETS
static struct value_sets value_sets;

/* Set the value sets' entries for all packets to come. */
void parse_only_value_sets(const void *sets)
{
	memcpy(&value_sets, sets, sizeof(value_sets));
}

__u32 parse_only_value_sets_size(void)
{
	return sizeof(value_sets);
}
#endif

/* Parse `size` bytes; the key need not be zeroed.  Returns what program_parse() does. */
int parse_only(__u8 *data, __u32 size, __u32 in_port, struct flow_key *key, struct parse_result *result)
{
	struct packet pkt = {.data = data, .data_end = data + size};

#ifdef N_VALUE_SETS
	pkt.value_sets = &value_sets;
#endif
	memset(key, 0, sizeof(*key));
	key->in_port = __builtin_bswap32(in_port);
	return program_parse(&pkt, key, result);
}
