"""The cache directory on disk: what is slow to make is kept there under a name derived from its content.

Used by ``build.py`` (shared objects), ``compiler.py`` (compiled programs) and ``xdp/`` (header tree).  Several
processes may use it at once: an entry appears by one rename, whole or not at all, and is never changed afterwards.
What is being made has a name that begins with ``SCRATCH``; a process that is killed leaves that behind, until somebody
makes an entry an hour later.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from datapath.errors import LoadError

SCRATCH = ".scratch."
_ABANDONED_S = 3600.0  # nothing takes so long to make: compilers are given two minutes


def cache_dir() -> Path:
    """Return the cache directory, made if need be.

    Returns:
        ``$OVSP4_CACHE_DIR``, else ``$XDG_CACHE_HOME/ovsp4``, else ``~/.cache/ovsp4``.

    Raises:
        LoadError: It cannot be made.
    """
    own, xdg = os.environ.get("OVSP4_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME")
    path = Path(own) if own else Path(xdg) / "ovsp4" if xdg else Path.home() / ".cache" / "ovsp4"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoadError(f"cannot make the cache directory {path}: {error.strerror}; set OVSP4_CACHE_DIR") from error
    return path.absolute()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Args:
        path: Where; its directory is made if need be.
        data: The whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(prefix=f"{SCRATCH}{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would shut out other users of a shared cache
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def cached_file(path: Path, make: Callable[[Path], Path]) -> Path:
    """Return ``path``, made first if it is not there.

    Two processes that miss at once both make it; the contents are equal and the later rename wins.

    Args:
        path: The entry; its name must be derived from everything that its content depends on.
        make: Called with an empty scratch directory; returns the file in it that becomes the entry.

    Returns:
        ``path``.
    """
    if not path.exists():
        with _scratch(path.parent) as scratch:
            os.replace(make(scratch), path)
    return path


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """Yield an empty directory on the file system of ``parent``, removed afterwards."""
    _remove_abandoned()
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _remove_abandoned() -> None:
    """Remove what killed processes were making."""
    for path in cache_dir().glob(f"*/{SCRATCH}*"):
        with contextlib.suppress(OSError):  # its maker or somebody like us was faster
            if time.time() - path.lstat().st_mtime > _ABANDONED_S:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
