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
