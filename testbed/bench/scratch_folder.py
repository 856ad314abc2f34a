"""A temporary folder that goes also when this process is killed: a process that waits for its end removes it.

Used by the benchmarks with other programs' files or with a cache of their own.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "ovsp4-bench-"
# Its standard input ends with us.  Those who write into the folder end soon after us; a compiler takes longest.
_REMOVE = 'cat; for _ in 1 2 3 4 5 6; do sleep 0.5; rm -rf "$0"; done'


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder; it is gone afterwards, whatever ends us."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    command = ["sh", "-c", _REMOVE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as remover:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            remover.kill()
