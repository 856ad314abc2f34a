"""``ovsp4 graph``, ``ovsp4 layout`` and ``ovsp4 compile --dump-after`` as a user calls them."""

from __future__ import annotations

import argparse
import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from datapath.cli import add_verbs
from datapath.compiler import PASSES, compile_program

PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
L2L3 = str(PROGRAMS / "l2l3.p4")
WITH_VARBIT = str(PROGRAMS / "gtpu.p4")


@pytest.fixture
def ovsp4(capsys):
    """Run a verb; returns its status, output and messages."""

    def run(*arguments):
        parser = argparse.ArgumentParser()
        add_verbs(parser.add_subparsers(required=True))
        args = parser.parse_args(list(arguments))
        status = args.run(args)
        return (status, *capsys.readouterr())

    return run


# ---------------------------------------------------------------------------------------------------- graph
def test_dot_goes_to_standard_output_or_a_file(ovsp4, tmp_path):
    status, out, err = ovsp4("graph", L2L3)
    assert (status, err) == (0, "")
    assert out.startswith('digraph "l2l3" {')
    assert ovsp4("graph", L2L3, "-o", str(tmp_path / "x.dot")) == (0, "", "")
    assert (tmp_path / "x.dot").read_text() == out


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_name_says_the_format(ovsp4, tmp_path, suffix, start):
    assert ovsp4("graph", L2L3, "-o", str(tmp_path / f"x.{suffix}")) == (0, "", "")
    assert (tmp_path / f"x.{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("output", "message"), [("x.gif", "must end in .dot, .svg"), ("x", "must end in"), ("no/x.dot", "No such file")]
)
def test_a_bad_output_is_told(ovsp4, tmp_path, output, message):
    status, out, err = ovsp4("graph", L2L3, "-o", str(tmp_path / output))
    assert (status, out) == (2, "")
    assert message in err
    assert output in err


def test_a_picture_without_graphviz(ovsp4, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    status, _, err = ovsp4("graph", L2L3, "-o", str(tmp_path / "x.svg"))
    assert status == 2
    assert "apt-get install graphviz" in err


@pytest.mark.parametrize("verb", ["graph", "layout"])
def test_a_wrong_program_is_told(ovsp4, tmp_path, verb):
    (tmp_path / "x.p4").write_text("parser P(packet_in p) { state start { transition nowhere; } }")
    status, out, err = ovsp4(verb, str(tmp_path / "x.p4"))
    assert (status, out) == (2, "")
    assert "error: " in err


# ---------------------------------------------------------------------------------------------------- layout
@pytest.mark.parametrize("name", ["l2l3", "gtpu"])
def test_layout_text_is_as_committed(ovsp4, golden, name):
    status, out, err = ovsp4("layout", str(PROGRAMS / f"{name}.p4"))
    assert (status, err) == (0, "")
    golden(f"golden/{name}.layout.txt", out)


def test_layout_begins_with_who_shares_a_slot(ovsp4):
    lines = ovsp4("layout", str(PROGRAMS / "l2l3.p4"))[1].splitlines()
    rows = [line.split(maxsplit=3) for line in lines[2 : lines.index("")]]
    assert ["40-79", "40", "48", "ipv6 40 | arp 28 | ipv4 20"] in rows
    assert "vlan[0] to vlan[1], 4 each" in "\n".join(lines)
    places = [tuple(map(int, row[0].split("-"))) for row in rows]
    assert places[0][0] == 0
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(places))


@pytest.mark.parametrize("name", ["l2l3", "gtpu", "market_data", "shim"])
def test_layout_json_accounts_for_each_byte_and_field(ovsp4, name):
    path = str(PROGRAMS / f"{name}.p4")
    status, out, _ = ovsp4("layout", path, "--json")
    about = json.loads(out)
    layout = compile_program(path).layout
    assert status == 0
    headers = [header for slot in about["slots"] for header in slot["headers"]]
    assert sorted(h["path"] for h in headers) == sorted(h.path for h in layout.headers)
    assert about["header_bytes"] - about["slot_bytes"] == about["saved_bytes"]
    assert sum(slot["saved_bytes"] for slot in about["slots"]) == about["saved_bytes"] > 0
    fields = about["general"] + [field for header in headers for field in header["fields"]]
    shown = {f["path"]: (f["offset_bits"], f["width_bits"]) for f in fields}
    special = (".$valid", ".$length")
    assert shown == {f.path: (f.offset_bits, f.width_bits) for f in layout.fields if not f.path.endswith(special)}
    assert {h["path"]: h["valid_bit"] for h in headers} == {
        h.path: layout.field(f"{h.path}.$valid").offset_bits for h in layout.headers
    }
    varbits = {h["path"]: h["varbit"]["length_at"] * 8 for h in headers if "varbit" in h}
    assert varbits == {f.header: f.offset_bits for f in layout.fields if f.path.endswith(".$length")}
    used = max(f.offset_bits + f.width_bits for f in layout.fields)
    assert about["padding_bytes"] == about["key_size"] - -(-used // 8)


# ---------------------------------------------------------------------------------------------------- dump-after
def test_dump_after_all_shows_each_pass_in_order(ovsp4):
    status, out, err = ovsp4("compile", L2L3, "--dump-after=all")
    heads = [line.removeprefix("// after ").split(" ")[0] for line in out.splitlines() if line.startswith("// after ")]
    assert (status, err) == (0, "")
    assert heads == ["lower", *(step.__name__ for step in PASSES)]


def test_dump_after_some_passes(ovsp4):
    status, out, _ = ovsp4("compile", L2L3, "--dump-after=fold_constants", "--dump-after", "unroll_stacks")
    heads = [line for line in out.splitlines() if line.startswith("// after ")]
    assert status == 0
    assert heads == [
        "// after fold_constants (1 of 3)",
        "// after unroll_stacks",
        "// after fold_constants (2 of 3)",
        "// after fold_constants (3 of 3)",
    ]
    assert "program l2l3 (l2l3.p4)" in out
    assert "    extract ethernet" in out
    assert "#include" not in out


def test_dump_after_with_output_writes_the_c_too(ovsp4, tmp_path):
    status, out, _ = ovsp4("compile", L2L3, "--target", "user", "--dump-after=lower", "-o", str(tmp_path / "x.c"))
    assert (status, out.startswith("// after lower\n")) == (0, True)
    assert "program_parse" in (tmp_path / "x.c").read_text()


def test_an_unknown_pass_is_told_with_those_there_are(ovsp4):
    status, out, err = ovsp4("compile", L2L3, "--dump-after=inline")
    assert (status, out) == (2, "")
    assert "there is no pass 'inline'; they are, in order: lower, bound_loops, fold_constants" in err


@pytest.mark.parametrize("more", [[], ["--load", "--dump-after=all"], ["-o", "x.c", "--dump-after=all"]])
def test_c_needs_a_target(ovsp4, capsys, more):
    with pytest.raises(SystemExit) as ended:
        ovsp4("compile", L2L3, *more)
    assert ended.value.code == 2
    assert "required: --target" in capsys.readouterr().err
