"""A tier of tests succeeds only if something passed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "ci" / "run-tier"


PASS, FAIL = "def test_it(): pass\n", "def test_it(): assert False\n"
SKIP = "import pytest\ndef test_other(): pytest.skip('not here')\n"
WORKERS = ["-p", "xdist.plugin", "-n", "1"]
NO_TESTS = 5  # pytest's own status


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        (PASS, [], 0),
        (SKIP, [], 1),
        (FAIL, [], 1),
        (SKIP + PASS, [], 0),
        ("", [], NO_TESTS),
        (PASS, WORKERS, 0),
        (SKIP, WORKERS, 1),
    ],
)
def test_exit_status(tmp_path: Path, body: str, options: list[str], status: int) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "test_x.py").write_text(body)
    done = subprocess.run(
        [sys.executable, SCRIPT, *options, "test_x.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
