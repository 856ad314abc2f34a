"""Registries of fields for the tests of flow texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from handmade_layouts import L2L3, Fields, make_layout

from datapath.openflow.fields import FieldRegistry


@pytest.fixture
def registry() -> FieldRegistry:
    """Fields of a program with the usual headers and one of its own."""
    return FieldRegistry(make_layout(L2L3))


@pytest.fixture
def shared_registry() -> FieldRegistry:
    """The same, where headers that no packet has together share slots."""
    return FieldRegistry(make_layout(L2L3, {"ipv6": "ipv4", "udp": "tcp", "icmpv6": "icmp"}))


@pytest.fixture
def make_registry() -> Callable[[Mapping[str, Fields]], FieldRegistry]:
    """Build a registry for other headers."""
    return lambda headers: FieldRegistry(make_layout(headers))
