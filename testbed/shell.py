"""Makes the shells of Mininet nodes, and all that is started in them, die with the process that made them.

Mininet starts a bash for every node; if Python is killed, what runs in these shells lives on, and the namespaces too.
Here each node's shell is the init process of a PID namespace, and the process above it gets SIGKILL when its parent
dies: the kernel then kills everything the node ever started.  The parts, from the outside in:

    setpriv    asks for SIGKILL when the parent dies (prctl PR_SET_PDEATHSIG), then is replaced by
    unshare    makes the PID namespace and waits; takes its child along when it dies
    mnexec     Mininet's own: session, network namespace, /sys; then is replaced by
    bash       the node's shell; ``node.pid``

The signal comes when the *thread* that started the child ends, so one thread that never ends starts them all.

Used by ``nodes.py``.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from datapath import SetupError

_PDEATHSIG = ["setpriv", "--pdeathsig"]
_PID_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]

_Popen = subprocess.Popen[Any]


class _Spawner:
    """The thread that starts all processes, made at the first.

    No ThreadPoolExecutor: Ctrl-C while that starts its thread leaves one behind that nobody tells to end, and for which
    Python then waits at exit, for ever.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], _Popen], Future[_Popen]]] = queue.SimpleQueue()
        self._started_by = 0  # our PID: a fork takes no threads along

    def run(self, start: Callable[[], _Popen]) -> _Popen:
        """Start a process on the thread; if we are interrupted meanwhile, it is killed."""
        if self._started_by != os.getpid():
            jobs: queue.SimpleQueue[tuple[Callable[[], _Popen], Future[_Popen]]] = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(jobs,), name="spawner", daemon=True).start()
            self._jobs = jobs  # another thread may be here too: whichever queue is left, somebody serves it
            self._started_by = os.getpid()
        result: Future[_Popen] = Future()
        self._jobs.put((start, result))
        try:
            return result.result()
        except BaseException:
            result.add_done_callback(_kill_unwanted)
            raise

    @staticmethod
    def _serve(jobs: queue.SimpleQueue[tuple[Callable[[], _Popen], Future[_Popen]]]) -> None:
        while True:
            start, result = jobs.get()
            try:
                result.set_result(start())
            except BaseException as error:  # raised by run()
                result.set_exception(error)
            del start, result  # the process is for its owner alone


def _kill_unwanted(result: Future[_Popen]) -> None:
    """Kill a process whose starter did not wait for it."""
    if result.exception() is None:
        result.result().kill()
        result.result().wait()


_spawner = _Spawner()


def spawn(command: Sequence[str], kind: type[_Popen] = subprocess.Popen, **options: Any) -> _Popen:
    """Start a process from the thread that lives as long as we do, in a session of its own (Ctrl-C is not for it)."""
    try:
        return _spawner.run(lambda: kind(command, **options, start_new_session=True))
    except FileNotFoundError as error:
        raise SetupError(f"there is no program '{error.filename}'; run ci/setup, which installs it") from error


def lifeline(network_of: int | None = None) -> list[str]:
    """Return what goes in front of a node's shell.

    Args:
        network_of: a process whose network namespace the shell is to be in, if not in a new one; with its mounts,
            because /sys shows the interfaces of the namespace in which it was mounted.
    """
    enter = ["nsenter", f"--target={network_of}", "--net", "--mount"] if network_of is not None else []
    return [*_PDEATHSIG, "KILL", *enter, *_PID_NAMESPACE]


def enter_command(pid: int) -> list[str]:
    """Return what goes in front of a command to run it in a node's namespaces; it ends with the node."""
    return [*_PDEATHSIG, "KILL", "nsenter", f"--target={pid}", "--net", "--mount", "--pid"]


class Command(_Popen):
    """A command in a node's namespaces: what is started here is nsenter, which waits for the command.

    Signals go to the command itself; nsenter then ends the way the command did.
    """

    def send_signal(self, sig: int) -> None:
        """Send a signal to the command."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(_first_child(self.pid) or self.pid, sig)


def _first_child(pid: int) -> int:
    """Return the PID of a process's child, as seen from here; 0 if there is none."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return 0
    return int(children[0]) if children else 0


class Life:
    """The life of a node's shell, watched through a descriptor, which cannot be confused by a reused PID."""

    def __init__(self, outer: _Popen) -> None:
        """Watch the shell below ``outer``, the process of ``lifeline``."""
        self._outer = outer
        self.pid = _first_child(outer.pid)
        if not self.pid:
            raise SetupError(f"a node's shell has ended (process {outer.pid})")
        self._fd = os.pidfd_open(self.pid)

    def kill(self) -> None:
        """Kill the shell and everything below it; does not wait."""
        if self._outer.poll() is None:
            self._outer.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait until the shell is gone, and let go of it; may be called twice."""
        if self._fd < 0:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._outer.wait(timeout_s)
        deadline = time.monotonic() + timeout_s
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        poller.poll(max(0.0, deadline - time.monotonic()) * 1000)
        fd, self._fd = self._fd, -1
        os.close(fd)
