"""What one test did on its network: what it sent, for failure messages, and what the summary counts.

Made by the ``journal`` fixture; ``expectation.py`` and ``parser_coverage.py`` read it, ``summary.py`` shows what
travels as user properties.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ovsp4 import keys
from pytest_ovsp4.summary import COUNT, MEASURE

if TYPE_CHECKING:
    from pytest_ovsp4.pool import NetworkKey
    from testbed.capture import Capture
    from testbed.network import Network


class Journal:
    """Counts what one test did, and remembers what it sent, for failure messages."""

    def __init__(self, request: pytest.FixtureRequest, network: Network, key: NetworkKey) -> None:
        self.network = network
        self.injected: list[tuple[str, bytes]] = []  # (host, packet)
        self.generated: list[tuple[str, bytes]] = []  # (host, packet) sent by throughput, each once
        self.captures: list[tuple[str, Capture]] = []  # (host, what was captured there)
        self._request = request
        self._key = key

    def count(self, what: str, number: int = 1) -> None:
        """Add to a column of the summary."""
        self._request.node.user_properties.append((f"{COUNT}{what}", f"{self._key}={number}"))

    def measured(self, text: str) -> None:
        """Add a line below the summary."""
        self._request.node.user_properties.append((MEASURE, f"{self._key}: {text}"))

    @property
    def results_dir(self) -> Path:
        """Where this test's captures go; made when something is written."""
        name = "".join(c if c.isalnum() or c in "-_.[]=," else "_" for c in self._request.node.nodeid)
        return self._request.config.stash[keys.OPTIONS].results_dir / name
