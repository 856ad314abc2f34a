"""What a capability of the machine is, and how one is tried; the terms of ``doctor.py`` and its two lists of probes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NEEDED_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21, "CAP_BPF": 39}  # linux/capability.h


@dataclass(frozen=True)
class Capability:
    """Something that the machine can or cannot do."""

    name: str
    ok: bool
    detail: str  # what was found: a version, or why not
    remedy: str  # what to do about it; "" if ok
    needed_for: str = "everything"


@dataclass(frozen=True)
class Probe:
    """How a capability is tried."""

    name: str
    run: Callable[[], str]  # returns what it found; raises NotSupportedError, another OvsP4Error or OSError if it fails
    remedy: str = ""  # where the error does not bring one
    needed_for: str = "everything"
    needs_root: bool = False


def missing_rights() -> list[str]:
    """Return the rights that we need and do not have."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    effective = int(status["CapEff"], 16)
    missing = [name for name, bit in NEEDED_CAPABILITIES.items() if not effective >> bit & 1]
    return missing if os.geteuid() == 0 else ["root", *missing]
