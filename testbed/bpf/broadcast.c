/* Sends each packet to all ports of its map but the one it came from: how a switch floods.  Tried by ovsp4 doctor. */
#include <uapi/linux/bpf.h>

BPF_DEVMAP(port_map, 4);

int broadcast(struct xdp_md *ctx)
{
	return port_map.redirect_map(0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}
