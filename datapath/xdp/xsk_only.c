/* Hands every packet of a port to its AF_XDP socket: the program of `afxdp` mode, the same for every P4 program.
 *
 * Loaded once by loader.py; sockets are put into the map by xdp_socket_put() of xdp_dp.c.  A packet of an interface
 * without a socket is dropped. */
#include <uapi/linux/bpf.h>

#include "maps.h"

BPF_XSKMAP(sockets, XDP_N_IFINDEX);

int xdp_xsk_only(struct xdp_md *ctx)
{
	return sockets.redirect_map(ctx->ingress_ifindex, XDP_DROP);
}
