"""Hosts as Mininet nodes: their shells work, and end with everything started in them, also when Python is killed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from datapath import SetupError
from testbed.mininet_import import Host, Mininet, Switch
from testbed.nodes import OvsP4Host, OvsP4Switch
from testbed.wait import wait_until
from tests.testbed.processes import is_alive, script, tree

pytestmark = pytest.mark.network


@pytest.fixture
def host() -> Iterator[OvsP4Host]:
    made = OvsP4Host("h1")
    yield made
    made.terminate()


def test_they_are_mininets() -> None:
    assert issubclass(OvsP4Host, Host)
    assert issubclass(OvsP4Switch, Switch)


def test_importing_mininet_leaves_logging_alone() -> None:
    code = (
        "import logging; before = logging.getLoggerClass(); import testbed.mininet_import;"
        "assert logging.getLoggerClass() is before; assert type(logging.getLogger('x')) is before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)
    assert logging.getLoggerClass() is logging.Logger


def test_the_shell_is_in_a_namespace_of_its_own(host: OvsP4Host) -> None:
    assert host.cmd("echo $((6 * 7))").strip() == "42"
    inside = host.cmd("readlink /proc/self/ns/net").strip()
    assert inside == os.readlink(f"/proc/{host.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    assert "lo" in host.cmd("ls /sys/class/net").split()
    assert "1" in host.cmd("ps -o pid=").split(), "the shell is init of its PID namespace"


def test_a_shell_that_cannot_start_is_told_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a plain chroot does: the shell's process starts, and ends over a mount.
    monkeypatch.setattr("testbed.shell._PID_NAMESPACE", ["unshare", "--pid", "--fork", "--mount-proc=/nowhere"])
    with pytest.raises(SetupError, match=r"h1 cannot have a shell .*/nowhere"):
        OvsP4Host("h1")


def test_commands_of_popen_and_pexec_run_inside(host: OvsP4Host) -> None:
    out, err, code = host.pexec("readlink /proc/self/ns/net")
    assert (out.strip(), err, code) == (os.readlink(f"/proc/{host.pid}/ns/net"), "", 0)
    assert host.pexec("sh", "-c", "exit 3")[2] == 3
    python = host.popen([sys.executable, "-c", "import threading; threading.Thread(target=print).start()"])
    assert python.communicate(timeout=10) == (b"\n", b""), "threads can be started"


def test_terminating_a_command_of_popen_ends_it(host: OvsP4Host) -> None:
    process = host.popen("sleep 1000")
    wait_until(lambda: len(tree(process.pid)) == 2, what="sleep to run")
    below = tree(process.pid)[1]
    process.terminate()
    process.communicate(timeout=5)
    assert process.returncode == -signal.SIGTERM
    assert not is_alive(below)


def test_a_command_can_be_ended_at_once(host: OvsP4Host) -> None:
    for _ in range(10):
        process = host.popen("sleep 1000")
        process.kill()
        process.communicate(timeout=5)
        assert process.returncode == -signal.SIGKILL
    assert "sleep" not in host.cmd("ps -e -o comm=")


def test_a_command_gets_the_signal_itself(host: OvsP4Host) -> None:
    process = host.popen(["sh", "-c", "trap 'echo got it; exit 7' INT; echo ready; while :; do sleep 0.01; done"])
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=5)[0] == b"got it\n"
    assert process.returncode == 7


def test_end_takes_everything_along_in_no_time(host: OvsP4Host) -> None:
    host.cmd("sleep 1000 &")
    host.cmd("(setsid nohup sleep 1000 >/dev/null 2>&1 &)")
    host.cmd("trap '' HUP TERM INT")
    process = host.popen("sleep 1000")
    wait_until(lambda: len(tree(process.pid)) == 2, what="sleep to run")
    pids = [*tree(host.shell.pid), *tree(process.pid)]
    assert len(pids) >= 6, pids
    host.terminate()
    process.communicate(timeout=5)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), timeout_s=1, what="the end of all processes")
    host.terminate()
    assert host.shell is None
    assert host not in Host.inToNode.values()


def test_a_failed_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(tree(os.getpid()))

    def fail() -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("testbed.interfaces.prepare_namespace", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        OvsP4Host("h1")
    assert set(tree(os.getpid())) <= before


_VICTIM = """
import time
from testbed.links import OvsP4Link
from testbed.nodes import OvsP4Host
net = [OvsP4Host(f"h{i}") for i in (1, 2)]
OvsP4Link(*net)
net[0].cmd("sleep 1000 &")
net[0].cmd("(setsid nohup sleep 1000 >/dev/null 2>&1 &)")
net[1].popen("sleep 1000")
print("ready")
time.sleep(1000)
"""


def test_nothing_survives_a_kill() -> None:
    with script(_VICTIM) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        pids = wait_until(lambda: tree(victim.pid), until=lambda found: len(found) >= 9, what="all processes")
        assert len({os.readlink(f"/proc/{pid}/ns/net") for pid in pids}) == 3
        victim.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), timeout_s=2, what="the end of all processes")


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_nothing_survives_a_kill_while_it_starts(delay_s: float) -> None:
    code = "from testbed.nodes import OvsP4Host\nwhile True: OvsP4Host('h').terminate()"
    seen: set[int] = set()
    with script(code) as victim:
        wait_until(lambda: len(tree(victim.pid)) >= 2, what="the first host")
        deadline = time.monotonic() + delay_s
        while time.monotonic() < deadline:
            seen |= set(tree(victim.pid))
        seen |= set(tree(victim.pid))
        victim.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in seen), timeout_s=2, what=f"the end of {len(seen)} processes")


def test_a_plain_mininet_takes_our_host() -> None:
    net = Mininet(controller=None, build=False, host=OvsP4Host)
    try:
        h1 = net.addHost("h1")
        assert isinstance(h1, OvsP4Host)
        assert h1.cmd("echo hello").strip() == "hello"
    finally:
        net.stop()


def test_a_shell_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt, or any error, before the shell's first word: no process and no pseudo-terminal stay behind."""
    shells: list[subprocess.Popen[bytes]] = []

    def read(self: OvsP4Host, size: int = 1024) -> str:
        shells.append(self.shell)
        raise KeyboardInterrupt

    monkeypatch.setattr(OvsP4Host, "read", read)
    n_files = len(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyboardInterrupt):
        OvsP4Host("h1")
    assert shells[0].returncode is not None
    assert len(os.listdir("/proc/self/fd")) == n_files
