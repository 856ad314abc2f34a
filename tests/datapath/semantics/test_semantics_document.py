"""``docs/p4-semantics.md`` names tests that exist, and every case of this folder is named in it."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TEXT = (ROOT / "docs" / "p4-semantics.md").read_text()
NOT_OF_THE_CHAPTER = {"sum_of_nothing", "names_of_generated_code"}  # regressions


def named_cases() -> set[str]:
    """Return the names in the last column of the tables."""
    cells = [line.rstrip(" |").rsplit(" | ", 1)[-1] for line in TEXT.splitlines() if line.startswith("| ")]
    words = [word.strip() for cell in cells if cell != "shown by" for word in cell.split(",")]
    return {word for word in words if not word.startswith("`")}


def test_every_named_case_exists() -> None:
    for name in named_cases():
        folder = HERE.parent / "conformance" if name.endswith(" (conformance)") else HERE
        assert (folder / f"{name.removesuffix(' (conformance)')}.p4").exists(), name


def test_every_case_is_named() -> None:
    assert {path.stem for path in HERE.glob("*.p4")} - NOT_OF_THE_CHAPTER <= named_cases()


def test_every_named_test_exists() -> None:
    found = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)
    assert found
    for file, name in found:
        assert (ROOT / file).exists(), file
        assert f"def {name}(" in (ROOT / file).read_text() or not name, name
