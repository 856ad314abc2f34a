"""The specification's chapter on packet parsing, point by point: programs whose packets end as it says, on all engines.

``docs/p4-semantics.md`` says which case shows which point; ``p4_cases.py`` how a case is written.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from p4_cases import Case, cases_in, check_diagnostics, check_packets

HERE = Path(__file__).parent
CASES = cases_in(HERE)
RUNNING = [case for case in CASES if case.exit == 0]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")


def name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=name)
def test_diagnostics(case: Case) -> None:
    check_diagnostics(case)


@pytest.mark.parametrize("case", RUNNING, ids=name)
def test_reference(case: Case) -> None:
    check_packets(case, "reference")


@pytest.mark.parametrize("case", RUNNING, ids=name)
def test_user(case: Case) -> None:
    check_packets(case, "user")


@pytest.mark.kernel
@needs_root
@pytest.mark.parametrize("case", RUNNING, ids=name)
def test_xdp(case: Case) -> None:
    check_packets(case, "xdp")
