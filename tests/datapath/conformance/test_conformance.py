"""Each construct's case holds, on all engines; and the committed table of them is what they make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conformance_table import TABLE, table
from p4_cases import Case, cases_in, check_diagnostics, check_packets

CASES = cases_in(Path(__file__).parent)
RUNNING = [case for case in CASES if case.exit == 0]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")


def name(case: Case) -> str:
    return case.name


def test_the_committed_table_is_what_the_cases_make() -> None:
    assert TABLE.read_text() == table(), "ci/conformance --write does it"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_diagnostics(case: Case) -> None:
    check_diagnostics(case)
    assert case.constructs


@pytest.mark.parametrize("case", RUNNING, ids=name)
def test_packets(case: Case) -> None:
    check_packets(case, "reference")
    check_packets(case, "user")


@pytest.mark.kernel
@needs_root
@pytest.mark.parametrize("case", RUNNING, ids=name)
def test_xdp(case: Case) -> None:
    check_packets(case, "xdp")
