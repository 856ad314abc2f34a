"""The classifier against a list that is searched from end to end; also which bits it says it has looked at."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from slowpath_layout import KEY_SIZE
from slowpath_mock import Lab

from datapath.slowpath.model import Flow, Match, Output

BRIDGE = bytes(6) + b"\xff\xff" + bytes(KEY_SIZE - 8)
# Few bytes and few values, so that rules meet; spread over words, one of them shared.
PLACES = [8, 9, 20, 47, 71]
masks = st.tuples(*(st.sampled_from([0x00, 0x00, 0xFF, 0xF0]) for _ in PLACES))
values = st.tuples(*(st.sampled_from([0x00, 0x01, 0x10]) for _ in PLACES))


def spread(parts: tuple[int, ...]) -> bytes:
    key = bytearray(KEY_SIZE)
    for place, part in zip(PLACES, parts, strict=True):
        key[place] = part
    return bytes(key)


def make_rule(value: tuple[int, ...], mask: tuple[int, ...], priority: int) -> Flow:
    wide = spread(mask)
    key = bytes(k & m for k, m in zip(spread(value), wide, strict=True))
    return Flow(Match(key, wide), (Output(1),), priority=priority)


rules = st.builds(make_rule, values, masks, st.integers(0, 5))


def matches(flow: Flow, key: bytes) -> bool:
    return all(k & m == v for k, m, v in zip(key, flow.match.mask, flow.match.key, strict=True))


def linear(flows: list[Flow], key: bytes) -> tuple[int | None, bytes]:
    """Return the best priority, and the bits of the masks that have to be looked at for it: a mask counts when it holds
    a rule of higher priority than the best one found under the masks before it."""
    best = max((f.priority for f in flows if matches(f, key)), default=None)
    highest: dict[bytes, int] = {}
    for flow in flows:
        highest[flow.match.mask] = max(flow.priority, highest.get(flow.match.mask, 0))
    needed = [m for m, top in highest.items() if best is None or top > best]
    return best, bytes(a | b for a, b in zip(BRIDGE, joined(needed), strict=True))


def joined(masks: list[bytes]) -> bytes:
    result = bytes(KEY_SIZE)
    for mask in masks:
        result = bytes(a | b for a, b in zip(result, mask, strict=True))
    return result


@given(
    steps=st.lists(st.tuples(st.booleans(), st.lists(rules, min_size=1, max_size=10)), min_size=1, max_size=6),
    keys=st.lists(values, min_size=1, max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_equals_a_linear_search(steps: list[tuple[bool, list[Flow]]], keys: list[tuple[int, ...]]) -> None:
    model: dict[tuple[Match, int], Flow] = {}
    with Lab() as lab:
        for add, flows in steps:
            for flow in flows:
                (model.__setitem__ if add else lambda k, _: model.pop(k, None))((flow.match, flow.priority), flow)
            lab.slow_path.change(add=flows if add else (), delete=() if add else [(f, True) for f in flows])
            for parts in keys:
                key = spread(parts)
                trace = lab.slow_path.translate(key)
                best, least = linear(list(model.values()), key)
                found = trace.steps[0].flow
                assert (found.priority if found else None) == best
                assert found is None or (found in model.values() and matches(found, key))
                # All masks of higher priority are in; beyond them at most those of the winner's own priority.
                own = [f.match.mask for f in model.values() if f.priority == best]
                most = bytes(a | b for a, b in zip(least, joined(own), strict=True))
                assert all(a & b == a for a, b in zip(least, trace.mask, strict=True))
                assert all(a & b == a for a, b in zip(trace.mask, most, strict=True))


def test_an_early_stop_keeps_the_mask_wide() -> None:
    high = make_rule((1, 0, 0, 0, 0), (0xFF, 0, 0, 0, 0), 10)
    low = make_rule((0, 1, 0, 0, 0), (0, 0xFF, 0, 0, 0), 5)
    with Lab() as lab:
        lab.slow_path.change(add=[low, high])
        hit = lab.slow_path.translate(spread((1, 1, 0, 0, 0)))
        miss = lab.slow_path.translate(spread((0, 0, 0, 0, 0)))
        assert hit.mask == bytes(a | b for a, b in zip(BRIDGE, spread((0xFF, 0, 0, 0, 0)), strict=True))
        assert miss.mask == bytes(a | b for a, b in zip(BRIDGE, spread((0xFF, 0xFF, 0, 0, 0)), strict=True))
        # When the only rule of high priority goes, its mask is not looked at any more.
        lab.slow_path.flow_del(high)
        left = lab.slow_path.translate(spread((1, 1, 0, 0, 0)))
        assert left.mask == bytes(a | b for a, b in zip(BRIDGE, spread((0, 0xFF, 0, 0, 0)), strict=True))


def test_ten_thousand_rules_in_one_mask() -> None:
    def rule(i: int) -> Flow:
        return Flow(Match(bytes(40) + i.to_bytes(4, "big") + bytes(28), bytes(40) + b"\xff" * 4 + bytes(28)), cookie=i)

    with Lab() as lab:
        lab.slow_path.change(add=[rule(i) for i in range(10_000)])
        for i in (0, 1, 255, 256, 9_999):
            found = lab.slow_path.translate(rule(i).match.key).steps[0].flow
            assert found is not None
            assert found.cookie == i
        assert lab.slow_path.translate(rule(10_000).match.key).steps[0].flow is None
