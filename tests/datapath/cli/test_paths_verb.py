"""The verb ``paths``: what it prints and writes, and what it says to mistakes."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from scapy.utils import PcapNgReader

from testbed.cli import main

SHIM = str(Path(__file__).parents[3] / "datapath" / "programs" / "shim.p4")


def test_table_shows_each_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paths", SHIM, "--max-paths", "30"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["path", "bytes", "verdict", "error", "states"]
    assert [line.split()[0] for line in lines[1:]] == [str(n) for n in range(1, 31)]
    assert "branches were not followed, since 30 paths were asked for" in err


def test_files_hold_the_same_packets_and_parse_gives_what_they_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"paths.{kind}" for kind in ("json", "pcap", "hex")}
    options = [text for kind, file in files.items() for text in (f"--{kind}", str(file))]
    assert main(["paths", SHIM, *options]) == 0
    assert capsys.readouterr().out == ""
    data = json.loads(files["json"].read_text())
    assert data["complete"] is True
    assert data["missed_states"] == data["missed_arms"] == []
    packets = [path["packet"] for path in data["paths"]]
    assert files["hex"].read_text().split("\n") == [*packets, ""]
    captured, at = files["pcap"].read_bytes(), 24
    found = []
    while at < len(captured):
        size = struct.unpack_from("<I", captured, at + 8)[0]
        found.append(captured[at + 16 : at + 16 + size].hex())
        at += 16 + size
    assert found == [packet for packet in packets if packet]
    assert main(["parse", SHIM, "--verbose", "--hex", str(files["hex"])]) == 0
    for line, path in zip(capsys.readouterr().out.splitlines(), data["paths"], strict=True):
        parsed = json.loads(line)
        assert parsed == {name: path[name] for name in parsed}


def test_pcapng_says_which_path_a_packet_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "paths.pcapng"
    assert main(["paths", SHIM, "--max-paths", "30", "--pcap", str(file), "--json", "-"]) == 0
    paths = [path for path in json.loads(capsys.readouterr().out)["paths"] if path["packet"]]
    with PcapNgReader(str(file)) as reader:
        packets = list(reader)
    assert [bytes(packet).hex() for packet in packets] == [path["packet"] for path in paths]
    assert [int(packet.time) for packet in packets] == [path["number"] for path in paths]
    for packet, path in zip(packets, paths, strict=True):
        comment = packet.comment.decode() if isinstance(packet.comment, bytes) else packet.comment
        assert comment.startswith(f"path {path['number']}: {path['verdict']}")
        assert path["states"][-1] in comment


def test_summary_counts_outcomes_and_what_was_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paths", SHIM, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    ends = [path["error"] if path["verdict"] == "reject" else "accept" for path in data["paths"]]
    first = err.splitlines()[0]
    assert first.startswith(f"{len(ends)} paths (")
    assert all(f"{ends.count(end)} {end}" in first for end in set(ends))
    assert re.search(r"states (\d+) of \1, transitions (\d+) of \2$", first)


def test_unreachable_arm_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "x.p4"
    source.write_text(
        "#include <core.p4>\n#include <ovsp4.p4>\nheader h_t { bit<8> a; }\nstruct headers_t { h_t h; }\n"
        "parser P(packet_in packet, out headers_t hdr) { state start { packet.extract(hdr.h);\n"
        "transition select(hdr.h.a & 1) { 0: accept; 1: accept;\n2: reject; } } }\nSwitch(P()) main;\n"
    )
    assert main(["paths", str(source)]) == 0
    assert f"{source}:7:1: note: no packet takes this arm of state start" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([SHIM, "--pcap", "/proc/nowhere/x.pcap"], "/proc/nowhere"),
        ([SHIM, "--json", "/nowhere/x.json"], "/nowhere/x.json: No such file"),
        (["/nowhere/x.p4"], "/nowhere/x.p4"),
    ],
)
def test_mistakes_are_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paths", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--max-paths=0", "--max-size=0", "--max-size=x", "--seed=x"])
def test_bad_numbers_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["paths", SHIM, option])
    assert exit_info.value.code == 2
    assert option.partition("=")[0] in capsys.readouterr().err
