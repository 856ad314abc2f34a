"""Starting a process: Ctrl-C at any moment neither hangs us at exit nor leaves a process behind."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from testbed import shell
from testbed.shell import spawn
from testbed.wait import wait_until


def test_an_interrupt_while_the_starting_thread_starts_does_not_hang_the_process() -> None:
    """Ctrl-C may come while Python waits for its new thread; the process must still be able to end."""
    code = """
import threading
from testbed.shell import spawn
wait = threading.Event.wait
def interrupted(event, timeout=None):
    threading.Event.wait = wait
    wait(event)
    raise KeyboardInterrupt
threading.Event.wait = interrupted
try:
    spawn(["true"])
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert spawn(["true"]).wait() == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "interrupted\n"


def test_a_process_whose_start_was_interrupted_is_killed() -> None:
    started: list[subprocess.Popen[bytes]] = []
    is_raised = threading.Event()

    class Slow(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            assert is_raised.wait(10)

    def interrupt(*_: object) -> None:
        is_raised.set()
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            spawn(["sleep", "60"], Slow)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    wait_until(lambda: started and started[0].returncode == -signal.SIGKILL, what="the end of the process")


def test_the_first_processes_may_be_started_by_two_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is making the thread's queue; neither waits for a thread that is not there."""
    spawner = shell._Spawner()
    make = queue.SimpleQueue
    others: list[threading.Thread] = []
    done: list[int] = []

    def true() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["true"])

    def make_and_meet_another() -> queue.SimpleQueue[object]:
        monkeypatch.setattr(queue, "SimpleQueue", make)
        others.append(threading.Thread(target=lambda: done.append(spawner.run(true).wait()), daemon=True))
        others[0].start()
        others[0].join(1)
        return make()

    monkeypatch.setattr(queue, "SimpleQueue", make_and_meet_another)
    assert spawner.run(true).wait() == 0
    others[0].join(10)
    assert done == [0]
