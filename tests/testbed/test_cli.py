"""The ``ovsp4`` command answers fast, and a user's mistake is a message and status 2, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest

import datapath
from datapath import FlowError, TopologyError
from testbed import cli
from testbed.wait import wait_until
from tests.datapath.large_programs import TOO_MUCH, large_program

OVSP4 = [sys.executable, "-m", "testbed.cli"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OVSP4, *arguments], capture_output=True, text=True, check=False)


def test_help_names_all_verbs_and_is_quick() -> None:
    before = os.times()
    done = run("--help")
    after = os.times()  # processor time: what a busy machine does to the clock on the wall is not the command's fault
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.2
    assert done.returncode == 0
    for verb in ("compile", "parse", "show", "add-flow", "dump-flows", "trace", "stats", "up", "bench", "doctor"):
        assert f"\n    {verb}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "VERB"),
        (("frobnicate",), "invalid choice: 'frobnicate'"),
        (("bench", "--case", "warp-drive"), "no case warp-drive; there are: xdp-redirect, "),
        (("bench", "--parse", "--case", "ovsp4-xdp"), "--parse has no cases"),
        (("up", "no-such-topology"), "no-such-topology"),
        (("up", "leaf-spine", "--datapath", "magic"), "magic"),
        (("compile", "/no/such/file.p4", "--target", "user"), "/no/such/file.p4"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("outcome", "status", "message"),
    [
        (None, 0, ""),
        (1, 1, ""),
        (FlowError("bad flow", "priority=x", 10), 2, "ovsp4: bad flow\n  priority=x\n           ^\n"),
        (TopologyError("two\nfaults"), 2, "ovsp4: two\nfaults\n"),
        (FileNotFoundError(2, "No such file or directory", "a.p4"), 2, "ovsp4: a.p4: No such file or directory\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_exit_status_of_a_verb(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: int | BaseException | None,
    status: int,
    message: str,
) -> None:
    def verb(args: Namespace) -> int | None:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(cli, "_doctor", verb)
    assert cli.main(["doctor"]) == status
    assert capsys.readouterr().err == message


def test_our_own_faults_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def verb(args: Namespace) -> int:
        raise AssertionError("a bug")

    monkeypatch.setattr(cli, "_doctor", verb)
    with pytest.raises(AssertionError, match="a bug"):
        cli.main(["doctor"])


PROGRAM = Path(datapath.__file__).parent / "programs" / "srv6.p4"
VERBS_THAT_PRINT = [
    "bench --list",
    "--help",
    f"compile --target=user {PROGRAM}",
    f"graph {PROGRAM}",
    f"layout {PROGRAM}",
]


def run_redirected(verb: str, redirection: str) -> subprocess.CompletedProcess[str]:
    command = f"set -o pipefail; {' '.join(OVSP4)} {verb} {redirection}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verb", VERBS_THAT_PRINT)
@pytest.mark.parametrize("redirection", ["| true", ">&-", "<&- >&-"])
def test_nobody_reading_is_no_error(verb: str, redirection: str) -> None:
    done = run_redirected(verb, redirection)
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
    assert done.returncode == 0


def test_ctrl_c_ends_the_enumeration_of_paths(tmp_path: Path) -> None:
    """The solver's destructors, in which Python would lose the interrupt, run most of the time."""
    program = tmp_path / "tangle.p4"
    program.write_text(large_program(TOO_MUCH, 40))
    command = [*OVSP4, "paths", "--max-paths=100000", str(program)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr
        wait_until(lambda: "libz3" in Path(f"/proc/{process.pid}/maps").read_text(), 30, what="the solver")
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == -signal.SIGINT
        assert process.stderr.read() == ""


@pytest.mark.parametrize("verb", VERBS_THAT_PRINT)
def test_a_full_disk_is_told(verb: str) -> None:
    done = run_redirected(verb, "> /dev/full")
    assert done.stderr.splitlines()[-1] == "ovsp4: cannot write the output: No space left on device"
    assert done.returncode == 2


def test_a_file_gets_no_closed_streams_number(tmp_path: Path) -> None:
    """Else what is printed would be written into it."""
    out = tmp_path / "x.c"
    done = run_redirected(f"compile --target=user {PROGRAM} -o {out}", "<&- >&- 2>&-")
    assert done.returncode == 0
    assert out.read_text() == run("compile", "--target=user", str(PROGRAM)).stdout
