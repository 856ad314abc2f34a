/* Maps and programs into the kernel, for loader.py; what they are is bytecode.py's. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stddef.h>

/* Make a map; `inner` is the descriptor of the template of a map of maps, else -1.  Returns a descriptor or -errno. */
int xdp_map_create(__u32 type, const char *name, __u32 key_size, __u32 value_size, __u32 max_entries, __u32 flags,
		   int inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd;

	if (inner >= 0)
		opts.inner_map_fd = (__u32)inner;
	fd = bpf_map_create(type, name, key_size, value_size, max_entries, &opts);
	return fd < 0 ? -errno : fd;
}

/* Run a program through the verifier; `flags` are BPF_F_*, `log` gets what it says (`log_level`: linux/bpf_verifier.h).
 * Returns a descriptor or -errno.  The licence is left empty: it only opens helpers that the programs do not use. */
int xdp_program_load(const char *name, const struct bpf_insn *instructions, size_t n, __u32 flags, __u32 log_level,
		     char *log, __u32 log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags, .log_buf = log, .log_size = log_size,
		    .log_level = log_level);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "", instructions, n, &opts);

	return fd < 0 ? -errno : fd;
}

/* How many instructions the verifier followed to accept a program, over all ways through it; 0 before kernel 5.16. */
__u32 xdp_program_verified(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.verified_insns;
}
