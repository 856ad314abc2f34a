"""Warnings: their texts with place, source line and caret, and the switches that tell them, hide them, refuse them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from datapath.cli import add_verbs
from datapath.cli.warning_options import WarningOptions, help_text
from datapath.errors import Diagnostic, Location, OvsP4Error
from datapath.ir.warning_names import WARNINGS

HERE = Path(__file__).parent / "warnings"
NAMES = sorted(path.stem for path in HERE.glob("*.p4"))
ROOT = Path(__file__).parents[3]


@pytest.fixture
def ovsp4(capsys, monkeypatch):
    """Run a verb among the programs; returns its status, output and messages."""
    monkeypatch.chdir(HERE)

    def run(*arguments):
        parser = argparse.ArgumentParser()
        add_verbs(parser.add_subparsers(required=True))
        args = parser.parse_args(list(arguments))
        status = args.run(args)
        return (status, *capsys.readouterr())

    return run


# ---------------------------------------------------------------------------------------------------- texts
@pytest.mark.parametrize("name", NAMES)
def test_texts_are_as_committed(ovsp4, golden, name):
    status, _, err = ovsp4("layout", f"{name}.p4")
    assert status == 0
    golden(f"warnings/{name}.txt", err)


def test_each_warning_has_its_place_and_a_name_that_is_known(ovsp4):
    for name in NAMES:
        heads = [line for line in ovsp4("layout", f"{name}.p4")[2].splitlines() if ": warning: " in line]
        assert heads
        for line in heads:
            found = re.fullmatch(rf"{name}\.p4:\d+:\d+: warning: .* \[-W([a-z-]+)\]", line)
            assert found, line
            assert found[1] in WARNINGS


def test_each_name_is_used_and_each_use_is_a_name():
    text = "".join(path.read_text() for part in ("p4", "passes") for path in (ROOT / "datapath" / part).glob("*.py"))
    assert [name for name in WARNINGS if f'"{name}"' not in text] == []


def test_include_files_that_ship_are_not_told(ovsp4, tmp_path):
    (tmp_path / "x.p4").write_text(
        "#include <v1model.p4>\n"
        "header h_t { bit<8> x; }\n struct headers_t { h_t h; }\n struct meta_t {}\n"
        "parser P(packet_in p, out headers_t hdr, inout meta_t m, inout standard_metadata_t s) {\n"
        "    state start { p.extract(hdr.h); transition accept; }\n}\n"
    )
    assert ovsp4("layout", str(tmp_path / "x.p4"))[2] == ""


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ("bit<32> size = ((bit<32>)hdr.h.x - 5) << 5;", False),
        ("bit<32> size = 0; if (hdr.h.x > 5) { size = (bit<32>)hdr.h.x * 8; } size = size + 16;", False),
        ("bit<32> size = (bit<32>)hdr.h.x << 2;", True),
        ("bit<32> size = 64; size[2:2] = hdr.h.x[0:0];", True),
        ("bit<32> size = 0; bit<32> odd = 4; if (hdr.h.x > 5) { size = odd; odd = odd + size; }", True),
    ],
)
def test_sizes_in_variables_are_known_to_be_whole_bytes(ovsp4, tmp_path, size, told):
    (tmp_path / "x.p4").write_text(
        "#include <core.p4>\nheader h_t { bit<8> x; }\nheader v_t { varbit<320> v; }\n"
        "struct headers_t { h_t h; v_t v; }\n"
        "parser P(packet_in p, out headers_t hdr) {\n"
        f"    state start {{ p.extract(hdr.h); {size} p.extract(hdr.v, size); transition accept; }}\n}}\n"
    )
    assert ("[-Wunaligned-header]" in ovsp4("layout", str(tmp_path / "x.p4"))[2]) == told


def test_metadata_that_controls_may_set_is_not_told(ovsp4, tmp_path):
    head = (
        "#include <core.p4>\nheader h_t { bit<8> x; }\n struct headers_t { h_t h; }\n struct meta_t { bit<8> m; }\n"
        "parser P(packet_in p, out headers_t hdr, inout meta_t meta) {\n"
        "    state start { p.extract(hdr.h); transition accept; }\n}\n"
    )
    (tmp_path / "x.p4").write_text(head)
    (tmp_path / "y.p4").write_text(head + "control C(inout headers_t hdr, inout meta_t meta) { apply { } }\n")
    assert "[-Wunset-metadata]" in ovsp4("layout", str(tmp_path / "x.p4"))[2]
    assert "[-Wunset-metadata]" not in ovsp4("layout", str(tmp_path / "y.p4"))[2]


def test_of_faults_in_skipped_parts_five_are_told_and_the_rest_counted(ovsp4, tmp_path):
    calls = "".join(f"        no{i}();\n" for i in range(8))
    (tmp_path / "x.p4").write_text(
        "#include <core.p4>\nheader h_t { bit<8> x; }\nstruct headers_t { h_t h; }\n"
        "parser P(packet_in p, out headers_t hdr) { state start { p.extract(hdr.h); transition accept; } }\n"
        f"control C(inout headers_t hdr) {{\n    apply {{\n{calls}    }}\n}}\n"
    )
    status, _, err = ovsp4("layout", str(tmp_path / "x.p4"))
    assert status == 0
    assert err.count("[-Wskipped-part]") == 5
    assert err.endswith("note: and 3 more in parts that are not used\n")
    assert ovsp4("layout", str(tmp_path / "x.p4"), "-Wno-skipped-part")[2] == ""
    status, _, err = ovsp4("layout", str(tmp_path / "x.p4"), "-Werror=skipped-part")
    assert status == 2
    assert err.count("[-Werror=skipped-part]") == 8


# ---------------------------------------------------------------------------------------------------- switches
def names(text):
    return set(re.findall(r"\[-W((?:error=)?[a-z-]+)\]", text))


@pytest.mark.parametrize(
    ("switches", "status", "told"),
    [
        ((), 0, {"overflow", "changed-header", "unaligned-header", "directive"}),
        (("-Wno-overflow",), 0, {"changed-header", "unaligned-header", "directive"}),
        (("-W", "no-all", "-Woverflow"), 0, {"overflow"}),
        (("-Woverflow", "-Wno-all"), 0, set()),
        (("-Wno-all", "-Werror=overflow"), 2, {"error=overflow"}),
        (
            ("-Werror",),
            2,
            {"error=overflow", "error=changed-header", "error=unaligned-header", "error=directive"},
        ),
        (("-Werror", "-Wno-all"), 0, set()),
        (
            ("-Werror", "-Wno-error=overflow", "-Wno-error=directive", "-Wno-changed-header"),
            2,
            {"overflow", "directive", "error=unaligned-header"},
        ),
        (("-Werror=all", "-Wno-error"), 0, {"overflow", "changed-header", "unaligned-header", "directive"}),
    ],
)
def test_switches(ovsp4, switches, status, told):
    ended, out, err = ovsp4("compile", "packet.p4", "--target", "user", *switches)
    assert (ended, names(err)) == (status, told)
    assert bool(out) == (status == 0)
    assert all(": error: " in line for line in err.splitlines() if "[-Werror=" in line)


@pytest.mark.parametrize(
    ("switch", "hint"),
    [
        ("-Wunreachable-states", "did you mean 'unreachable-state'?"),
        ("-Werror=", "--help-warnings lists them"),
        ("-Wno-error=xyz", "there is no warning 'xyz'"),
        ("-W", None),
    ],
)
def test_a_name_that_is_none(ovsp4, capsys, switch, hint):
    if hint is None:
        with pytest.raises(SystemExit) as ended:
            ovsp4("compile", "packet.p4", "--target", "user", switch)
        assert ended.value.code == 2
        return
    status, out, err = ovsp4("compile", "packet.p4", "--target", "user", switch)
    assert (status, out) == (2, "")
    assert err.startswith(f"{switch}: ")
    assert hint in err


def test_a_warning_without_a_switch_stays():
    other = Diagnostic(Location("x.p4", 1, 1), "warning", "of the future", name="")
    assert WarningOptions(["no-all"]).apply([other]) == [other]
    with pytest.raises(OvsP4Error, match="no warning 'x'"):
        WarningOptions(["x"])


def test_help_lists_all(capsys):
    parser = argparse.ArgumentParser()
    add_verbs(parser.add_subparsers(required=True))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["compile", "--help-warnings"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == help_text()
    assert [name for name in WARNINGS if f"\n  {name} " not in help_text()] == []
    assert max(map(len, help_text().splitlines())) < 120
