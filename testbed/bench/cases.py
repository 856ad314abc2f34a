"""The list of the benchmark's cases, and those for which the kernel has all it takes.

Each function sets a forwarder up inside a rig of its own and takes it down again.  Open vSwitch is in
``openvswitch.py``, our own engines and the bare AF_XDP forwarder in ``ovsp4.py``.  Read by ``run.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.bench import afxdp, openvswitch, ovsp4, traffic
from testbed.bench.case import Case, Forwarder
from testbed.bench.rig import PORT2_MAC, RECEIVER_MAC, Rig
from testbed.bpf.build import compile_bpf
from testbed.bpf.syscall import Link, Program, interface_index
from testbed.namespaces import set_sysctl

LIMIT = "xdp-redirect"


@contextmanager
def xdp_redirect() -> Iterator[Forwarder]:
    """Redirect every packet untouched: as fast as anything in XDP can be."""
    with Rig() as rig:
        program = Program(compile_bpf("redirect", "redirect.c"))

        def attach() -> Link:
            program.maps["port_map"].update(0, struct.pack("=I", interface_index("p2")))
            return program.attach("p1")

        try:
            link = rig.in_device(attach)
            try:
                yield Forwarder(rig, rewrites=False, details={"xdp_mode": "native"})
            finally:
                link.close()
        finally:
            program.close()


@contextmanager
def linux_bridge() -> Iterator[Forwarder]:
    """Switch by the kernel's bridge: one static MAC address, packets unchanged."""
    with Rig() as rig:
        rig.run("ip", "link", "add", "br0", "type", "bridge")
        rig.in_device(lambda: set_sysctl("bridge/bridge-nf-call-iptables", "0"))
        for command in (
            "ip link set p1 master br0",
            "ip link set p2 master br0",
            "ip link set br0 up",
            f"bridge fdb replace {RECEIVER_MAC} dev p2 master static",
        ):
            rig.run(*command.split())
        details = {"xdp_mode": "none", "bridge-nf-call-iptables": rig.in_device(_bridge_netfilter)}
        yield Forwarder(rig, traffic.templates(RECEIVER_MAC), rewrites=False, details=details)


@contextmanager
def linux_route() -> Iterator[Forwarder]:
    """Route by the kernel's IPv4 forwarding: 1,000 routes, the same work as ours."""
    with Rig() as rig:
        rig.in_device(lambda: set_sysctl("ipv4/ip_forward", "1"))
        for command in (
            "ip address add 192.0.2.254/24 dev p1",
            "ip address add 198.51.100.1/24 dev p2",
            f"ip neighbour replace {traffic.GATEWAY_IP} lladdr {RECEIVER_MAC} dev p2 nud permanent",
        ):
            rig.run(*command.split())
        routes = "".join(f"route add {n} via {traffic.GATEWAY_IP} dev p2\n" for n in traffic.prefixes())
        rig.run("ip", "-batch", "-", stdin=routes)
        yield Forwarder(rig, details={"xdp_mode": "none", "source_mac": PORT2_MAC})


def _bridge_netfilter() -> str:
    path = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    return path.read_text().strip() if path.exists() else "not there"


CASES = (
    Case(LIMIT, "XDP program that redirects every packet: the limit", xdp_redirect),
    Case("ovsp4-xdp", "ovsp4 in the kernel: l2l3.p4, L3 with rewrite", ovsp4.xdp),
    Case("ovsp4-afxdp", "ovsp4 in userspace: l2l3.p4, L3 with rewrite", ovsp4.afxdp),
    Case("afxdp-forward", "bare AF_XDP forwarder, copy mode, one thread", afxdp.afxdp_forward),
    Case("linux-bridge", "the kernel's bridge, L2 only", linux_bridge),
    Case("linux-route", "the kernel's IPv4 forwarding", linux_route),
    Case("ovs-afxdp", "Open vSwitch in userspace, AF_XDP ports, L3 with rewrite", openvswitch.afxdp),
    Case("ovs-afpacket", "Open vSwitch in userspace, AF_PACKET ports, L3 with rewrite", openvswitch.afpacket),
)
