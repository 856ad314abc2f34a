"""Random tables, groups and packets: Open vSwitch, our trace and both our engines send the same bytes everywhere.

``OVSP4_RANDOM_TABLES=1000`` runs more of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from open_vswitch import OpenVSwitch
from our_switch import OurSwitch
from random_tables import buckets, packets, tables

pytestmark = [pytest.mark.kernel, pytest.mark.network]

N_EXAMPLES = int(os.environ.get("OVSP4_RANDOM_TABLES", "25"))
SETTINGS = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    derandomize="OVSP4_RANDOM_TABLES" not in os.environ,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def compare(
    ovs: OpenVSwitch,
    ours: OurSwitch,
    flows: Sequence[str],
    frames: Sequence[tuple[int, bytes]],
    groups: Sequence[str] = (),
) -> None:
    """Fail unless both send the same."""
    ovs.load(flows, groups)
    ours.load(flows, groups)
    assert sorted(ours.forward(frames)) == sorted(ovs.forward(frames))


@SETTINGS
@given(flows=tables(), frames=st.lists(packets(), min_size=1, max_size=16))
def test_random_tables(ovs: OpenVSwitch, ours: OurSwitch, flows: list[str], frames: list[tuple[int, bytes]]) -> None:
    compare(ovs, ours, flows, frames)


@SETTINGS
@given(
    flows=tables(groups=2),
    groups=st.tuples(buckets(), buckets()),
    frames=st.lists(packets(), min_size=1, max_size=16),
)
def test_random_groups(
    ovs: OpenVSwitch, ours: OurSwitch, flows: list[str], groups: tuple[str, str], frames: list[tuple[int, bytes]]
) -> None:
    compare(ovs, ours, flows, frames, [f"group_id={number},{text}" for number, text in enumerate(groups, 1)])
