"""The megaflow cache against a linear model: whatever is added, changed, deleted, the same flow is found."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from veth_wires import ETH_IPV4, KEY_SIZE, output

from datapath.build import RUNTIME_DIR, build_shared, c_string
from datapath.user import binding
from datapath.user.binding import DpAction, DpStats, UserConfig, UserCounters

MAX_FLOWS = 40
FIELDS = ((0, 4), (16, 6), (46, 4), (54, 2))  # offset and size, where masks of the tests have bits; some cross words
ENOENT, EEXIST, ENOSPC, E2BIG = 2, 17, 28, 7


@pytest.fixture(scope="module")
def library() -> Any:
    path = build_shared(
        "probe",
        [Path(__file__).parent / "probe.c"],
        texts={"program.c": ETH_IPV4.read_text()},
        include_dirs=[RUNTIME_DIR, RUNTIME_DIR.parent / "user"],
        libs=["xdp", "bpf"],
        defines={"PROGRAM_FILE": c_string("program.c")},
    )
    library = ctypes.CDLL(str(path))
    binding.declare(library)
    library.probe_lookup.restype = ctypes.c_int64
    library.probe_lookup.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    return library


class Cache:
    """The engine's cache, and beside it the model: a list of flows."""

    def __init__(self, library: Any, max_flows: int = MAX_FLOWS) -> None:
        self.library = library
        self.lock = library.user_lock_new()
        error = ctypes.c_int()
        config = UserConfig(self.lock, 1, 64, max_flows, 0)
        self.dp = library.user_open(ctypes.byref(config), ctypes.byref(error))
        assert self.dp, error.value
        self.ops = binding.Dp.from_address(self.dp).ops.contents
        self.model: dict[int, tuple[bytes, bytes]] = {}  # id -> key, mask

    def close(self) -> None:
        self.ops.close(self.dp)
        self.library.user_lock_free(self.lock)

    def put(self, key: bytes, mask: bytes, *items: DpAction) -> int:
        """Install a flow; return its id, or a negative errno."""
        flow_id = ctypes.c_uint32()
        masked = bytes(k & m for k, m in zip(key, mask, strict=True))
        error: int = self.ops.flow_put(
            self.dp, masked, mask, binding.actions(*items), len(items), ctypes.byref(flow_id)
        )
        if error:
            return error
        assert flow_id.value not in self.model
        self.model[flow_id.value] = (masked, mask)
        return flow_id.value

    def overlaps(self, key: bytes, mask: bytes) -> bool:
        """Whether some packet would match this flow and one in the model."""
        return any(
            all((k ^ other_k) & m & other_m == 0 for k, m, other_k, other_m in zip(key, mask, *other, strict=True))
            for other in self.model.values()
        )

    def delete(self, flow_id: int) -> None:
        assert self.ops.flow_del(self.dp, flow_id, None) == 0
        del self.model[flow_id]

    def check(self, key: bytes) -> None:
        """Look a key up in both."""
        expected = [
            flow_id
            for flow_id, (flow_key, mask) in self.model.items()
            if all(k & m == f for k, m, f in zip(key, mask, flow_key, strict=True))
        ]
        assert len(expected) <= 1
        assert self.library.probe_lookup(self.dp, key) == (expected[0] if expected else -1)

    def counters(self) -> UserCounters:
        counters = UserCounters()
        self.library.user_counters(self.dp, ctypes.byref(counters))
        return counters


@pytest.fixture
def cache(library: Any) -> Iterator[Cache]:
    cache = Cache(library)
    yield cache
    cache.close()


def place(values: tuple[bytes, ...]) -> bytes:
    key = bytearray(KEY_SIZE)
    for (offset, size), value in zip(FIELDS, values, strict=True):
        key[offset : offset + size] = value.rjust(size, b"\0")
    return bytes(key)


