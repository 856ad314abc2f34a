"""What Open vSwitch and our switch are known to do differently: each case is a row of ``docs/ovs-differences.md``.

A case that fails because the two have come to agree is good news: move it to ``test_same_flows.py``, and its row away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from open_vswitch import OpenVSwitch, OvsError
from our_switch import OurSwitch
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt
from scapy.layers.l2 import Dot1Q, Ether
from test_same_flows import DATA, ETHER, IP4, IP6, PACKETS

from datapath.errors import FlowError

pytestmark = [pytest.mark.kernel, pytest.mark.network]

_ADDRESSES = {"src": "10.0.0.1", "dst": "10.0.0.2"}
_UDP = UDP(sport=1000, dport=2000)
_TAGGED_OTHER = ETHER / Dot1Q(vlan=5, type=0x88B5) / DATA

# Flows, packet, ports that Open vSwitch sends to, ports that ours sends to.
CASES: dict[str, tuple[list[str], Any, list[int], list[int]]] = {
    "udp means IPv4 only": (["udp,actions=output:2"], ETHER / IP6 / _UDP / DATA, [], [2]),
    "udp6 is the same": (["udp6,actions=output:2"], ETHER / IP6 / _UDP / DATA, [2], [2]),
    "udp of a later fragment": (
        ["udp,actions=output:2"],
        ETHER / IP(**_ADDRESSES, proto=17, frag=3) / DATA,
        [2],
        [],
    ),
    "nw_proto=17 of a later fragment": (
        ["ip,nw_proto=17,actions=output:2"],
        ETHER / IP(**_ADDRESSES, proto=17, frag=3) / DATA,
        [2],
        [2],
    ),
    "a transport header cut short": (["actions=output:2"], ETHER / IP(**_ADDRESSES, proto=17) / b"\0\1\0\2", [2], []),
    "a network header cut short": (["actions=output:2"], bytes(ETHER / IP4)[:20], [2], []),
    "an IPv4 header below 20 bytes": (["actions=output:2"], ETHER / IP(**_ADDRESSES, ihl=4) / _UDP / DATA, [2], []),
    "IPv4's total length beyond the packet": (
        ["ip,nw_src=10.0.0.1,actions=output:2"],
        ETHER / IP(**_ADDRESSES, len=400) / _UDP / DATA,
        [],
        [2],
    ),
    "extension headers of IPv6": (["udp6,actions=output:2"], ETHER / IP6 / IPv6ExtHdrDestOpt() / _UDP / DATA, [2], []),
    "frames of 802.3": (
        ["dl_type=0x05ff,actions=output:2"],
        bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x20)) + b"\xaa\xaa\x03" + bytes(29),
        [2],
        [],
    ),
    "dl_type of an unknown protocol behind a tag": (["dl_type=0x88b5,actions=output:2"], _TAGGED_OTHER, [2], []),
    "dl_type of the tag": (["dl_type=0x8100,actions=output:2"], _TAGGED_OTHER, [], [2]),
    "an address without ip": (["nw_dst=10.0.0.2,actions=output:2"], PACKETS["udp6"], [2], []),
    "several outputs in a bucket": (["ip,actions=group:1"], PACKETS["udp4"], [2], [2, 4]),
}
GROUP = "group_id=1,type=all,bucket=actions=output:4,output:2"


@pytest.mark.parametrize("name", CASES)
def test_differences(both: Callable[..., Any], name: str) -> None:
    flows, packet, their_ports, our_ports = CASES[name]
    theirs, ours = both(flows, [packet], [GROUP])
    assert [port for port, _ in theirs] == their_ports
    assert [port for port, _ in ours] == our_ports


def test_ports_of_a_first_fragment(ovs: OpenVSwitch, both: Callable[..., Any]) -> None:
    first = ETHER / IP(**_ADDRESSES, flags="MF") / _UDP / DATA
    ports = []
    for mode in ("normal", "nx-match"):  # the latter for all other cases
        ovs.set_frags(mode)
        theirs, ours = both(["ip,udp,udp_src=1000,actions=output:2", "priority=1,actions=output:3"], [first])
        ports.append(([port for port, _ in theirs], [port for port, _ in ours]))
    assert ports == [([3], [2]), ([2], [2])]


def test_a_vlan_id_for_an_untagged_packet(both: Callable[..., Any]) -> None:
    """Open vSwitch adds a tag, OpenFlow 1.0's way; ours does nothing, as with any field of a missing header."""
    theirs, ours = both(["actions=mod_vlan_vid:7,output:2"], [PACKETS["udp4"]])
    assert theirs == [(2, bytes(ETHER / Dot1Q(vlan=7) / PACKETS["udp4"][IP]))]
    assert ours == [(2, bytes(PACKETS["udp4"]))]


