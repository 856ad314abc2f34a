"""Golden files: what a test makes is compared with a file beside it, which ``--update-golden`` rewrites.

This file also puts its folder on the import path, for the helpers that several folders of tests share.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a golden file, named relative to the test's folder; a missing one fails."""
    update = request.config.getoption("--update-golden")

    def compare(name: str, text: str) -> None:
        path = Path(request.path).parent / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no golden file {path}; look at the output and run with --update-golden"
        assert text == path.read_text(), f"differs from {path}; if that is right, run with --update-golden"

    return compare