# Few distinct values, so that lookups hit.
KEYS = st.tuples(*[st.sampled_from([b"\0", b"\1", b"\2", b"\xff"]) for _ in FIELDS]).map(place)
MASKS = st.tuples(*[st.sampled_from([b"\0", b"\xff" * size, b"\x03"]) for _, size in FIELDS]).map(place)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, MASKS),
        st.tuples(st.just("delete"), st.integers(0, 99)),
        st.tuples(st.just("modify"), st.integers(0, 99), st.integers(0, 3)),
        st.tuples(st.just("look"), KEYS),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, keys=st.lists(KEYS, min_size=4, max_size=8))
def test_equals_the_linear_model(library: Any, steps: list[Any], keys: list[bytes]) -> None:
    cache = Cache(library)
    try:
        for step in steps:
            take_step(cache, *step)
            for key in keys:  # the same ones again and again: the microflows' turn
                cache.check(key)
    finally:
        cache.close()


def take_step(cache: Cache, what: str, *arguments: Any) -> None:
    if what == "put":
        key, mask = arguments
        masked = bytes(k & m for k, m in zip(key, mask, strict=True))
        if (masked, mask) in cache.model.values():
            assert cache.put(key, mask) == -EEXIST
        elif not cache.overlaps(key, mask):  # as the slow path promises
            assert cache.put(key, mask, output(1)) >= 0 or len(cache.model) == MAX_FLOWS
    elif what == "look":
        cache.check(arguments[0])
    elif cache.model:
        flow_id = sorted(cache.model)[arguments[0] % len(cache.model)]
        if what == "delete":
            cache.delete(flow_id)
        else:
            items = [output(1)] * arguments[1]
            assert cache.ops.flow_mod(cache.dp, flow_id, binding.actions(*items), len(items)) == 0
    assert cache.counters().n_flows == len(cache.model)
    assert cache.counters().n_masks == len({mask for _, mask in cache.model.values()})


def flow(number: int) -> tuple[bytes, bytes]:
    """Flows that do not overlap, one an input port."""
    key = number.to_bytes(4, "big").ljust(KEY_SIZE, b"\0")
    return key, b"\xff\xff\xff\xff".ljust(KEY_SIZE, b"\0")


def test_full_is_counted_and_ends(cache: Cache) -> None:
    ids = [cache.put(*flow(n)) for n in range(MAX_FLOWS)]
    assert sorted(ids) == list(range(MAX_FLOWS))
    assert cache.put(*flow(99)) == -ENOSPC
    assert cache.counters().n_full == 1
    cache.check(flow(99)[0])
    cache.delete(ids[7])
    assert cache.put(*flow(99)) >= 0
    for number in range(MAX_FLOWS + 60):
        cache.check(flow(number)[0])


def test_holds_65536_flows(library: Any) -> None:
    cache = Cache(library, 1 << 16)
    try:
        for number in range(1 << 16):
            assert cache.put(*flow(number)) >= 0
        assert cache.put(*flow(1 << 16)) == -ENOSPC
        for number in range(0, 1 << 16, 97):
            assert library.probe_lookup(cache.dp, flow(number)[0]) == number
            assert library.probe_lookup(cache.dp, flow(number)[0]) == number
    finally:
        cache.close()


def test_unknown_ids_are_refused(cache: Cache) -> None:
    stats = DpStats()
    for flow_id in (0, 5, 1 << 31):
        assert cache.ops.flow_del(cache.dp, flow_id, None) == -ENOENT
        assert cache.ops.flow_mod(cache.dp, flow_id, None, 0) == -ENOENT
        assert cache.ops.flow_stats(cache.dp, flow_id, ctypes.byref(stats)) == -ENOENT


def test_too_many_actions_are_refused(cache: Cache) -> None:
    assert cache.put(*flow(1), *[output(1)] * 65) == -E2BIG
    assert cache.counters().n_masks == 0
    assert cache.put(*flow(1), *[output(1)] * 64) == 0
