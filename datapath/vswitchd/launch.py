"""Start a ``vswitchd`` process and stop it.

Used by the testbed and by tests.  The child gets two pipes: one on which it says that it is ready (or why not), and a
lifeline that is never written to: when it closes, whichever way this process went, the child ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from datapath.client import Client, as_exception
from datapath.errors import SwitchError

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0  # it takes milliseconds; beyond this it hangs, and is killed


class Vswitchd:
    """A running daemon; its network namespace is ``/proc/<pid>/ns/net``."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], lifeline: int) -> None:
        self.name = name
        self.client = Client(name)
        self._process = process
        self._lifeline = lifeline

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the daemon; the fabric namespace goes with it.  May be called again."""
        self.client.close()
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Vswitchd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_vswitchd(name: str, log_file: str | os.PathLike[str] | None = None) -> Vswitchd:
    """Start the daemon of a network and wait until it answers.

    Args:
        name: Of the network.  If one of that name runs already, this one is called ``name.pid``.
        log_file: Where its messages go (appended); None: this process's standard error.

    Returns:
        The daemon, to be stopped by the caller; it also ends when this process does.

    Raises:
        SwitchError: It could not start; the message says why.
    """
    ready_read, ready_write = os.pipe()
    life_read, life_write = os.pipe()
    command = [sys.executable, "-m", "datapath.vswitchd", name]
    command += ["--ready-fd", str(ready_write), "--lifeline-fd", str(life_read)]
    if threading.current_thread() is threading.main_thread():  # the signal comes when the *thread* ends
        command += ["--parent-pid", str(os.getpid())]
    try:
        process = _spawn(command, (ready_write, life_read), log_file)
    except OSError as error:
        os.close(ready_read)
        os.close(life_write)
        raise SwitchError(f"cannot start vswitchd: {error}") from error
    finally:
        os.close(ready_write)
        os.close(life_read)
    try:
        full_name = _wait_ready(ready_read, process)
    except BaseException:
        os.close(life_write)
        process.kill()
        process.wait()
        raise
    finally:
        os.close(ready_read)
    return Vswitchd(full_name, process, life_write)


def _spawn(
    command: list[str], pass_fds: tuple[int, ...], log_file: str | os.PathLike[str] | None
) -> subprocess.Popen[bytes]:
    """Start the process in a session of its own: Ctrl-C is for the one who started it, who then stops it."""
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (package_root, os.environ.get("PYTHONPATH", "")) if p)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(log_file, "ab")) if log_file is not None else None
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log or sys.__stderr__,
            stderr=log,
            pass_fds=pass_fds,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )


def _wait_ready(ready: int, process: subprocess.Popen[bytes]) -> str:
    """Return the full name that the daemon reports.

    Raises:
        SwitchError: It reported an error, died, or said nothing in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT_S
    report = b""
    while not report.endswith(b"\n"):
        if not select.select([ready], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise SwitchError(f"vswitchd did not get ready in {_START_TIMEOUT_S:.0f} s")
        chunk = os.read(ready, 65536)
        if not chunk:
            raise SwitchError(f"vswitchd ended at start, with status {process.wait()}")
        report += chunk
    answer = json.loads(report)
    if "error" in answer:
        raise as_exception(answer["error"])
    return str(answer["name"])
