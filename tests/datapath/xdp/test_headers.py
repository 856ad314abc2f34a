"""Finding kernel headers: one tree, a split one, none."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from datapath.errors import NotSupportedError
from datapath.xdp import headers

ARCH = headers._architecture()
COMMON = ("include/linux/kconfig.h", "include/linux/types.h", f"arch/{ARCH}/include/asm/ptrace.h")
SPECIFIC = ("include/generated/autoconf.h", f"arch/{ARCH}/include/generated/uapi/asm/types.h")
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")


def make(directory: Path, files: tuple[str, ...]) -> Path:
    for file in files:
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(directory.name)
    return directory


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty /usr/src, no modules, an empty cache."""
    monkeypatch.delenv("BCC_KERNEL_SOURCE", raising=False)
    monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(headers, "SOURCES_DIR", tmp_path / "src")
    monkeypatch.setattr(headers, "MODULES_DIR", tmp_path / "modules")
    (tmp_path / "src").mkdir()
    return tmp_path / "src"


def test_no_headers_name_the_remedy() -> None:
    with pytest.raises(NotSupportedError, match=r"apt-get install linux-headers-.*linux-headers-generic"):
        headers.find_headers()


def test_one_tree_serves_as_it_is_and_the_newest_wins(sources: Path) -> None:
    make(sources / "linux-headers-6.8.0-9-generic", COMMON + SPECIFIC)
    newest = make(sources / "linux-headers-6.8.0-10-generic", COMMON + SPECIFIC)
    make(sources / "linux-headers-6.9.0-1-generic", COMMON)  # incomplete
    assert headers.find_headers() == newest


def test_the_running_kernels_headers_come_first(sources: Path) -> None:
    make(sources / "linux-headers-99.0.0-1-generic", COMMON + SPECIFIC)
    running = make(headers.MODULES_DIR / platform.release() / "build", COMMON + SPECIFIC)
    assert headers.find_headers() == running


def test_a_split_tree_is_merged_once(sources: Path) -> None:
    make(sources / f"linux-headers-6.1.0-1-{DEBIAN}", SPECIFIC)
    make(sources / "linux-headers-6.1.0-1-common", COMMON)
    tree = headers.find_headers()
    for file in COMMON + SPECIFIC:
        expected = "common" if file in COMMON else DEBIAN
        assert (tree / file).read_text().endswith(expected)
    before = tree.stat().st_ino
    assert headers.find_headers().stat().st_ino == before


def test_a_merged_tree_whose_source_went_away_is_made_again(sources: Path) -> None:
    split = make(sources / f"linux-headers-6.1.0-1-{DEBIAN}", SPECIFIC)
    make(sources / "linux-headers-6.1.0-1-common", COMMON)
    tree = headers.find_headers()
    (tree / "include" / "linux").unlink()
    assert headers.find_headers() == tree
    assert (tree / "include/linux/types.h").exists()
    assert list(tree.parent.iterdir()) == [tree]
    assert split.is_dir()


def test_a_wrong_directory_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(tmp_path))
    with pytest.raises(NotSupportedError, match="BCC_KERNEL_SOURCE"):
        headers.find_headers()
    named = make(tmp_path / "named", COMMON + SPECIFIC)
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(named))
    assert headers.find_headers() == named
