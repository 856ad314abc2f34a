"""The shell scripts are sound, and set-up has nothing to do where everything is there."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL_SCRIPTS = ("ci/setup", "ci/demo", "ci/test", "ci/bench", "ci/check-c-format", ".ci/run")


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_shell_syntax(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111, f"{script} is not executable"
    subprocess.run(["bash", "-n", path], check=True)


@pytest.mark.parametrize(("script", "argument"), [("ci/setup", "--wrong"), ("ci/test", "wrong")])
def test_wrong_argument(script: str, argument: str) -> None:
    if script == "ci/test" and not (ROOT / ".venv" / ".ci-setup").exists():
        pytest.skip("this environment was not made by ci/setup")
    done = subprocess.run([ROOT / script, argument], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert argument in done.stderr or "usage" in done.stderr


def test_setup_is_quick_when_nothing_is_missing() -> None:
    if not (ROOT / ".venv" / ".ci-setup").exists():
        pytest.skip("this environment was not made by ci/setup")
    subprocess.run([ROOT / "ci/setup"], check=True, capture_output=True)
    start = time.monotonic()
    done = subprocess.run([ROOT / "ci/setup"], check=True, capture_output=True, text=True)
    assert time.monotonic() - start < 1.0
    assert "nothing to do" in done.stdout
