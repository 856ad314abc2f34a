"""Waits for something to become true: looks first, then looks again, until a deadline.

Used by everything in ``testbed/`` that waits, and offered to tests: never sleep, always say what is awaited.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from datapath import WaitTimeoutError

T = TypeVar("T")
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05


def wait_until(
    look: Callable[[], T],
    timeout_s: float = 5.0,
    *,
    what: str = "the condition",
    until: Callable[[T], bool] = bool,
) -> T:
    """Call a function until what it returns is good; return that.

    Args:
        look: Returns what is to be seen now.
        timeout_s: Seconds until giving up; it looks at least twice, at the beginning and at the end.
        what: What is awaited, for the message: "8 packets at h3".
        until: Tells whether what was seen is good; by default, whether it is true.

    Raises:
        WaitTimeoutError: It did not become good; says what was last seen.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        late = time.monotonic() >= deadline
        seen = look()
        if until(seen):
            return seen
        if late:
            raise WaitTimeoutError(f"waited {timeout_s:g} s for {what}; last seen: {seen!r}")
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
