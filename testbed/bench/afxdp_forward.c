/* The bare AF_XDP forwarder: what a userspace switch could reach at most on this machine.
 *
 *     afxdp-forward IFNAME IFNAME
 *
 * Every packet that arrives at one interface leaves by the other, unseen: its frame's address is moved from rx ring to
 * tx ring.  Rings, batches, frames, wake-ups and sleep are those of datapath/user/, so that the difference between
 * the two is parsing, lookup and actions.  Runs until SIGTERM, SIGINT, or until its standard input closes where that is a
 * pipe; then prints its counters.
 *
 * Built and run by afxdp.py.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/xsk.h>

#define BATCH_SIZE 64
#define RING_SIZE 2048
#define FRAME_SIZE 4096
#define N_RECEIVING 768 /* frames in a fill ring at most */
#define N_FRAMES 8192
#define IDLE_ROUNDS 32
#define SNDBUF (4 << 20)
#define KICK_BUDGET 256

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9 /* include/uapi/linux/if_xdp.h of Linux 6.18 */
#endif

struct port {
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons comp;
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	int fd; /* of xsk */
	int ifindex;
	unsigned int n_queued; /* packets written to tx since the last kick */
	unsigned long n_received;
	unsigned long n_sent;
	unsigned long n_full; /* dropped: no room in tx */
};

static struct port ports[2];
static struct xsk_umem *umem;
static __u64 free_frames[N_FRAMES];
static unsigned int n_free;
static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void fail(const char *what, int err)
{
	fprintf(stderr, "afxdp-forward: %s: %s\n", what, strerror(err));
	exit(1);
}

static void fill(struct port *port, unsigned int n)
{
	unsigned int i, idx;

	if (n > n_free)
		n = n_free;
	if (!n || !xsk_ring_prod__reserve(&port->fill, n, &idx))
		return;
	for (i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&port->fill, idx + i) = free_frames[--n_free];
	xsk_ring_prod__submit(&port->fill, n);
}

static void complete(struct port *port)
{
	unsigned int i, idx, n = xsk_ring_cons__peek(&port->comp, RING_SIZE, &idx);

	for (i = 0; i < n; i++)
		free_frames[n_free++] = *xsk_ring_cons__comp_addr(&port->comp, idx + i) & ~(__u64)(FRAME_SIZE - 1);
	if (n)
		xsk_ring_cons__release(&port->comp, n);
}

static unsigned int unsent(const struct port *port)
{
	return *port->tx.producer - __atomic_load_n(port->tx.consumer, __ATOMIC_ACQUIRE);
}

static void kick(struct port *port)
{
	unsigned int before, after;

	if (port->n_queued)
		xsk_ring_prod__submit(&port->tx, port->n_queued);
	port->n_queued = 0;
	for (after = unsent(port), before = after + 1; after && after != before; after = unsent(port)) {
		before = after;
		if (sendto(port->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY)
			return;
	}
}

/* Move a batch from one port to the other. */
static unsigned int forward(struct port *from, struct port *to)
{
	unsigned int i, n, in, out;
	const struct xdp_desc *desc;

	n = xsk_ring_cons__peek(&from->rx, BATCH_SIZE, &in);
	for (i = 0; i < n; i++) {
		desc = xsk_ring_cons__rx_desc(&from->rx, in + i);
		if (xsk_ring_prod__reserve(&to->tx, 1, &out)) {
			*xsk_ring_prod__tx_desc(&to->tx, out) = *desc;
			to->n_queued++;
			to->n_sent++;
		} else {
			free_frames[n_free++] = desc->addr & ~(__u64)(FRAME_SIZE - 1);
			to->n_full++;
		}
	}
	if (n)
		xsk_ring_cons__release(&from->rx, n);
	from->n_received += n;
	fill(from, n);
	return n;
}

/* A program for the port that hands every packet to its socket: return bpf_redirect_map(&map, 0, XDP_PASS). */
static void attach(struct port *port)
{
	int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "sockets", 4, 4, 1, NULL), program, key = 0, err;
	const struct bpf_insn code[] = {
	    {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
	    {0},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 0},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS},
	    {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
	    {.code = BPF_JMP | BPF_EXIT},
	};

	if (map < 0)
		fail("cannot make an XSKMAP", errno);
	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "to_socket", "GPL", code, sizeof(code) / sizeof(*code), NULL);
	if (program < 0)
		fail("cannot load the program", errno);
	if (bpf_map_update_elem(map, &key, &port->fd, BPF_ANY))
		fail("cannot put the socket into the map", errno);
	err = bpf_xdp_attach(port->ifindex, program, XDP_FLAGS_DRV_MODE, NULL);
	if (err)
		fail("cannot attach the program", -err);
}

