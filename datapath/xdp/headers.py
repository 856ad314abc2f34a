"""Finds the kernel headers that BCC compiles against, or puts a tree together from what is installed.

BCC wants one directory with ``include`` and ``arch`` (``BCC_KERNEL_SOURCE``), of any recent kernel: our programs use
nothing of it, BCC's own preamble does.  Ubuntu installs one directory; Debian splits it into ``-amd64`` and
``-common``, and neither serves alone, so a tree of links to both is made in the cache.  Used by ``loader.py``.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from datapath.cache import SCRATCH, cache_dir
from datapath.errors import NotSupportedError

SOURCES_DIR = Path("/usr/src")
MODULES_DIR = Path("/lib/modules")
NEEDED = ("include/linux/kconfig.h", "include/generated/autoconf.h", "include/linux/types.h")
_MACHINES = {"x86_64": ("x86", "amd64"), "aarch64": ("arm64", "arm64")}  # uname -m -> (kernel's name, Debian's)


def find_headers() -> Path:
    """Return a directory that serves as ``BCC_KERNEL_SOURCE``.

    Returns:
        The directory that the variable names already; else the running kernel's build directory; else the newest
        installed ``linux-headers``, merged in the cache where the distribution splits them.

    Raises:
        NotSupportedError: No headers are installed; says how to install them.
    """
    named = os.environ.get("BCC_KERNEL_SOURCE")
    if named:
        if _is_complete(Path(named)):
            return Path(named)
        raise NotSupportedError(
            f"kernel headers in {named} (BCC_KERNEL_SOURCE)", "it is no complete header tree; unset it or name another"
        )
    for directory in _candidates():
        if _is_complete(directory):
            return directory
        common = _common_part(directory)
        if common and _is_complete_together(directory, common):
            return _merged(directory, common)
    architecture = _MACHINES.get(platform.machine(), ("", platform.machine()))[1]
    raise NotSupportedError(
        "kernel headers for BCC",
        f"apt-get install linux-headers-{architecture} (Debian) or linux-headers-generic (Ubuntu); any recent version "
        "serves, it need not be the running kernel's",
    )


def _candidates() -> Iterator[Path]:
    """Yield the running kernel's build directory, then installed headers, the newest first."""
    running = MODULES_DIR / platform.release() / "build"
    if running.exists():
        yield running.resolve()
    directories = [d for d in SOURCES_DIR.glob("linux-headers-*") if not d.name.endswith("-common")]
    yield from sorted(directories, key=lambda d: _version(d.name), reverse=True)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", name))


def _architecture() -> str:
    return _MACHINES.get(platform.machine(), (platform.machine(), ""))[0]


def _is_complete(directory: Path) -> bool:
    """Tell whether one directory has it all."""
    return _is_complete_together(directory)


def _is_complete_together(*directories: Path) -> bool:
    needed = (*NEEDED, f"arch/{_architecture()}/include/asm/types.h", f"arch/{_architecture()}/include/asm/ptrace.h")
    generated = f"arch/{_architecture()}/include/generated/uapi/asm/types.h"  # asm/types.h is made by Kbuild
    return all(
        any((d / f).exists() or (f.endswith("asm/types.h") and (d / generated).exists()) for d in directories)
        for f in needed
    )


def _common_part(directory: Path) -> Path | None:
    """Return Debian's ``-common`` directory for an architecture's one."""
    name = re.sub(r"-(cloud-)?(amd64|arm64)$", "-common", directory.name)
    name = re.sub(r"-rt-(amd64|arm64)$", "-common-rt", name)
    common = directory.parent / name
    return common if common != directory and common.is_dir() else None


def _merged(directory: Path, common: Path) -> Path:
    """Return a tree in the cache whose entries link to either part, made if it is not there."""
    tree = cache_dir() / "kernel-headers" / directory.name
    if _is_complete(tree):
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tree.parent) as scratch:
        made = Path(scratch) / "tree"
        machine = f"arch/{_architecture()}/include"
        for folder in ("include", machine):
            _link_entries(made / folder, (directory / folder, common / folder))
        # Kbuild's part of the architecture's headers is in the one, the hand-written part in the other.
        _publish(made, tree)
    return tree


def _link_entries(target: Path, parts: Iterable[Path]) -> None:
    """Fill ``target`` with links; what several parts have as a directory is made and filled in turn."""
    target.mkdir(parents=True, exist_ok=True)
    parts = [p for p in parts if p.is_dir()]
    for name in sorted({entry.name for p in parts for entry in p.iterdir()}):
        sources = [p / name for p in parts if (p / name).exists()]
        if len(sources) > 1 and all(s.is_dir() for s in sources):
            _link_entries(target / name, sources)
        else:
            (target / name).symlink_to(sources[0])


def _publish(made: Path, tree: Path) -> None:
    """Put the finished tree in its place by one rename; an incomplete one there (headers since removed) gives way."""
    stale = made.parent / "stale"
    with contextlib.suppress(FileNotFoundError):
        os.rename(tree, stale)
    with contextlib.suppress(OSError):  # another process was first: its tree is the same
        os.rename(made, tree)
