"""The wait helper: looks first, gives up in time, says what it saw."""

from __future__ import annotations

import time

import pytest

from datapath import WaitTimeoutError
from testbed.wait import wait_until


def test_no_wait_if_it_is_so() -> None:
    started = time.monotonic()
    assert wait_until(lambda: "yes", timeout_s=10) == "yes"
    assert time.monotonic() - started < 0.1


def test_it_looks_again() -> None:
    seen = iter([0, 0, 3])
    assert wait_until(lambda: next(seen), timeout_s=5) == 3


def test_it_gives_up_and_says_what_it_saw() -> None:
    counts = iter(range(1000))
    started = time.monotonic()
    with pytest.raises(WaitTimeoutError) as caught:
        wait_until(lambda: next(counts), timeout_s=0.05, what="500 packets", until=lambda n: n >= 500)
    assert 0.05 <= time.monotonic() - started < 1
    last = next(counts) - 1
    assert str(caught.value) == f"waited 0.05 s for 500 packets; last seen: {last}"


def test_it_looks_once_more_at_the_end() -> None:
    looks = []
    with pytest.raises(WaitTimeoutError):
        wait_until(lambda: looks.append(1), timeout_s=0)
    assert looks == [1]
