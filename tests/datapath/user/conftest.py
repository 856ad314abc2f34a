"""Fixtures of the user engine's tests; what they share besides is in ``veth_wires.py``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from veth_wires import compiled_eth_ipv4, run_in_namespace


@pytest.fixture(scope="session")
def eth_ipv4() -> Any:
    return compiled_eth_ipv4()


@pytest.fixture
def in_namespace() -> Callable[..., Any]:
    if os.geteuid():
        pytest.skip("needs root: network namespaces and AF_XDP")
    return run_in_namespace
