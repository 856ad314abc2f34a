"""Parser coverage: what is counted, what is missed, how it looks in the source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datapath.compiler import compile_program
from datapath.paths.annotate import annotate
from datapath.paths.coverage import ParserCoverage
from datapath.paths.coverage_html import index_page, program_page
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
    assert hits(coverage, "arm") == {
        "start: 1 -> more": 4,
        "start: 2 -> more": 1,
        "start: default -> accept": 0,
    }


def test_source_shows_what_was_missed(coverage: ParserCoverage) -> None:
    coverage.add(b"\1\0")
    lines = [line.split(":", 2) for line in annotate(coverage).splitlines()]
    marks = {int(number): count.strip() for count, number, _ in lines if count.strip() != "-"}
    assert marks == {6: "1", 9: "1", 10: "#####", 11: "#####", 14: "1", 16: "1"}
    page = program_page(coverage)
    assert page.count('class="missed"') == 2
    assert page.count('class="hit"') == 4


def test_what_is_missed_is_told_once(coverage: ParserCoverage) -> None:
    assert {state: [item.name for item in items] for state, items in coverage.missed().items()} == {
        "start": ["start"],
        "more": ["more"],
    }
    coverage.add(b"\2")
    assert {state: [item.name for item in items] for state, items in coverage.missed().items()} == {
        "start": ["start: 1 -> more", "start: default -> accept"],
        "more": ["more -> accept"],
    }


def test_arms_on_one_line_are_told_apart(tmp_path: Path) -> None:
    source = tmp_path / "x.p4"
    source.write_text(SOURCE.replace("1: more;\n            2: more;", "1: more; 2: more;"))
    coverage = ParserCoverage(compile_program(source).program)
    coverage.add(b"\1\0")
    page = program_page(coverage)
    assert 'class="partly" title="1 arm start: 1 -&gt; more\n0 arm start: 2 -&gt; more"' in page


def test_pages_lead_to_each_other_and_to_the_lines(coverage: ParserCoverage) -> None:
    coverage.add(b"\1\0")
    index = index_page([("x.html", coverage), ("y.html", coverage)])
    assert index.count("3/3 100%") == 0
    assert index.count('<a href="x.html">x.p4</a>') == index.count('<a href="y.html">x.p4</a>') == 1
    assert "<td>4/4 100%</td><td>4/6 66%</td><td>2/6 33%</td><td>62%" in index  # both together
    page = program_page(coverage, "index.html")
    assert '<a href="index.html">' in page
    assert '<a href="#f0l11">default -&gt; accept</a>' in page
    assert '<tr id="f0l11" class="missed"' in page


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
