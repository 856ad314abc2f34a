"""Groups: buckets, hash fields, and what is wrong with them."""

from __future__ import annotations

import pytest

from datapath.errors import FlowError
from datapath.openflow.fields import FieldRegistry
from datapath.openflow.group_text import format_group, parse_group, parse_group_ids, parse_groups
from datapath.slowpath.model import Bucket, Output

ECMP = (
    "group_id=1,type=select,selection_method=hash,fields(ipv4.srcAddr,ipv4.dstAddr),"
    "bucket=weight:3,watch_port:2,actions=output:2,bucket=weight:1,actions=set_field:1->shim.slice,output:3"
)


def test_a_select_group(registry: FieldRegistry) -> None:
    group = parse_group(ECMP, registry)
    assert (group.group, group.kind) == (1, "select")
    assert group.buckets[0] == Bucket((Output(2),), 3, 2)
    assert group.buckets[1].weight == 1
    assert len(group.buckets[1].actions) == 2
    start = registry.layout.header("ipv4").key_offset + 12
    assert group.hash_mask == bytes(start) + b"\xff" * 8 + bytes(registry.layout.key_size - start - 8)
    assert format_group(group, registry) == ECMP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "group_id=2,type=all,bucket=output:1,bucket=2",
            "group_id=2,type=all,bucket=actions=output:1,bucket=actions=output:2",
        ),
        ("group_id=2,type=indirect,bucket=actions=flood", "group_id=2,type=indirect,bucket=actions=flood"),
        ("group_id=2,type=all", "group_id=2,type=all"),
        (
            "group_id=3 type=select fields=tcp.srcPort bucket=weight=2,watch_port=s1-eth1,output:s1-eth1",
            "group_id=3,type=select,selection_method=hash,fields(tcp.srcPort),bucket=weight:2,watch_port:1,actions=output:1",
        ),
        (
            "group_id=3,type=select,fields(ipv4.srcAddr=255.255.0.0),bucket=bucket_id:0,actions=1",
            "group_id=3,type=select,selection_method=hash,fields(ipv4.srcAddr=0xffff0000),bucket=weight:1,actions=output:1",
        ),
    ],
)
def test_other_forms(registry: FieldRegistry, text: str, expected: str) -> None:
    group = parse_group(text, registry, {"s1-eth1": 1})
    assert format_group(group, registry) == expected
    assert parse_group(expected, registry) == group


def test_fields_may_be_left_out_or_be_none(registry: FieldRegistry) -> None:
    text = format_group(parse_group("group_id=1,type=select,bucket=1", registry), registry)
    assert "fields(ipv4.protocol,ipv4.srcAddr,ipv4.dstAddr,ipv6.nextHdr,ipv6.srcAddr,ipv6.dstAddr,tcp.srcPort" in text
    assert "hdrChecksum" not in text
    assert parse_group("group_id=1,type=select,fields(),bucket=1", registry).hash_mask == bytes(
        registry.layout.key_size
    )


def test_fields_of_shared_slots_survive(shared_registry: FieldRegistry) -> None:
    group = parse_group("group_id=1,type=select,bucket=1", shared_registry)
    assert parse_group(format_group(group, shared_registry), shared_registry) == group


@pytest.mark.parametrize(
    ("text", "fault", "hint"),
    [
        ("type=all,bucket=1", "type=all", "group_id missing"),
        ("group_id=x,type=all,bucket=1", "x", "a group is a number"),
        ("group_id=1,bucket=1", "group_id=1", "type missing"),
        ("group_id=1,type=fast_failover,bucket=1", "fast_failover", "legal: all, indirect, select"),
        ("group_id=1,type=selct,bucket=1", "selct", "did you mean select"),
        ("group_id=1,type=all,fields(ipv4.ttl),bucket=1", "ipv4.ttl", "only a select group"),
        ("group_id=1,type=select,fields(ipv4.tll),bucket=1", "ipv4.tll", "did you mean ttl"),
        ("group_id=1,type=select,selection_method=random,bucket=1", "random", "legal: hash"),
        ("group_id=1,type=all,bukket=1", "bukket", "did you mean bucket"),
        ("group_id=1,type=all,bucket=weight:70000,actions=1", "70000", "up to 65535"),
        ("group_id=1,type=all,bucket=watch_port:q,actions=1", "q", "port number"),
        ("group_id=1,type=all,bucket=weight:1", "bucket=weight:1", "no actions"),
        ("group_id=1,type=all,bucket=actions=ouput:1", "ouput", "did you mean output"),
        ("group_id=1,type=all,bucket=actions=group:2", "2", "another group"),
        ("group_id=1,type=all,bucket=actions=1,goto_table:2", "2", "another table"),
        ("group_id=1,type=indirect,bucket=1,bucket=2", "group_id=1,type=indirect", "has one bucket"),
    ],
)
def test_faults_have_a_caret_and_a_remedy(registry: FieldRegistry, text: str, fault: str, hint: str) -> None:
    with pytest.raises(FlowError) as caught:
        parse_group(text, registry)
    message = str(caught.value)
    assert hint in message
    lines = message.splitlines()
    at = next(i for i, part in enumerate(lines) if part.strip() == text)
    pointed = lines[at][lines[at + 1].index("^") : len(lines[at + 1])]
    assert pointed.rstrip(",") == fault


def test_a_number_comes_once(registry: FieldRegistry) -> None:
    with pytest.raises(FlowError, match="given twice"):
        parse_groups(["group_id=1,type=all,bucket=1", "group_id=1,type=all,bucket=2"], registry)


def test_which_groups_to_delete() -> None:
    assert parse_group_ids("") is None
    assert parse_group_ids("group_id=4") == [4]
    assert parse_group_ids("4 5") == [4, 5]
    with pytest.raises(FlowError, match="not a group"):
        parse_group_ids("group_id=all4")
