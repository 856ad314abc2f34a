"""build.py and cache.py: what is compiled once is found again, and faults name their remedy."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

import pytest

from datapath import build
from datapath.build import build_program, build_shared, c_string
from datapath.cache import cache_dir, cached_file, write_atomically
from datapath.errors import LoadError, NotSupportedError

ANSWER = "int answer(void);\nint answer(void)\n{\n\treturn ANSWER;\n}\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def answer(path: Path) -> int:
    return int(ctypes.CDLL(str(path)).answer())


def test_cache_dir_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("OVSP4_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "ovsp4"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "ovsp4"


def test_cache_dir_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSP4_CACHE_DIR", "/dev/null/x")
    with pytest.raises(LoadError, match="set OVSP4_CACHE_DIR"):
        cache_dir()


def test_write_atomically_leaves_no_part(tmp_path: Path) -> None:
    write_atomically(tmp_path / "d" / "f", b"one")
    write_atomically(tmp_path / "d" / "f", b"two")
    assert (tmp_path / "d" / "f").read_bytes() == b"two"
    assert os.listdir(tmp_path / "d") == ["f"]


def test_failed_make_leaves_nothing(tmp_path: Path) -> None:
    def fail(scratch: Path) -> Path:
        (scratch / "half").write_bytes(b"x")
        raise LoadError("no")

    with pytest.raises(LoadError):
        cached_file(tmp_path / "d" / "f", fail)
    assert os.listdir(tmp_path / "d") == []


def test_what_a_killed_process_left_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path))
    kept = [tmp_path / "objects" / name for name in (".scratch.young", ".hidden", "entry")]
    left = [tmp_path / "objects" / ".scratch.folder", tmp_path / "programs" / ".scratch.file"]
    for path in (*kept, left[0]):
        path.mkdir(parents=True)
    (left[0] / "half").write_text("")
    write_atomically(left[1], b"")
    for path in (*kept[1:], *left):
        os.utime(path, (0, 0))
    build_shared("new", texts={"a.c": "int a;"})
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in kept)


def test_the_compilers_own_files_stand_in_the_cache_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A compiler that is killed cannot remove them."""
    compiler, elsewhere = tmp_path / "cc", tmp_path / "elsewhere"
    compiler.write_text('#!/bin/sh\ncase "$*" in *" -o "*) touch "$TMPDIR/part";; esac\nexec gcc "$@"\n')
    compiler.chmod(0o755)
    elsewhere.mkdir()
    for name, value in (("CC", compiler), ("TMPDIR", elsewhere), ("OVSP4_CACHE_DIR", tmp_path / "cache")):
        monkeypatch.setenv(name, str(value))
    assert build_shared("part", texts={"a.c": "int a;"}).is_file()
    assert not list(elsewhere.iterdir())


def test_second_build_runs_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_shared("t", texts={"t.c": ANSWER}, defines={"ANSWER": "42"})
    assert answer(first) == 42
    monkeypatch.setattr(build, "_run_compiler", None)
    assert build_shared("t", texts={"t.c": ANSWER}, defines={"ANSWER": "42"}) == first


def test_a_changed_define_header_or_flag_is_another_object(tmp_path: Path) -> None:
    (tmp_path / "answer.h").write_text("#define ANSWER 1\n")
    texts = {"t.c": '#include "answer.h"\n' + ANSWER}
    one = build_shared("t", texts=texts, include_dirs=[tmp_path])
    (tmp_path / "answer.h").write_text("#define ANSWER 2\n")
    two = build_shared("t", texts=texts, include_dirs=[tmp_path])
    assert (answer(one), answer(two)) == (1, 2)
    assert build_shared("t", texts=texts, include_dirs=[tmp_path], flags=["-O0"]) != two


def test_same_input_gives_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    objects = []
    for cache in ("a", "b"):
        monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path / cache))
        objects.append(build_shared("t", texts={"t.c": ANSWER}, defines={"ANSWER": "42"}).read_bytes())
    assert objects[0] == objects[1]


def test_concurrent_builds_agree() -> None:
    paths: list[Path] = []
    workers = [
        threading.Thread(target=lambda: paths.append(build_shared("t", texts={"t.c": ANSWER}, defines={"ANSWER": "7"})))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert os.listdir(paths[0].parent) == [paths[0].name]


def test_texts_are_included_where_sources_are_given(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("#include PROGRAM_FILE\n")
    path = build_shared(
        "t",
        [tmp_path / "main.c"],
        texts={"program.c": ANSWER},
        defines={"ANSWER": "3", "PROGRAM_FILE": c_string("program.c")},
    )
    assert answer(path) == 3


def test_build_program_makes_an_executable() -> None:
    path = build_program("t", texts={"t.c": "int main(void)\n{\n\treturn 5;\n}\n"})
    assert os.waitstatus_to_exitcode(os.system(str(path))) == 5


def test_compiler_message_is_passed_on() -> None:
    with pytest.raises(LoadError, match=r"refused t:\n(.|\n)*t\.c:1.*error"):
        build_shared("t", texts={"t.c": "int f(void) { return x; }\n"})


@pytest.mark.parametrize(
    ("header", "package"),
    [
        ("xdp/none.h", "libxdp-dev"),
        ("bpf/none.h", "libbpf-dev"),
        ("no.h", "libc6-dev"),
    ],
)
def test_missing_header_names_its_package(header: str, package: str) -> None:
    with pytest.raises(NotSupportedError, match=f"install {package}"):
        build_shared("t", texts={"t.c": f"#include <{header}>\n"})


def test_missing_library_names_its_package() -> None:
    with pytest.raises(NotSupportedError, match="library libnonesuch"):
        build_shared("t", texts={"t.c": ANSWER}, defines={"ANSWER": "1"}, libs=["nonesuch"])


def test_missing_compiler_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(NotSupportedError, match="no-such-compiler"):
        build_shared("t", texts={"t.c": ANSWER})
