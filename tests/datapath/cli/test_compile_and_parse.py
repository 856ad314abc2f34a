"""``ovsp4 compile`` and ``ovsp4 parse`` as others script against them: output, exit status, messages."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from datapath.build import RUNTIME_DIR, build_shared
from datapath.cli import add_verbs

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "datapath" / "programs"
L2L3 = str(PROGRAMS / "l2l3.p4")
ARP = "ffffffffffff020000000001" + "0806" + "0001080006040001" + "020000000001" + "0a000001" + "00" * 6 + "0a000002"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
ENGINES = ["reference", "user", pytest.param("xdp", marks=[pytest.mark.kernel, needs_root])]


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


@pytest.fixture
def source(tmp_path):
    """Write a P4 file; returns its path as text."""

    def write(text, name="x.p4"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.fixture
def hex_file(tmp_path):
    def write(*lines):
        (tmp_path / "packets.hex").write_text("".join(f"{line}\n" for line in lines))
        return str(tmp_path / "packets.hex")

    return write


# ---------------------------------------------------------------------------------------------------- parse
@pytest.mark.parametrize("engine", ENGINES)
def test_parse_prints_a_line_a_packet(ovsp4, hex_file, engine):
    status, out, err = ovsp4("parse", L2L3, "--engine", engine, "--hex", hex_file(ARP, ARP[:30], "", ARP + "0000"))
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [line["verdict"] for line in lines] == ["accept", "reject", "reject", "accept"]
    assert [line["error"] for line in lines] == ["NoError", "PacketTooShort", "PacketTooShort", "NoError"]
    assert [line["offset_bits"] for line in lines] == [336, 112, 0, 336]
    assert [list(line["headers"]) for line in lines] == [["ethernet", "arp"], ["ethernet"], [], ["ethernet", "arp"]]
    ethernet = lines[0]["headers"]["ethernet"]
    assert ethernet == {
        "valid": True,
        "raw": ARP[:28],
        "fields": {"dstAddr": "0xffffffffffff", "srcAddr": "0x20000000001", "etherType": "0x806"},
    }


def test_engines_print_the_same(ovsp4, hex_file):
    if os.geteuid() != 0:
        pytest.skip("loading XDP programs needs root")
    options = "0200000000010200000000ff0800" + "47" + "00" * 8 + "06" + "00" * 10 + "0102030405060708" + "11" * 20
    packets = hex_file(*(options[: 2 * n] for n in range(len(options) // 2 + 1)))
    outputs = {
        e: ovsp4("parse", L2L3, "--engine", e, "--hex", packets, "--verbose") for e in ("reference", "user", "xdp")
    }
    assert outputs["reference"] == outputs["user"] == outputs["xdp"]
    last = json.loads(outputs["user"][1].splitlines()[-1])
    assert last["headers"]["ipv4Options"]["raw"] == "0102030405060708"
    assert last["states"] == ["start", "parse_ipv4", "parse_ipv4_options", "parse_ipv4_payload", "parse_tcp"]


def test_parse_reads_standard_input_and_comments(ovsp4, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# an ARP request\n{ARP}  # asks for 10.0.0.2\n"))
    status, out, _ = ovsp4("parse", L2L3, "--hex", "-")
    assert (status, len(out.splitlines())) == (0, 1)


def test_parse_refuses_what_is_no_hex(ovsp4, hex_file):
    status, out, err = ovsp4("parse", L2L3, "--hex", hex_file(ARP, "xyz"))
    assert (status, len(out.splitlines())) == (2, 1)
    assert "packets.hex:2: not hex" in err


def test_parse_of_a_missing_file(ovsp4):
    status, _, err = ovsp4("parse", L2L3, "--hex", "nowhere.hex")
    assert (status, err) == (2, "nowhere.hex: No such file or directory\n")


# ---------------------------------------------------------------------------------------------------- compile
@pytest.mark.parametrize("target", ["user", "xdp"])
def test_compile_writes_c(ovsp4, tmp_path, target):
    output = tmp_path / "out.c"
    assert ovsp4("compile", L2L3, "--target", target, "-o", str(output)) == (0, "", "")
    text = output.read_text()
    assert f'#include "ctx/{target}.h"' in text
    assert "/* state parse_ipv4 (l3_states.p4:" in text
    assert ovsp4("compile", L2L3, "--target", target)[1] == text


def test_what_compile_writes_for_user_compiles(ovsp4):
    text = ovsp4("compile", L2L3, "--target", "user")[1]
    uses = "int f(struct packet *p, struct flow_key *k, struct parse_result *r);\n"
    uses += "int f(struct packet *p, struct flow_key *k, struct parse_result *r) { return program_parse(p, k, r); }\n"
    assert build_shared("out", texts={"out.c": text + uses}, include_dirs=[RUNTIME_DIR]).exists()


@pytest.mark.kernel
@needs_root
def test_load_tells_instructions_and_time(ovsp4):
    status, out, _ = ovsp4("compile", L2L3, "--target", "xdp", "--load")
    about = json.loads(out)
    assert (status, about["program"], about["target"]) == (0, "l2l3", "xdp")
    assert about["instructions"] > 100
    assert about["load_time_s"] > 0


def test_mistakes_are_told_with_their_place(ovsp4, source):
    path = source("parser P(packet_in p) {\n    state start { transition nowhere; }\n    state start { x = 1; }\n}\n")
    status, out, err = ovsp4("compile", path, "--target", "user")
    assert (status, out) == (2, "")
    assert f"{path}:2:" in err
    assert "error:" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("path", ["nowhere.p4", "."])
def test_a_file_that_cannot_be_read(ovsp4, path):
    status, out, err = ovsp4("compile", path, "--target", "user")
    assert (status, out) == (2, "")
    assert path in err


def test_bad_define(ovsp4):
    status, _, err = ovsp4("compile", L2L3, "--target", "user", "-D", "1=2")
    assert (status, err) == (2, "-D 1=2: not a macro name; write -D NAME or -D NAME=VALUE\n")


def test_output_into_a_missing_folder(ovsp4, tmp_path):
    status, _, err = ovsp4("compile", L2L3, "--target", "user", "-o", str(tmp_path / "no" / "out.c"))
    assert status == 2
    assert "No such file or directory" in err


def test_defines_and_include_folders_reach_the_program(ovsp4, source, tmp_path, hex_file):
    (tmp_path / "inc").mkdir()
    source("const bit<8> WANTED = VALUE;\n", "inc/wanted.p4")
    path = source(
        """
        #include <core.p4>
        #include "wanted.p4"
        header h_t { bit<8> v; }
        struct headers_t { h_t h; }
        parser P(packet_in p, out headers_t hdr) {
            state start {
                p.extract(hdr.h);
                transition select(hdr.h.v) { WANTED: accept; }
            }
        }
        package Box(P p);
        """.replace("package Box(P p);", "")
    )
    arguments = ("parse", path, "-I", str(tmp_path / "inc"), "-D", "VALUE=7", "--hex", hex_file("07", "08"))
    status, out, err = ovsp4(*arguments)
    assert status == 0, err
    assert [json.loads(line)["error"] for line in out.splitlines()] == ["NoError", "NoMatch"]


def test_the_command_runs_as_a_process():
    command = [sys.executable, "-m", "testbed.cli", "parse", L2L3, "--hex", "-"]
    run = subprocess.run(command, input=ARP, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdict"] == "accept"


# ---------------------------------------------------------------------------------------------------- value sets
VALUE_SETS = str(Path(__file__).parent.parent / "p4" / "cases" / "value_sets.p4")


@pytest.mark.parametrize("engine", ENGINES)
def test_parse_with_entries_in_value_sets(ovsp4, hex_file, engine):
    packets = hex_file("0007 00 05" + "00" * 16 + "0101 00 01" + "00" * 16)
    arguments = ("parse", VALUE_SETS, "--engine", engine, "--hex", packets)
    status, out, _ = ovsp4(*arguments)
    assert (status, json.loads(out)["headers"].keys()) == (0, {"first"})
    entries = ("--value-set", "pairs=(-1..1,_)", "--value-set", "inner.mixed=257,1/3")
    status, out, _ = ovsp4(*arguments, *entries)
    assert (status, json.loads(out)["verdict"], json.loads(out)["headers"].keys()) == (0, "accept", {"first", "second"})


@pytest.mark.parametrize(
    ("text", "message"), [("ports", "write NAME=ENTRY"), ("port=1", "no value set 'port'"), ("ports=1,2", "has 1 keys")]
)
def test_parse_refuses_entries_that_are_none(ovsp4, hex_file, text, message):
    status, _, err = ovsp4("parse", VALUE_SETS, "--hex", hex_file("00"), "--value-set", text)
    assert status == 2
    assert message in err


def test_notes_say_what_of_the_controls_is_used(ovsp4, tmp_path):
    (tmp_path / "x.p4").write_text(
        "#include <v1model.p4>\n"
        "header h_t { bit<8> x; bit<8> y; bit<16> sum; }\n struct headers_t { h_t h; }\n struct meta_t {}\n"
        "parser P(packet_in p, out headers_t hdr, inout meta_t m, inout standard_metadata_t s) {\n"
        "    state start { p.extract(hdr.h); transition accept; }\n}\n"
        "control MyVerify(inout headers_t hdr, inout meta_t m) {\n"
        "    apply { verify_checksum(true, { hdr.h.x, hdr.h.y }, hdr.h.sum, HashAlgorithm.csum16); }\n}\n"
        "control MyIngress(inout headers_t hdr, inout meta_t m, inout standard_metadata_t s) { apply { } }\n"
        "control MyEgress(inout headers_t hdr, inout meta_t m, inout standard_metadata_t s) { apply { } }\n"
        "control MyUpdate(inout headers_t hdr, inout meta_t m) {\n"
        "    apply { update_checksum(true, { hdr.h.x, hdr.h.y }, hdr.h.sum, HashAlgorithm.csum16); }\n}\n"
        "control MyDeparser(packet_out p, in headers_t hdr) { apply { p.emit(hdr.h); } }\n"
        "V1Switch(P(), MyVerify(), MyIngress(), MyEgress(), MyUpdate(), MyDeparser()) main;\n"
    )
    status, _, err = ovsp4("compile", str(tmp_path / "x.p4"), "--target", "user")
    assert status == 0
    assert err.splitlines() == [
        "note: used of controls: checksum h.sum (MyUpdate); order of headers (MyDeparser)",
        "note: not used: controls MyVerify, MyIngress, MyEgress",
    ]
