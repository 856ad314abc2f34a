"""``ovsp4 up`` builds a network that other commands can look at, and Ctrl-C takes it away."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed.wait import wait_until
from tests.datapath.large_programs import TOO_MUCH, large_program

pytestmark = pytest.mark.network
OVSP4 = [sys.executable, "-m", "testbed.cli"]
START_TIMEOUT_S = 30.0


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Return what the process prints up to a line that contains a text; fail if it does not come in time."""
    assert process.stdout
    text, deadline = "", time.monotonic() + START_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while wanted not in text.rpartition("\n")[0]:
            assert selector.select(deadline - time.monotonic()), f"no {wanted!r} in time: {text}"
            chunk = os.read(process.stdout.fileno(), 4096).decode()
            assert chunk, f"it ended: {text}"
            text += chunk
    return text


def test_up_and_down() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: builds a network")
    with subprocess.Popen(
        [*OVSP4, "up", "linear"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            text = read_until(process, "PID")
            assert "\n  s2  1 h2, 2 s1, 3 s3\n" in text
            host_pids = re.findall(r"PID (\d+)", text)
            commands = re.findall(r"^  ovsp4 (.*)$", text, re.MULTILINE)
            assert len(commands) == 4
            for command in commands:  # what it tells people to type
                done = subprocess.run([*OVSP4, *command.split()], capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{command}: {done.stderr}"
                assert done.stdout or "megaflows" in command
            process.send_signal(signal.SIGINT)
            assert process.wait(START_TIMEOUT_S) == 0
        finally:
            process.kill()
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
    wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in host_pids), what="init to bury the hosts' shells"
    )


def test_a_parser_that_the_kernel_refuses_runs_on_af_xdp(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: builds a network")
    (tmp_path / "tangle.p4").write_text(large_program(TOO_MUCH, 40))
    topology = tmp_path / "tangle.yaml"
    topology.write_text("program: tangle.p4\nswitches: [s1]\nhosts: [a, b]\nlinks: [[a, s1], [s1, b]]\n")
    reason = "the kernel's verifier refused the XDP program: it is too complex"
    with subprocess.Popen(
        [*OVSP4, "up", str(topology)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            text = read_until(process, "PID")
            assert f"\non afxdp, not XDP: {reason}" in text
            network = re.findall(r"^  ovsp4 show --network (.*)$", text, re.MULTILINE)[0]
            show = [*OVSP4, "show", "--network", network]
            shown = subprocess.run(show, capture_output=True, text=True, check=True).stdout
            assert f"    engine afxdp ({reason}" in shown
            log = subprocess.run([*show, "--json"], capture_output=True, text=True, check=True).stdout
            assert "processed 1000001 insns" in log
            process.send_signal(signal.SIGINT)
            assert process.wait(START_TIMEOUT_S) == 0
        finally:
            process.kill()
    done = subprocess.run([*OVSP4, "up", str(topology), "--datapath=xdp"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
