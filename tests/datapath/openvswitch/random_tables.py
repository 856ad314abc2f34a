"""Random tables and packets on which Open vSwitch and our switch must agree; Hypothesis shrinks what they do not.

Values come from small pools, so that packets hit flows.  What the two are known to treat differently is left out here:
``docs/ovs-differences.md`` lists it and ``test_differences.py`` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from our_switch import MARK
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

N_TABLES = 3
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02", "03:00:00:00:00:03")
IPS = ("10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.1")
IP6S = ("fd00::1", "fd00::2", "fd00:0:0:1::1", "2001:db8::1")
PORTS = (1, 53, 1000, 65535)
VIDS = (0, 5, 6)
PCPS = (0, 3)
TTLS = (0, 1, 2, 64, 255)
TOSES = (0, 0xB8, 0xBB, 3)


def _field(name: str, *values: object, masks: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """``name=value`` or ``name=value/mask``."""
    exact = st.sampled_from(values).map(lambda value: f"{name}={value}")
    if not masks:
        return exact
    masked = st.tuples(st.sampled_from(values), st.sampled_from(masks)).map(lambda pair: f"{name}={pair[0]}/{pair[1]}")
    return exact | masked


def _set(name: str, *values: object, masks: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    return _field(name, *values, masks=masks).map(lambda text: f"set_field:{text.partition('=')[2]}->{name}")


@dataclass(frozen=True)
class Kind:
    """A kind of flow: what it must match on, what else it may match on, and what it may write."""

    prerequisite: str
    fields: tuple[st.SearchStrategy[str], ...]
    edits: tuple[st.SearchStrategy[str], ...]


_MAC_MASKS = ("01:00:00:00:00:00", "ff:ff:ff:00:00:ff")
_PORT_MASKS = ("0xfff0", "0x1")
_IP_MASKS = ("8", "24", "255.0.0.255")
_IP6_MASKS = ("16", "64", "ffff::ff")
_ETHERNET = Kind(
    "",
    (
        _field("in_port", 1, 2),
        _field("dl_src", *MACS, masks=_MAC_MASKS),
        _field("dl_dst", *MACS, masks=_MAC_MASKS),
    ),
    (
        st.sampled_from(MACS).map("mod_dl_src:{}".format),
        _set("eth_dst", *MACS, masks=_MAC_MASKS),
    ),
)
_ANY_IP = Kind(
    "",
    (_field("nw_tos", 0, 0xB8), _field("nw_ecn", 0, 3), _field("nw_ttl", 1, 64, 63)),
    (
        st.just("dec_ttl"),
        _set("nw_ttl", *TTLS),
        _set("ip_dscp", 0, 46),
        _set("nw_ecn", 0, 1, 3),
        st.sampled_from((0, 0xB8)).map("mod_nw_tos:{}".format),
    ),
)
_IPV4 = Kind(
    "ip",
    (_field("nw_src", *IPS, masks=_IP_MASKS), _field("nw_dst", *IPS, masks=_IP_MASKS), *_ANY_IP.fields),
    (_set("ip_src", *IPS), _set("ip_dst", *IPS, masks=_IP_MASKS), *_ANY_IP.edits),
)
_IPV6 = Kind(
    "ipv6",
    (_field("ipv6_src", *IP6S, masks=_IP6_MASKS), _field("ipv6_dst", *IP6S, masks=_IP6_MASKS), *_ANY_IP.fields),
    (_set("ipv6_src", *IP6S), _set("ipv6_dst", *IP6S, masks=_IP6_MASKS), _set("ipv6_label", 0, 7), *_ANY_IP.edits),
)
_ARP = Kind(
    "arp",
    (
        _field("arp_op", 1, 2),
        _field("arp_spa", *IPS, masks=_IP_MASKS),
        _field("nw_dst", *IPS),
        _field("arp_sha", *MACS),
    ),
    (_set("arp_op", 1, 2), _set("arp_tpa", *IPS, masks=_IP_MASKS), _set("arp_sha", *MACS)),
)


def _transport(network: Kind, prerequisite: str, protocol: str) -> Kind:
    fields = tuple(_field(f"{protocol}_{side}", *PORTS, masks=_PORT_MASKS) for side in ("src", "dst"))
    edits = tuple(_set(f"{protocol}_{side}", *PORTS, masks=_PORT_MASKS) for side in ("src", "dst"))
    return Kind(prerequisite, (*fields, *network.fields), (*edits, *network.edits))


KINDS = (
    Kind("", (), ()),
    _IPV4,
    _IPV6,
    _ARP,
    _transport(_IPV4, "ip,udp", "udp"),
    _transport(_IPV4, "ip,tcp", "tcp"),
    _transport(_IPV6, "ipv6,udp6", "udp"),
    _transport(_IPV6, "ipv6,tcp6", "tcp"),
    Kind("ip,icmp", (_field("icmp_type", 0, 8), *_IPV4.fields), (_set("icmp_type", 0, 8), *_IPV4.edits)),
    Kind("icmp6", (_field("icmpv6_type", 128, 129), *_IPV6.fields), (_set("icmpv6_code", 0, 7), *_IPV6.edits)),
)
_TAGGED = Kind(
    "vlan_tci=0x1000/0x1000",
    (_field("dl_vlan_pcp", *PCPS),),
    (
        st.sampled_from(VIDS).map("mod_vlan_vid:{}".format),
        st.sampled_from(PCPS).map("mod_vlan_pcp:{}".format),
    ),
)
_TAGS = (
    Kind("", (), ()),
    Kind("dl_vlan=0xffff", (), ()),
    _TAGGED,
    *(Kind(f"dl_vlan={vid}", _TAGGED.fields, _TAGGED.edits) for vid in VIDS),
)
_OUTPUTS = st.sampled_from(("output:1", "output:2", "output:3", "output:4", "flood", "all", "in_port", "output:77"))


@st.composite
def flows(draw: st.DrawFn, table: int, priority: int, groups: int = 0) -> str:
    """One flow; a later table is where some go on to."""
    kinds = (draw(st.sampled_from(KINDS)), draw(st.sampled_from(_TAGS)), _ETHERNET)
    optional = [field for kind in kinds for field in kind.fields]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=3, unique_by=id))
    items = [draw(field) for field in chosen]
    by_name = {item.partition("=")[0]: item for item in items}  # nw_dst is given once
    edits = [edit for kind in kinds for edit in kind.edits]
    actions = draw(st.lists(st.one_of(_OUTPUTS, *edits), max_size=5))
    if groups:
        actions += draw(st.lists(st.integers(1, groups).map("group:{}".format), max_size=2))
    if table + 1 < N_TABLES and draw(st.booleans()):
        actions.append(f"goto_table:{draw(st.integers(table + 1, N_TABLES - 1))}")
    else:
        actions.append(draw(_OUTPUTS))
    match = [kind.prerequisite for kind in kinds if kind.prerequisite] + list(by_name.values())
    return f"{','.join([f'table={table}', f'priority={priority}', *match])},actions={','.join(actions)}"


@st.composite
def tables(draw: st.DrawFn, groups: int = 0) -> list[str]:
    """Flows of several tables; no two of a table have one priority, so that it is always said which one counts."""
    return [
        draw(flows(table, priority, groups))
        for table in range(N_TABLES)
        for priority in range(1, 1 + draw(st.integers(1, 5 if table == 0 else 3)))
    ]


@st.composite
def buckets(draw: st.DrawFn) -> str:
    """A group of type all or indirect, whose buckets write only what every packet has, or decrement."""
    edits = st.one_of(*_ETHERNET.edits, st.just("dec_ttl"))
    texts = [
        ",".join([*draw(st.lists(edits, max_size=2, unique=True)), draw(_OUTPUTS)])
        for _ in range(draw(st.integers(1, 3)))
    ]
    kind = "indirect" if len(texts) == 1 and draw(st.booleans()) else "all"
    return f"type={kind}," + ",".join(f"bucket=actions={text}" for text in texts)


@st.composite
def packets(draw: st.DrawFn) -> tuple[int, bytes]:
    """(in_port, frame)."""
    frame: Any = Ether(src=draw(st.sampled_from(MACS)), dst=draw(st.sampled_from(MACS)))
    n_tags = draw(st.sampled_from((0, 0, 1, 1, 2)))
    if n_tags == 2 and draw(st.booleans()):
        frame, n_tags = frame / Dot1AD(vlan=draw(st.sampled_from(VIDS))), 1
    for _ in range(n_tags):
        frame /= Dot1Q(vlan=draw(st.sampled_from(VIDS)), prio=draw(st.sampled_from(PCPS)))
    network = draw(st.sampled_from(("ip", "ip", "ipv6", "ipv6", "arp", "other")))
    if network == "ip":
        options: list[Any] = draw(st.sampled_from(([], [], ["NOP"] * 4)))
        address = {"src": draw(st.sampled_from(IPS)), "dst": draw(st.sampled_from(IPS)), "options": options}
        frame /= IP(
            **address, ttl=draw(st.sampled_from(TTLS)), tos=draw(st.sampled_from(TOSES)), flags=draw(st.integers(0, 2))
        )
        frame /= draw(_transports(ICMP(type=draw(st.sampled_from((0, 8))))))
    elif network == "ipv6":
        frame /= IPv6(
            src=draw(st.sampled_from(IP6S)),
            dst=draw(st.sampled_from(IP6S)),
            hlim=draw(st.sampled_from(TTLS)),
            tc=draw(st.sampled_from(TOSES)),
            fl=draw(st.sampled_from((0, 7))),
        )
        frame /= draw(_transports(ICMPv6EchoRequest()))
    elif network == "arp":
        frame /= ARP(op=draw(st.sampled_from((1, 2))), psrc=draw(st.sampled_from(IPS)), pdst=draw(st.sampled_from(IPS)))
    else:
        last = frame.lastlayer()
        last.type = 0x88B5
    return draw(st.sampled_from((1, 2))), bytes(frame / Raw(draw(st.binary(max_size=3)) + MARK))


@st.composite
def _transports(draw: st.DrawFn, icmp: Any) -> Any:
    protocol = draw(st.sampled_from(("udp", "udp without checksum", "tcp", "icmp", "wrong checksum")))
    ports = {"sport": draw(st.sampled_from(PORTS)), "dport": draw(st.sampled_from(PORTS))}
    if protocol == "tcp":
        return TCP(**ports)
    if protocol == "icmp":
        return icmp
    checksum = {"udp": None, "udp without checksum": 0, "wrong checksum": draw(st.integers(1, 0xFFFE))}[protocol]
    return UDP(**ports, chksum=checksum)