static void open_port(struct port *port, const char *ifname)
{
	const struct xsk_socket_config config = {
	    .rx_size = RING_SIZE,
	    .tx_size = RING_SIZE,
	    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
	    .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
	};
	const int size = SNDBUF, budget = KICK_BUDGET;
	int err;

	port->ifindex = (int)if_nametoindex(ifname);
	if (!port->ifindex)
		fail(ifname, errno);
	err = xsk_socket__create_shared(&port->xsk, ifname, 0, umem, &port->rx, &port->tx, &port->fill, &port->comp,
					&config);
	if (err)
		fail("cannot open a socket", -err);
	port->fd = xsk_socket__fd(port->xsk);
	setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(port->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
	fill(port, N_RECEIVING);
	attach(port);
}

static void open_memory(void)
{
	const struct xsk_umem_config config = {
	    .fill_size = RING_SIZE,
	    .comp_size = RING_SIZE,
	    .frame_size = FRAME_SIZE,
	};
	void *area =
	    mmap(NULL, (size_t)N_FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (area == MAP_FAILED)
		fail("no memory", errno);
	madvise(area, (size_t)N_FRAMES * FRAME_SIZE, MADV_HUGEPAGE);
	for (n_free = 0; n_free < N_FRAMES; n_free++)
		free_frames[n_free] = (__u64)(N_FRAMES - 1 - n_free) * FRAME_SIZE;
	/* The first socket takes these rings over. */
	err = xsk_umem__create(&umem, area, (size_t)N_FRAMES * FRAME_SIZE, &ports[0].fill, &ports[0].comp, &config);
	if (err)
		fail("cannot register the packet memory", -err);
}

static void run(int input)
{
	struct pollfd fds[] = {
	    {.fd = ports[0].fd, .events = POLLIN},
	    {.fd = ports[1].fd, .events = POLLIN},
	    {.fd = input, .events = POLLIN}, /* ignored if negative */
	};
	unsigned int n_idle = 0, n;

	while (!stopping) {
		n = forward(&ports[0], &ports[1]) + forward(&ports[1], &ports[0]);
		kick(&ports[0]);
		kick(&ports[1]);
		complete(&ports[0]);
		complete(&ports[1]);
		n_idle = n ? 0 : n_idle + 1;
		if (n_idle < IDLE_ROUNDS)
			continue;
		poll(fds, 3, unsent(&ports[0]) || unsent(&ports[1]) ? 1 : -1);
		if (fds[2].revents || ((fds[0].revents | fds[1].revents) & (POLLERR | POLLHUP | POLLNVAL)))
			return;
	}
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = stop};
	struct stat input;
	int i;

	if (argc != 3) {
		fprintf(stderr, "usage: afxdp-forward IFNAME IFNAME\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	open_memory();
	for (i = 0; i < 2; i++)
		open_port(&ports[i], argv[1 + i]);
	printf("ready\n");
	fflush(stdout);
	run(!fstat(STDIN_FILENO, &input) && S_ISFIFO(input.st_mode) ? STDIN_FILENO : -1);
	for (i = 0; i < 2; i++) {
		printf("%s received %lu sent %lu full %lu\n", argv[1 + i], ports[i].n_received, ports[i].n_sent,
		       ports[i].n_full);
		bpf_xdp_detach(ports[i].ifindex, XDP_FLAGS_DRV_MODE, NULL);
	}
	return 0;
}
