"""The flow key: slots, fields, checksums."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from ir_builder import const, extract, header, program, select, stack, state

from datapath.errors import P4UnsupportedError
from datapath.ir.layout import KeyLayout
from datapath.ir.model import Assign, Checksum, CoveredField, Lookahead, Variable, VarRef
from datapath.passes.compute_layout import compute_layout

ETH = header("eth", dst=48, src=48, type=16)
V4 = header("v4", ttl=8, proto=8, csum=16, src=32)
V6 = header("v6", src=128)
TCP = header("tcp", port=16, csum=16)
NEXT = select(Lookahead(8), {1: "four", 2: "six", None: "accept"})


def example(**changes):
    states = (
        state("start", extract("eth"), to=NEXT),
        state("four", extract("v4"), to="tcp"),
        state("six", extract("v6"), to="tcp"),
        state("tcp", extract("tcp")),
    )
    return replace(program((ETH, V4, V6, TCP), *states), **changes)


def test_exclusive_headers_share_a_slot():
    layout = compute_layout(example())
    places = {h.path: (h.key_offset, h.size) for h in layout.headers}
    assert places == {"eth": (16, 14), "v4": (30, 8), "v6": (30, 16), "tcp": (46, 4)}
    assert layout.key_size == 56


def test_fields_stand_where_their_header_does():
    layout = compute_layout(example())
    port = layout.field("tcp.port")
    assert (port.offset_bits, port.width_bits, port.header, port.header_offset_bits) == (46 * 8, 16, "tcp", 0)
    assert layout.field("v6.$valid").offset_bits == 8 * 8 + 2
    assert [f.path for f in layout.fields[:2]] == ["in_port", "parser_error"]
    assert not any(f.path == "bridge" for f in layout.fields)


def test_headers_made_valid_together_do_not_share():
    both = (state("start", extract("v4"), extract("v6"), extract("eth")),)
    layout = compute_layout(example(states=both))
    ends = sorted((h.key_offset, h.key_offset + h.size) for h in layout.headers if h.path != "tcp")
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))


def test_variables_and_varbit_lengths_come_first():
    options = header("opt", data=-320)
    key = Variable("meta.vrf", 12, in_key=True)
    local = Variable("tmp", 8)
    write = Assign(VarRef("meta.vrf", 12), const(5, 12))
    made = program((options,), state("start", write, extract("opt", const(8, 32))), variables=(key, local))
    layout = compute_layout(made)
    assert (layout.field("meta.vrf").offset_bits, layout.field("meta.vrf").width_bits) == (16 * 8 + 4, 12)
    assert layout.field("opt.data.$length").offset_bits == 18 * 8
    assert "tmp" not in [f.path for f in layout.fields]


def test_more_than_64_headers_have_more_valid_bytes():
    layout = compute_layout(program(stack("m", 70, v=8), state("start", extract("m[69]"))))
    assert layout.field("m[69].$valid").offset_bits == 64 + 69
    assert layout.header("m[69]").key_offset == 24


def checksum(*parts, header_path="tcp"):
    offset, covered = 0, []
    for path, field, width in parts:
        covered.append(CoveredField(path, field, offset, width))
        offset += width
    return Checksum(header_path, "csum", tuple(covered))


def test_cover_masks_name_bits_header_by_header():
    over = checksum(("v4", "src", 32), ("tcp", "port", 16))
    found = compute_layout(example(checksums=(over,))).checksums[0]
    masks = {path: int(mask, 16) for path, mask in found.cover_masks}
    assert bin(masks["v4"]).count("1") == 32
    assert bin(masks["tcp"]).count("1") == 16
    assert int(found.cover_mask, 16) == masks["v4"] | masks["tcp"]
    assert (found.header_offset, found.swapped) == (2, ())


def test_other_parity_is_swapped():
    over = checksum(("", "", 8), ("v4", "src", 32))
    assert compute_layout(example(checksums=(over,))).checksums[0].swapped == ("v4",)


def test_a_header_at_both_parities_makes_two_entries():
    over = checksum(("v4", "src", 32), ("", "", 8), ("v4", "ttl", 8))
    first, second = compute_layout(example(checksums=(over,))).checksums
    assert (first.swapped, second.swapped) == ((), ("v4",))
    assert int(first.cover_mask, 16) & int(second.cover_mask, 16) == 0
    assert (first.header_offset, second.header_offset) == (2, 2)


def test_a_checksum_that_cannot_be_kept_is_warned_of():
    warnings = []
    over = checksum(("", "", 4), ("v4", "src", 32))
    layout = compute_layout(example(checksums=(over,)), warn=warnings.append)
    assert layout.checksums == ()
    assert "checksum tcp.csum is not kept up to date" in str(warnings[0])


def test_json_round_trip_keeps_the_hash():
    layout = compute_layout(example(checksums=(checksum(("v4", "src", 32)),)))
    again = KeyLayout.from_json(layout.to_json())
    assert (again, again.hash) == (layout, layout.hash)


@pytest.mark.parametrize("name", ["eth", "v4"])
def test_another_layout_has_another_hash(name):
    changed = tuple(replace(h, type_name="other") if h.path == name else h for h in example().headers)
    assert compute_layout(example(headers=changed)).hash != compute_layout(example()).hash


@pytest.mark.parametrize(
    ("n", "width", "what"),
    [
        (257, 8, "257 headers; a switch takes 256"),
        (17, 1024, "a flow key of 2192 bytes; a switch takes 2048"),
    ],
)
def test_what_no_engine_has_room_for_is_refused(n, width, what):
    headers = tuple(header(f"h{i}", x=width) for i in range(n))
    states = state("start", *(extract(h.path) for h in headers), to="accept")
    with pytest.raises(P4UnsupportedError, match=what):
        compute_layout(program(headers, states))


def test_as_many_headers_as_a_byte_can_name():
    headers = tuple(header(f"h{i}", x=8) for i in range(256))
    assert len(compute_layout(program(headers, state("start", to="accept"))).headers) == 256
