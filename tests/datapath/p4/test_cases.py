"""Programs in, IR text or messages out: each ``cases/*.p4`` and ``faults/*.p4`` has a golden file beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datapath.errors import P4Errors
from datapath.ir.text import dump
from datapath.ir.verify import verify
from datapath.p4 import load

HERE = Path(__file__).parent
CASES = sorted(p.stem for p in (HERE / "cases").glob("*.p4") if not p.stem.endswith("_part"))
SKIPPED = sorted(p.stem for p in (HERE / "skipped").glob("*.p4"))
FAULTS = sorted(p.stem for p in (HERE / "faults").glob("*.p4") if not p.stem.endswith("_part"))


@pytest.mark.parametrize("name", CASES)
def test_lowers_to_the_ir_text(name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "cases")
    loaded = load(f"{name}.p4")
    verify(loaded.program)
    warnings = "".join(f"{w}\n" for w in loaded.warnings)
    golden(f"cases/{name}.ir", dump(loaded.program) + ("\n" + warnings if warnings else ""))


@pytest.mark.parametrize("name", FAULTS)
def test_reports_all_faults(name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "faults")
    with pytest.raises(P4Errors) as raised:
        load(f"{name}.p4")
    include = str(HERE.parents[2] / "datapath" / "include")
    golden(f"faults/{name}.txt", str(raised.value).replace(include, "<include>") + "\n")


@pytest.mark.parametrize("name", SKIPPED)
def test_warns_of_faults_in_what_is_skipped(
    name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE / "skipped")
    told = load(f"{name}.p4").warnings
    assert {w.name for w in told} == {"skipped-part"}
    include = str(HERE.parents[2] / "datapath" / "include")
    golden(f"skipped/{name}.txt", "".join(f"{w}\n" for w in told).replace(include, "<include>"))


@pytest.mark.parametrize("name", ["l2l3", "shim"])
def test_shipped_programs_load_without_warnings(name: str) -> None:
    loaded = load(HERE.parents[2] / "datapath" / "programs" / f"{name}.p4")
    verify(loaded.program)
    assert not loaded.warnings
    assert loaded.program.skipped == ()
