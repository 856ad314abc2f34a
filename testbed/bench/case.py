"""What a benchmark case is: a forwarder between the rig's two ports, set up for as long as it is measured.

``cases.py`` and the files beside it define them; ``run.py`` opens all, and lets one after the other work.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from testbed.bench import traffic
from testbed.bench.rig import Rig


@dataclass
class Forwarder:
    """A forwarder that is ready."""

    rig: Rig
    templates: list[bytes] = field(default_factory=traffic.templates)
    rewrites: bool = True  # whether packets come out routed: MAC addresses and TTL changed
    details: dict[str, str] = field(default_factory=dict)  # recorded beside the figures: "xdp_mode": "native"
    inspect: Callable[[], Mapping[str, Any]] = dict  # further details, known only when it has worked
    check: Callable[[], None] = lambda: None  # raises if the forwarder has died
    polling_pids: tuple[int, ...] = ()  # processes that use a CPU even without traffic; stopped while others work

    def pause(self) -> None:
        """Take the CPU away from the forwarder while another one is measured."""
        for pid in self.polling_pids:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it work."""
        for pid in self.polling_pids:
            os.kill(pid, signal.SIGCONT)


@dataclass(frozen=True)
class Case:
    """A forwarder that can be measured."""

    name: str
    what: str  # one line for people
    open: Callable[[], AbstractContextManager[Forwarder]]  # raises NotSupportedError if it cannot run here
