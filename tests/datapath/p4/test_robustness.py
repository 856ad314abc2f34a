"""Whatever the text, the front end answers with a program or with ``P4Errors``; never with anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datapath.errors import P4Errors
from datapath.ir.verify import verify
from datapath.p4 import load

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / "datapath" / "programs"
SOURCES = [p.read_text() for p in sorted((HERE / "cases").glob("*.p4"))]
WORDS = [re.findall(r"\w+|\s+|[^\w\s]", text) for text in SOURCES]
VOCABULARY = sorted({word for words in WORDS for word in words})


def try_to_load(path: Path) -> None:
    try:
        verify(load(path, [HERE / "cases", PROGRAMS]).program)
    except P4Errors as errors:
        raised = errors
    else:
        return
    assert raised.diagnostics
    assert str(raised)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_programs_with_words_changed(data: st.DataObject, tmp_path: Path) -> None:
    words = list(data.draw(st.sampled_from(WORDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(words) - 1))
        words[i] = data.draw(st.sampled_from(["", *VOCABULARY]))
    source = tmp_path / "mutant.p4"
    source.write_text("".join(words))
    try_to_load(source)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=st.sampled_from(SOURCES), junk=st.binary(max_size=30), where=st.floats(0, 1))
def test_programs_with_bytes_changed(base: str, junk: bytes, where: float, tmp_path: Path) -> None:
    raw = base.encode()
    at = int(where * len(raw))
    source = tmp_path / "mutant.p4"
    source.write_bytes(raw[:at] + junk + raw[at + len(junk) :])
    try_to_load(source)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "const int X = " + "(" * 5000 + "1" + ")" * 5000 + ";",
        "const int X = " + "-" * 5000 + "1;",
        "const int X = " + "1 + " * 5000 + "1;",
        "const int X = " + "9" * 10000 + ";",
        "const int X = 1 << 100000000000;",
        "const bit<100000000000> X = 1;",
        "struct S { S s; }",
        "typedef T T;",
        "const int X = X;",
        "#define A A A\n#define B A B A\nB B",
        "#define A0 1,1\n" + "".join(f"#define A{i} A{i - 1},A{i - 1}\n" for i in range(1, 60)) + "A59",
        '#include "self.p4"',
        "parser P(packet_in p) { state start { " + "{" * 3000 + "}" * 3000 + " transition accept; } }",
        "@a(" * 3000,
        "\x00\xff",
        "parser P(in P p) { state start { p.apply(p); transition accept; } }",
    ],
)
def test_hopeless_texts(text: str, tmp_path: Path) -> None:
    source = tmp_path / "self.p4"
    source.write_text(text)
    with pytest.raises(P4Errors):
        load(source)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(P4Errors, match="No such file"):
        load(tmp_path / "none.p4")
    with pytest.raises(P4Errors, match="Is a directory"):
        load(tmp_path)


def test_defines_and_include_dirs(tmp_path: Path) -> None:
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "part.p4").write_text("header h_t { bit<(WIDTH)> x; }\n")
    source = tmp_path / "main.p4"
    source.write_text(
        "#include <core.p4>\n#include <part.p4>\nstruct s { h_t h; }\n"
        "parser P(packet_in p, out s hdr) { state start { p.extract(hdr.h); transition accept; } }\n"
    )
    loaded = load(source, [tmp_path / "inc"], {"WIDTH": "24"})
    assert loaded.program.header("h").width_bits == 24
    assert [f.name for f in loaded.files] == ["main.p4", "core.p4", "part.p4"]
