/* The limit that every switch is measured against: sends each packet to the one port of its map, untouched. */
#include <uapi/linux/bpf.h>

BPF_DEVMAP(port_map, 1);

int redirect(struct xdp_md *ctx)
{
	return port_map.redirect_map(0, 0);
}
