"""Parser coverage: what is counted, what is missed, how it looks in the source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datapath.compiler import compile_program
from datapath.paths.annotate import annotate, annotate_html
from datapath.paths.coverage import ParserCoverage
from datapath.paths.enumerate import enumerate_paths

SOURCE = """#include <core.p4>
#include <ovsp4.p4>
header h_t { bit<8> kind; }
struct headers_t { h_t h; h_t more; }
parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.h);
        transition select(hdr.h.kind) {
            1: more;
            2: more;
            _: accept;
        }
    }
    state more {
        packet.extract(hdr.more);
        transition accept;
    }
}
Switch(P()) main;
"""


@pytest.fixture
def coverage(tmp_path: Path) -> ParserCoverage:
    source = tmp_path / "x.p4"
    source.write_text(SOURCE)
    return ParserCoverage(compile_program(source).program)


def hits(coverage: ParserCoverage, kind: str) -> dict[str, int]:
    return {item.name: item.hits for item in coverage.of_kind(kind)}


def test_counts_states_transitions_and_arms(coverage: ParserCoverage) -> None:
    coverage.add(b"\1\0")
    coverage.add(b"\2")  # too short for the second header
    coverage.add(b"\1\0", count=3)
    assert coverage.n_packets == 5
    assert hits(coverage, "state") == {"start": 5, "more": 5}
    assert hits(coverage, "transition") == {"start -> more": 5, "start -> accept": 0, "more -> accept": 4}
    assert hits(coverage, "arm") == {"start: 1: more;": 4, "start: 2: more;": 1, "start: _: accept;": 0}


def test_source_shows_what_was_missed(coverage: ParserCoverage) -> None:
    coverage.add(b"\1\0")
    lines = [line.split(":", 2) for line in annotate(coverage).splitlines()]
    marks = {int(number): count.strip() for count, number, _ in lines if count.strip() != "-"}
    assert marks == {6: "1", 9: "1", 10: "#####", 11: "#####", 14: "1", 16: "1"}
    page = annotate_html(coverage)
    assert page.count('class="missed"') == 2
    assert page.count('class="hit"') == 4


def test_counts_travel_between_processes(coverage: ParserCoverage) -> None:
    coverage.add(b"\1\0")
    other = ParserCoverage(coverage.program)
    for _ in range(2):
        other.merge(json.loads(json.dumps(coverage.to_json())))
    assert other.n_packets == 2
    assert [(i.name, i.hits) for i in other.items()] == [(i.name, i.hits * 2) for i in coverage.items()]


def test_all_paths_cover_everything(coverage: ParserCoverage) -> None:
    for path in enumerate_paths(coverage.program).paths:
        coverage.add(path.packet)
    assert all(item.hits for item in coverage.items())
