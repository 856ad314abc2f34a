"""The ``ovsp4`` command answers fast, and a user's mistake is a message and status 2, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace

import pytest

from datapath import FlowError, TopologyError
from testbed import cli

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


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {' '.join(OVSP4)} bench --list | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