# Flow, whether Open vSwitch takes it, whether ours does.
TAKEN: dict[str, tuple[str, bool, bool]] = {
    "resubmit in the middle": ("ip,actions=resubmit(,1),output:2", True, False),
    "back to an earlier table": ("table=1,ip,actions=resubmit(,0)", True, False),
    "a port number over 1023": ("in_port=5000,actions=output:2", True, False),
    "normal": ("actions=normal", True, False),
    "the local port": ("actions=local", True, False),
    "no actions at all": ("actions=", True, False),
    "move": ("ip,actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],output:2", True, False),
    "a register": ("reg0=1,actions=output:2", True, False),
    "metadata": ("metadata=1,actions=output:2", True, False),
    "ct": ("ip,actions=ct(commit),output:2", True, False),
    "learn": ("actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])", True, False),
    "a field that decides what follows": ("ip,tcp,actions=set_field:2->ipv4.protocol,output:2", False, True),
    "dec_ttl without ip": ("actions=dec_ttl,output:2", False, True),
    "a mask like the length of a prefix": ("tcp,tp_dst=80/8,actions=output:2", True, False),
    "fields by path": ("ipv4.dstAddr=10.0.0.0/8,actions=output:2", False, True),
    "the protocol written": ("ip,actions=set_field:5->nw_proto,output:2", False, True),
    "flags of TCP written": ("ip,tcp,actions=set_field:2->tcp_flags,output:2", False, True),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken(ovs: OpenVSwitch, ours: OurSwitch, name: str) -> None:
    flow, they_take_it, we_take_it = TAKEN[name]
    ovs.load([])
    ours.load([])
    taken = True
    try:
        ovs.ofctl("add-flow", "br0", flow)
    except OvsError:
        taken = False
    assert taken == they_take_it
    taken = True
    try:
        ours.client.add_flows("xdp", [flow])
    except FlowError:
        taken = False
    assert taken == we_take_it
    ovs.load([])
    ours.load([])


def test_filters_take_priority_and_plain_cookies(ovs: OpenVSwitch, ours: OurSwitch) -> None:
    """``ovs-ofctl`` refuses both where ours selects by them."""
    for text in ("priority=3", "cookie=7"):
        with pytest.raises(OvsError):
            ovs.ofctl("del-flows", "br0", text)
        assert ours.client.del_flows("xdp", text) == 0


def test_a_group_that_is_there_already(ovs: OpenVSwitch, ours: OurSwitch) -> None:
    """``ovs-ofctl add-group`` refuses (``mod-group`` replaces); ours replaces."""
    ovs.load([], [GROUP])
    with pytest.raises(OvsError, match="GROUP_EXISTS"):
        ovs.ofctl("add-group", "br0", GROUP)
    ours.load([], [GROUP])
    ours.client.add_groups("xdp", ["group_id=1,type=indirect,bucket=output:2"])
    assert [group["type"] for group in ours.client.dump_groups("xdp")] == ["indirect"]
    ovs.load([])
    ours.load([])
