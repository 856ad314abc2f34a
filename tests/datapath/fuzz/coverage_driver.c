/* A small coverage-guided fuzzing engine for targets built by GCC (-fsanitize-coverage=trace-pc,trace-cmp): libFuzzer
 * needs clang, which nothing else here does.
 *
 *     driver SECONDS SEED SEEDS.hex
 *
 * An input that runs over an edge it did not run over before, or more often, joins the corpus; inputs are mutated copies
 * of the corpus'.  What the target compares with constants, and its switch cases, are collected and put into inputs.
 * When a sanitizer or the target's own checks stop the process, or an input takes longer than HANG_S, the input is
 * printed in hex behind "input: ".  At the end: one line with runs, edges and size of the corpus. */
#include <linux/types.h>
#include <stdint.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NO_COVERAGE __attribute__((no_sanitize_coverage))
#define MAP_SIZE 65536
#define INPUT_MAX 2048
#define CORPUS_MAX 8192
#define N_WORDS 1024
#define HANG_S 10

struct input {
	__u32 size;
	__u8 *data;
};

struct word {
	__u64 value;
	__u32 size; /* bytes */
};

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

static __u8 hits[MAP_SIZE]; /* of each edge in this run */
static __u8 seen[MAP_SIZE]; /* classes of counts seen so far, a bit each */
static __u32 touched[MAP_SIZE], n_touched;
static __u64 before; /* the last program counter */
static int recording;
static struct word words[N_WORDS];
static __u32 n_words;
static struct input corpus[CORPUS_MAX], current;
static __u32 n_corpus, n_edges;
static __u64 state, n_runs;

/* ---- what the instrumented code calls ---- */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_cmp1(__u8 a, __u8 b);
void __sanitizer_cov_trace_cmp2(__u16 a, __u16 b);
void __sanitizer_cov_trace_cmp4(__u32 a, __u32 b);
void __sanitizer_cov_trace_cmp8(uint64_t a, uint64_t b);
void __sanitizer_cov_trace_const_cmp1(__u8 a, __u8 b);
void __sanitizer_cov_trace_const_cmp2(__u16 a, __u16 b);
void __sanitizer_cov_trace_const_cmp4(__u32 a, __u32 b);
void __sanitizer_cov_trace_const_cmp8(uint64_t a, uint64_t b);
void __sanitizer_cov_trace_switch(uint64_t value, void *cases);

NO_COVERAGE void __sanitizer_cov_trace_pc(void)
{
	__u64 pc = (__u64)__builtin_return_address(0);
	__u32 edge = (__u32)((pc ^ before << 1) * 0x9e3779b97f4a7c15ULL >> 48);

	if (!recording)
		return;
	before = pc;
	if (!hits[edge])
		touched[n_touched++] = edge;
	if (hits[edge] < 255)
		hits[edge]++;
}

NO_COVERAGE static void note_word(__u64 value, __u32 size)
{
	__u32 place = (__u32)((value ^ size) * 0x9e3779b97f4a7c15ULL >> 54);

	if (!recording || value < 2)
		return;
	if (!words[place].size)
		n_words++;
	words[place].value = value;
	words[place].size = size;
}

/* Of comparisons only constants are kept: what else is compared is mostly the input's own. */
#define TRACE_CMP(size, type)                                                                                          \
	NO_COVERAGE void __sanitizer_cov_trace_cmp##size(type a, type b)                                               \
	{                                                                                                              \
		(void)a;                                                                                               \
		(void)b;                                                                                               \
	}                                                                                                              \
	NO_COVERAGE void __sanitizer_cov_trace_const_cmp##size(type constant, type value)                              \
	{                                                                                                              \
		(void)value;                                                                                           \
		note_word(constant, size);                                                                             \
	}

TRACE_CMP(1, __u8)
TRACE_CMP(2, __u16)
TRACE_CMP(4, __u32)
TRACE_CMP(8, uint64_t)

NO_COVERAGE void __sanitizer_cov_trace_switch(uint64_t value, void *cases)
{
	const uint64_t *list = cases; /* how many, width in bits, values */
	__u64 i;

	(void)value;
	for (i = 2; i < list[0] + 2; i++)
		note_word(list[i], list[i] < 256 ? 1 : list[i] < 65536 ? 2 : 4);
}

