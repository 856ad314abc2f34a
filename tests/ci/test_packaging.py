"""What pip installs is complete: C and P4 are data of the packages, and a new kind of file is easily forgotten."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = ("datapath", "pytest_ovsp4", "testbed", "topologies")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_installed(package: str) -> None:
    assert f"{package}*" in SETUPTOOLS["packages"]["find"]["include"]
    patterns = SETUPTOOLS["package-data"].get(package, [])
    files = [path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    left_out = [
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix != ".py" and not any(_fits(path.relative_to(ROOT / package), pattern) for pattern in patterns)
    ]
    assert not left_out


def _fits(path: Path, pattern: str) -> bool:
    """Tell whether a pattern of setuptools', in which ``**/`` is any number of folders, is this path's."""
    if pattern.startswith("**/"):
        return fnmatch(path.name, pattern.removeprefix("**/"))
    return len(path.parts) == len(Path(pattern).parts) and fnmatch(str(path), pattern)
