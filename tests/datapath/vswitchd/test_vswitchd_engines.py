"""Which engine a bridge gets, and what happens where the kernel refuses its parser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from large_programs import TOO_MUCH, large_program

from datapath.client import find_program
from datapath.errors import VerifierError
from datapath.vswitchd.engines import BridgeParts, Engines
from datapath.xdp import loader

pytestmark = pytest.mark.kernel

REFUSAL = "the kernel's verifier refused the XDP program: too complex\nprocessed 1000001 insns"


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the kernel refuse every parser; returns which were tried."""
    if os.geteuid():
        pytest.skip("needs root: XDP")
    tried: list[str] = []

    def refuse(c_source: str, layout: Any) -> None:
        tried.append(layout.program)
        raise VerifierError(REFUSAL)

    monkeypatch.setattr(loader, "load", refuse)
    return tried


@pytest.fixture
def engines() -> Iterator[Engines]:
    """Engines whose bridges are closed after the test."""
    engines = Engines()
    yield engines
    engines.close()


def open_bridge(engines: Engines, number: int, datapath: str, program: str = "l2l3") -> BridgeParts:
    return engines.open_bridge(number, find_program(program), datapath, "drop", (), {})


def test_auto_falls_back_and_says_why(refusals: list[str], engines: Engines) -> None:
    parts = open_bridge(engines, 0, "auto")
    assert (parts.engine, parts.reason) == ("afxdp", REFUSAL)
    parts.close(())
    second = open_bridge(engines, 1, "auto")
    assert second.reason == REFUSAL
    second.close(())
    assert refusals == ["l2l3"]  # it is not tried again


def test_xdp_alone_is_refused_with_the_verifiers_words(refusals: list[str], engines: Engines) -> None:
    with pytest.raises(VerifierError, match="too complex"):
        open_bridge(engines, 0, "xdp")


def test_afxdp_does_not_even_try(refusals: list[str], engines: Engines) -> None:
    parts = open_bridge(engines, 0, "afxdp")
    assert (parts.engine, parts.reason) == ("afxdp", "")
    parts.close(())
    assert refusals == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: XDP")
def test_a_parser_that_the_kernel_really_refuses(engines: Engines, tmp_path: Path) -> None:
    program = tmp_path / "tangle.p4"
    program.write_text(large_program(TOO_MUCH, 40))
    parts = open_bridge(engines, 0, "auto", str(program))
    first, *log = parts.reason.splitlines()
    assert (parts.engine, first) == (
        "afxdp",
        "the kernel's verifier refused the XDP program: it is too complex (1,000,000 instructions followed)",
    )
    assert any(line.startswith("processed 1000001 insns") for line in log)
    parts.close(())
    with pytest.raises(VerifierError, match=r"(?s)too complex.*hint: .*--datapath=afxdp"):
        open_bridge(engines, 0, "xdp", str(program))


def test_programs_are_found_by_name_and_by_path() -> None:
    path = Path(find_program("l2l3"))
    assert path.is_absolute()
    assert path.name == "l2l3.p4"
    assert find_program("l2l3.p4") == find_program(path) == str(path)
