"""Fixtures of the testbed's tests; without root, those that build networks are skipped with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from testbed.taps import Tap
from tests.testbed.pairs import Pair


@pytest.fixture(autouse=True)
def _needs_root(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("network") and os.geteuid() != 0:
        pytest.skip("building networks takes root")


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two namespaces joined by a veth pair."""
    joined = Pair(None)
    yield joined
    joined.close()


@pytest.fixture
def tapped_pair() -> Iterator[Pair]:
    """Two namespaces joined through a tap."""
    joined = Pair(Tap.create())
    yield joined
    joined.close()
