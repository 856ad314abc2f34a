"""The megaflow cache with translation against OpenFlow interpreted directly, on random tables, packets and changes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slowpath_layout import dec_ttl, make_packet, mask_of, match, set_field
from slowpath_mock import Lab
from slowpath_reference import Reference

from datapath.slowpath.model import (
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    Bucket,
    Flow,
    Group,
    Match,
    Output,
    ToController,
    ToGroup,
)

BASE: dict[str, Any] = {"in_port": 1, "protocol": 17, "ip_dst": 0x0A000002, "ttl": 64, "dport": 80}
VARIATIONS: list[dict[str, Any]] = [  # each is near others, so that a mask that is too wide is noticed
    *({}, {"in_port": 2}, {"in_port": 3}, {"ttl": 65}, {"ttl": 63}, {"ttl": 2}, {"ttl": 1}, {"dport": 81}),
    *({"dport": 53}, {"dport": 99}, {"ip_dst": 0x0A000003}, {"ip_dst": 0x0A010002}, {"ip_dst": 0x0B000002}),
    *({"ip_dst": 0x0C000001}, {"ip_src": 0x0C000001}, {"dst": 0x0200000000F1}, {"udp_checksum": False}, {"tos": 8}),
    *({"protocol": 1}, {"ethertype": 0x86DD}, {"ethertype": 0x86DD, "in_port": 3}, {"protocol": 6}),
    *({"protocol": 6, "ttl": 63}, {"protocol": 6, "dport": 99}, {"protocol": 6, "ip_dst": 0x0A000003, "in_port": 2}),
]
PACKETS = [make_packet(**{**BASE, **variation}) for variation in VARIATIONS]

TERMS: list[tuple[str, list[Any]]] = [
    ("in_port", [1, 2, 3]),
    ("ethernet__dst", [0x020000000001, (0x0200000000F0, 0xF0)]),
    ("ethernet__type", [0x0800]),
    ("ipv4__valid", [0, 1]),
    ("ipv4__dst", [0x0A000002, (0x0A000000, 0xFF000000), (0x0A000000, 0xFFFF0000), 0x0B000002, 0x0C000001]),
    ("ipv4__src", [0x0A000001, 0x0C000001]),
    ("ipv4__ttl", [64, 63, 1, (0x40, 0x40), (0, 1)]),
    ("ipv4__tos", [0, 8]),
    ("ipv4__checksum", [0xDEAD, (0x00FE, 0x00FF)]),
    ("udp__dst", [80, 53, 99]),
    ("tcp__dst", [80, 99, (0, 0x8000)]),
    ("meta__zone", [0, 5, (1, 1)]),
]
matches = st.lists(st.sampled_from(TERMS), max_size=2, unique_by=lambda t: t[0]).flatmap(
    lambda terms: st.tuples(*(st.sampled_from(values) for _, values in terms)).map(
        lambda values: match(**{name: value for (name, _), value in zip(terms, values, strict=True)})
    )
)
edits = st.sampled_from(
    [
        set_field("ethernet.dst", 0x020000000001),
        set_field("ethernet.src", 0x02000000BEEF),
        set_field("ipv4.dst", 0x0C000001),
        set_field("ipv4.dst", 0x0A000002),
        set_field("ipv4.src", 0x0C000001),
        set_field("ipv4.src", 0x000000FF, 0x000000FF),
        set_field("ipv4.tos", 8),
        set_field("ipv4.tos", 0x10, 0x18),
        set_field("ipv4.ttl", 64),
        set_field("ipv4.ttl", 0, 0x3),
        set_field("ipv4.ttl", 1),
        set_field("ipv4.ttl", 0, 0x40),
        dec_ttl(),
        set_field("udp.dst", 99),
        set_field("udp.src", 0),
        set_field("tcp.dst", 99),
        set_field("tcp.window", 0xFFFF),
        set_field("ipv4.checksum", 0xDEAD),
        set_field("ipv4.checksum", 0x00FE, 0x00FF),
        set_field("udp.checksum", 0xBEEF),
        set_field("udp.checksum", 0),
        set_field("tcp.checksum", 0x8000, 0xF000),
        set_field("meta.zone", 5),
        set_field("meta.zone", 1, 1),
        dec_ttl(),
    ]
)
ports = st.sampled_from([1, 2, 3, 4, 9, PORT_FLOOD, PORT_IN_PORT])
simple_actions: st.SearchStrategy[Action] = st.one_of(ports.map(Output), edits, edits, st.just(ToController(60)))
any_actions: st.SearchStrategy[Action] = st.one_of(simple_actions, st.sampled_from([ToGroup(1), ToGroup(2)]))
action_lists: st.SearchStrategy[tuple[Action, ...]] = st.lists(any_actions, max_size=4).map(lambda a: tuple(a))
buckets = st.builds(
    Bucket,
    st.lists(simple_actions, max_size=3).map(tuple),
    weight=st.integers(0, 3),
    watch_port=st.sampled_from([0, 0, 3, 4]),
)
hash_masks = st.sampled_from(
    [mask_of("ipv4.src", "ipv4.dst", "udp.src", "udp.dst"), mask_of("ipv4.dst"), mask_of("in_port", "ipv4.ttl")]
)
group_specs = st.one_of(
    st.tuples(st.sampled_from(["select", "all"]), st.lists(buckets, max_size=3)),
    st.tuples(st.just("indirect"), st.lists(buckets, min_size=1, max_size=1)),
)


@st.composite
def groups(draw: st.DrawFn, number: int | None = None) -> Group:
    kind, members = draw(group_specs)
    number = number or draw(st.integers(1, 2))
    return Group(number, kind, tuple(members), draw(hash_masks) if kind == "select" else b"")


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    table = draw(st.sampled_from([0, 0, 1, 2]))
    goto = draw(st.sampled_from([None, 1, 1, 2, 2, 3]))
    return Flow(
        draw(matches),
        draw(action_lists),
        table=table,
        priority=draw(st.integers(0, 6)),
        goto_table=goto if goto and goto > table else None,
    )


changes = st.one_of(
    st.tuples(st.just("add"), st.lists(flows(), min_size=1, max_size=3)),
    st.tuples(st.just("add"), st.lists(flows(), min_size=1, max_size=3)),
    st.tuples(st.just("delete"), st.integers(0, 100)),
    st.tuples(st.just("group"), groups()),
    st.tuples(st.just("port"), st.integers(1, 4)),
)


def one_winner(flows: list[Flow], new: Flow) -> bool:
    """Two overlapping flows of one priority leave the result open (OpenFlow); such a flow is not used."""
    return all(
        f.table != new.table or f.priority != new.priority or f.match == new.match or _disjoint(f.match, new.match)
        for f in flows
    )


def _disjoint(a: Match, b: Match) -> bool:
    return any((x ^ y) & m & n for x, y, m, n in zip(a.key, b.key, a.mask, b.mask, strict=True))


def apply(lab: Lab, model: Reference, change: tuple[str, object]) -> None:
    """Make one change to both."""
    kind, what = change
    if kind == "add":
        assert isinstance(what, list)
        batch: list[Flow] = []
        for flow in what:
            if one_winner(model.flows, flow):
                batch.append(flow)
                model.put(flow)
        lab.slow_path.change(add=batch)
    elif kind == "delete" and model.flows:
        assert isinstance(what, int)
        victim = model.flows[what % len(model.flows)]
        model.delete(victim)
        assert lab.slow_path.flow_del(victim) == 1
    elif kind == "group":
        assert isinstance(what, Group)
        model.groups[what.group] = what
        lab.slow_path.group_put(what)
    elif kind == "port":
        assert isinstance(what, int)
        model.up ^= {what}
        lab.slow_path.port_put(what, what in model.up)


def assert_same(lab: Lab, model: Reference) -> None:
    """Both treat every packet alike, now and with everything cached."""
    for packet in PACKETS:
        expected = model.forward(packet)
        for _ in range(2):
            found = [(port, b"" if port == -2 else data) for port, data in lab.engine.forward(packet)]
            assert found == expected
        assert lab.engine.hits >= 1
        trace = lab.slow_path.translate(packet.key)
        assert list(trace.output_ports) == [p for p, _ in expected if p in model.up]


@given(
    first=groups(1),
    second=groups(2),
    tables=st.lists(flows(), min_size=4, max_size=10),
    steps=st.lists(changes, max_size=5),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cache_equals_openflow(
    first: Group, second: Group, tables: list[Flow], steps: list[tuple[str, object]]
) -> None:
    model = Reference()
    with Lab() as lab:
        for group in (first, second):
            apply(lab, model, ("group", group))
        for step in [("add", tables), *steps]:
            apply(lab, model, step)
            assert_same(lab, model)


@given(group=groups(1), tables=st.lists(flows(), min_size=3, max_size=10), noise=st.binary(min_size=72, max_size=72))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bits_outside_the_mask_change_nothing(group: Group, tables: list[Flow], noise: bytes) -> None:
    model = Reference()
    with Lab() as lab:
        for number in (1, 2):
            apply(lab, model, ("group", Group(number, group.kind, group.buckets, group.hash_mask)))
        apply(lab, model, ("add", tables))
        for packet in PACKETS:
            trace = lab.slow_path.translate(packet.key)
            for other in [noise, *(p.key for p in PACKETS)]:
                mixed = bytes((k & m) | (n & ~m) for k, m, n in zip(packet.key, trace.mask, other, strict=True))
                again = lab.slow_path.translate(mixed)
                assert (again.mask, again.actions) == (trace.mask, trace.actions)