/* ---- the engine ---- */
static __u32 draw(__u32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (__u32)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void print_input(void)
{
	__u32 i;

	recording = 0;
	fprintf(stderr, "\ninput: ");
	for (i = 0; i < current.size; i++)
		fprintf(stderr, "%02x", current.data[i]);
	fprintf(stderr, "\n");
}

static void on_signal(int number)
{
	fprintf(stderr, "%s", number == SIGALRM ? "an input takes too long" : "the target gave up");
	print_input();
	_exit(1);
}

static void keep(const __u8 *data, __u32 size)
{
	struct input *place = n_corpus < CORPUS_MAX ? &corpus[n_corpus++] : &corpus[draw(CORPUS_MAX)];

	free(place->data);
	place->data = malloc(size + 1);
	place->size = size;
	memcpy(place->data, data, size);
}

/* AFL's classes of counts: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more (M. Zalewski, "Technical whitepaper for
 * afl-fuzz"). */
static __u8 class_of(__u8 count)
{
	static const __u8 least[] = {128, 32, 16, 8, 4, 3, 2, 1};
	int i = 0;

	while (count < least[i])
		i++;
	return (__u8)(0x80 >> i);
}

/* Run the target; returns whether something new was seen. */
static int run(void)
{
	int found = 0;
	__u32 i;

	n_touched = 0;
	before = 0;
	recording = 1;
	LLVMFuzzerTestOneInput(current.data, current.size);
	recording = 0;
	n_runs++;
	for (i = 0; i < n_touched; i++) {
		__u8 class = class_of(hits[touched[i]]);

		n_edges += !seen[touched[i]];
		found |= !(seen[touched[i]] & class);
		seen[touched[i]] |= class;
		hits[touched[i]] = 0;
	}
	return found;
}

static void put_word(void)
{
	const struct word *word;
	__u32 at, i, tries;

	for (tries = 0; tries < 16; tries++) {
		word = &words[draw(N_WORDS)];
		if (!word->size || word->size > current.size)
			continue;
		at = draw(current.size - word->size + 1);
		for (i = 0; i < word->size; i++)
			current.data[at + i] = (__u8)(word->value >> (word->size - 1 - i) * 8);
		return;
	}
}

static void resize(void)
{
	__u32 n = draw(draw(8) ? 64 : INPUT_MAX), i;

	if (draw(2)) {
		current.size = draw(current.size + 1);
		return;
	}
	if (n > INPUT_MAX - current.size)
		n = INPUT_MAX - current.size;
	for (i = 0; i < n; i++)
		current.data[current.size + i] = (__u8)draw(256);
	current.size += n;
}

static void splice(void)
{
	const struct input *other = &corpus[draw(n_corpus)];
	__u32 from = other->size ? draw(other->size) : 0, at = draw(current.size + 1), n = other->size - from;

	if (n > INPUT_MAX - at)
		n = INPUT_MAX - at;
	memcpy(current.data + at, other->data + from, n);
	if (current.size < at + n)
		current.size = at + n;
}

static void mutate(void)
{
	__u32 n;

	for (n = 1 + draw(6); n > 0; n--) {
		switch (current.size ? draw(6) : 4) {
		case 0:
			current.data[draw(current.size)] ^= 1 << draw(8);
			break;
		case 1:
			current.data[draw(current.size)] = (__u8)draw(256);
			break;
		case 2:
			current.data[draw(current.size)] = (__u8)draw(9);
			break;
		case 3:
			put_word();
			break;
		case 4:
			resize();
			break;
		default:
			splice();
		}
	}
}

static void read_seeds(const char *file)
{
	static char line[INPUT_MAX * 2 + 2];
	FILE *seeds = fopen(file, "r");
	unsigned int byte;

	if (!seeds) {
		perror(file);
		exit(2);
	}
	while (fgets(line, sizeof(line), seeds)) {
		const char *at = line;

		for (current.size = 0; sscanf(at, "%2x", &byte) == 1 && current.size < INPUT_MAX; at += 2)
			current.data[current.size++] = (__u8)byte;
		alarm(HANG_S);
		run();
		keep(current.data, current.size);
	}
	fclose(seeds);
}

int main(int argc, char **argv)
{
	__u8 *data = malloc(INPUT_MAX);
	const struct input *from;
	time_t end;

	if (argc != 4) {
		fprintf(stderr, "usage: driver SECONDS SEED SEEDS.hex\n");
		return 2;
	}
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	__sanitizer_set_death_callback(print_input);
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	current.data = data;
	end = time(NULL) + atol(argv[1]);
	keep(data, 0);
	read_seeds(argv[3]);
	while (n_runs % 256 || time(NULL) < end) {
		from = &corpus[draw(n_corpus)];
		current.size = from->size;
		memcpy(data, from->data, from->size);
		mutate();
		if (n_runs % 4096 == 0)
			alarm(HANG_S);
		if (run())
			keep(data, current.size);
	}
	alarm(0);
	printf("%llu runs, %u edges, %u inputs, %u words\n", n_runs, n_edges, n_corpus, n_words);
	return 0;
}
