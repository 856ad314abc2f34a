"""Properties: what is printed reads back as the same flow or group, and no text makes a traceback."""

from __future__ import annotations

import contextlib

from handmade_layouts import L2L3, make_layout
from hypothesis import given
from hypothesis import strategies as st

from datapath.errors import FlowError
from datapath.openflow.fields import FieldRegistry, FieldSpec
from datapath.openflow.flow_text import format_flow, parse_filter, parse_flow
from datapath.openflow.group_text import format_group, parse_group
from datapath.openflow.match_text import MatchBuilder
from datapath.openflow.ovs_values import Bits
from datapath.slowpath.model import (
    PORT_FLOOD,
    PORT_IN_PORT,
    Action,
    Bucket,
    DecTtl,
    Flow,
    Group,
    Match,
    Output,
    SetField,
    ToController,
    ToGroup,
)

PLAIN = FieldRegistry(make_layout(L2L3))
SHARED = FieldRegistry(make_layout(L2L3, {"ipv6": "ipv4", "udp": "tcp", "icmpv6": "icmp"}))
registries = st.sampled_from([PLAIN, SHARED])
ports = st.integers(1, 1023)


def value_and_mask(width_bits: int) -> st.SearchStrategy[tuple[int, int]]:
    all_ones = (1 << width_bits) - 1
    prefixes = st.integers(0, width_bits).map(lambda n: all_ones & ~(all_ones >> n))
    masks = st.one_of(st.just(all_ones), prefixes, st.integers(1, all_ones))
    return st.tuples(st.integers(0, all_ones), masks)


def match_on(spec: FieldSpec, builder: MatchBuilder, value: int, mask: int) -> None:
    builder.put(Bits(spec.offset_bits, spec.width_bits, value & mask, mask))
    if spec.header:
        builder.require(spec.header)


@st.composite
def matches(draw: st.DrawFn, registry: FieldRegistry) -> Match:
    """A match on fields of headers that can be there together, some headers required, others absent."""
    headers = [h.path for h in registry.layout.headers]
    apart = {"ipv6": "ipv4", "udp": "tcp", "icmpv6": "icmp"} if registry is SHARED else {}
    present = set(draw(st.lists(st.sampled_from(headers), unique=True, max_size=5)))
    present -= {second for second, first in apart.items() if first in present}
    builder = MatchBuilder(registry)
    for header in headers:
        if header in present:
            builder.require(header)
        elif draw(st.integers(0, 5)) == 0:
            builder.require(header, valid=False)
    legal = [s for s in registry.fields.values() if s.settable and s.header in present]
    if legal:
        for spec in draw(st.lists(st.sampled_from(legal), unique=True, max_size=4)):
            match_on(spec, builder, *draw(value_and_mask(spec.width_bits)))
    if draw(st.booleans()):
        match_on(registry.fields["in_port"], builder, draw(ports), 0xFFFFFFFF)
    return builder.build()


@st.composite
def actions(draw: st.DrawFn, registry: FieldRegistry, in_bucket: bool = False) -> tuple[Action, ...]:
    settable = [spec for spec in registry.fields.values() if spec.settable]

    def set_field(spec: FieldSpec) -> st.SearchStrategy[Action]:
        pairs = value_and_mask(spec.width_bits).filter(lambda pair: pair[1] != 0)
        return pairs.map(lambda p: SetField(spec.offset_bits, spec.width_bits, p[0] & p[1], p[1], spec.header))

    one = st.one_of(
        st.builds(Output, st.one_of(ports, st.sampled_from([PORT_FLOOD, PORT_IN_PORT]))),
        st.builds(ToController, st.integers(0, 0xFFFF)),
        st.sampled_from(settable).flatmap(set_field),
        st.sampled_from(["ipv4.ttl", "ipv6.hopLimit", "shim.hops"])
        .map(lambda name: registry.fields[name])
        .map(lambda spec: DecTtl(spec.offset_bits, spec.header)),
        *([] if in_bucket else [st.builds(ToGroup, st.integers(0, 1000))]),
    )
    return tuple(draw(st.lists(one, max_size=5)))


@given(st.data(), registries)
def test_flows_read_back_as_they_were_printed(data: st.DataObject, registry: FieldRegistry) -> None:
    table = data.draw(st.integers(0, 252))
    flow = Flow(
        data.draw(matches(registry)),
        data.draw(actions(registry)),
        table,
        data.draw(st.integers(0, 0xFFFF)),
        data.draw(st.none() | st.integers(table + 1, 253)),
        data.draw(st.integers(0, (1 << 64) - 1)),
        data.draw(st.integers(0, 0xFFFF)),
        data.draw(st.integers(0, 0xFFFF)),
    )
    text = format_flow(flow, registry)
    assert parse_flow(text, registry) == flow


@given(st.data(), registries)
def test_groups_read_back_as_they_were_printed(data: st.DataObject, registry: FieldRegistry) -> None:
    kind = data.draw(st.sampled_from(["select", "all", "indirect"]))
    weights = st.integers(0, 0xFFFF) if kind == "select" else st.just(1)
    bucket = st.builds(Bucket, actions(registry, in_bucket=True), weights, st.one_of(st.just(0), ports))
    buckets = data.draw(st.lists(bucket, min_size=int(kind == "indirect"), max_size=1 if kind == "indirect" else 4))
    hash_mask = b""
    if kind == "select":
        builder = MatchBuilder(registry)
        hashed = st.lists(st.sampled_from([s for s in registry.fields.values() if s.settable]), min_size=1, max_size=4)
        for spec in data.draw(hashed):
            _, mask = data.draw(value_and_mask(spec.width_bits))
            builder.put(Bits(spec.offset_bits, spec.width_bits, 0, mask))
        hash_mask = builder.build().mask
    group = Group(data.draw(st.integers(0, 1 << 31)), kind, tuple(buckets), hash_mask)
    assert parse_group(format_group(group, registry), registry) == group


@given(st.text(alphabet='ipv4.dstAr=0:/,[]()$>-x _@\t"é12', max_size=60), registries)
def test_no_text_makes_a_traceback(text: str, registry: FieldRegistry) -> None:
    for line in (text, f"{text},actions=drop", f"ip,actions={text}", f"group_id=1,type=all,bucket={text}"):
        for parse in (parse_flow, parse_filter, parse_group):
            with contextlib.suppress(FlowError):
                parse(line, registry)
