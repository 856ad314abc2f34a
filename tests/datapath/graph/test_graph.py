"""Pictures of parsers: what is in them, the DOT text, and that Graphviz draws it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from ir_builder import extract, header, program, ref, select, stack, state

from datapath.compiler import compile_program
from datapath.errors import Location, NotSupportedError, OvsP4Error
from datapath.graph import draw as draw_module
from datapath.graph.dot import MAX_END_EDGES, MAX_WRAPPED, dot_text
from datapath.graph.draw import draw
from datapath.graph.nodes import NO_MATCH, arm_label, parse_graph
from datapath.ir.model import Case, Lookahead, Masked, Range, Select

PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
CASES = Path(__file__).parents[1] / "p4" / "cases"
H = header("h", kind=8)
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def graph_of(*states, headers=(H,)):
    return parse_graph(program(headers, *states))


def edges(graph):
    return {(e.source, e.target): e.labels for e in graph.edges}


# ---------------------------------------------------------------------------------------------------- the graph
def test_arms_to_one_state_are_one_edge():
    key = select(ref("h", "kind", 8), {1: "b", 2: "accept", 3: "b", None: "reject"})
    graph = graph_of(state("start", extract("h"), to=key), state("b"))
    assert edges(graph) == {
        ("start", "b"): ("0x1", "0x3"),
        ("start", "accept"): ("0x2",),
        ("start", "reject"): ("default",),
        ("b", "accept"): (),
    }
    assert [node.name for node in graph.nodes] == ["start", "b", "accept", "reject"]


def test_a_select_that_may_not_match_leads_to_reject():
    graph = graph_of(state("start", to=select(Lookahead(8), {1: "accept"})))
    assert edges(graph)["start", "reject"] == (NO_MATCH,)


def test_only_ways_back_are_loops():
    labels = stack("labels", 2, bottom=8)
    again = select(ref("labels.last", "bottom", 8), {0: "start", 1: "left", None: "right"})
    join = select(Lookahead(8), {0: "right", None: "accept"})
    graph = graph_of(
        state("start", extract("labels.next"), to=again), state("left", to=join), state("right"), headers=labels
    )
    assert [(e.source, e.target) for e in graph.edges if e.loops_back] == [("start", "start")]


def test_arms_say_what_the_source_says():
    graph = parse_graph(compile_program(PROGRAMS / "l2l3.p4").program)
    assert edges(graph)["start", "parse_outer_vlan"] == ("TYPE_QINQ", "TYPE_VLAN")
    assert edges(graph)["parse_ipv4_payload", "parse_tcp"] == ("(0, PROTO_TCP)",)


def test_without_the_source_arms_say_their_values():
    two = Select((Lookahead(8), Lookahead(8)), (Case((Masked(2, 6), Range(1, 9)), "accept"),))
    assert edges(graph_of(state("start", to=two)))["start", "accept"] == ("(0x2&0x6, 0x1..0x9)",)
    shipped = parse_graph(compile_program(PROGRAMS / "l2l3.p4").program, lambda location: "")
    assert edges(shipped)["start", "parse_arp"] == ("0x806",)


def test_states_of_sub_parsers_are_grouped():
    graph = parse_graph(compile_program(CASES / "subparsers.p4").program)
    assert {"", "one", "one_2", "one_3", "Two"} == {node.group for node in graph.nodes}
    assert 'subgraph "cluster_one_2"' in dot_text(graph)


def test_arms_say_all_of_a_slice():
    lines = ["start { 1: a; PREFIX[31:24]: b; }", "PREFIX[7:0] &&& MASK : c"]
    case = Case((Masked(2, 0xFF),), "accept", Location("x.p4", 1, lines[0].index("[") + 1))
    assert arm_label(case, (Lookahead(8),), lambda _: lines[0]) == "PREFIX[31:24]"
    assert arm_label(case, (Lookahead(8),), lambda _: lines[1]) == "PREFIX[7:0] &&& MASK"


# ---------------------------------------------------------------------------------------------------- DOT
@pytest.mark.parametrize("name", ["l2l3", "gtpu"])
def test_dot_is_as_committed(name, golden):
    golden(f"golden/{name}.dot", dot_text(parse_graph(compile_program(PROGRAMS / f"{name}.p4").program)))


def test_many_ways_to_accept_are_written_into_the_states():
    def chain(n):
        links = [state(f"s{i}", to=select(Lookahead(8), {i: f"s{i + 1}", None: "accept"})) for i in range(1, n)]
        first = state("start", to="s1")
        return dot_text(graph_of(first, *links, state(f"s{n}")))

    assert chain(MAX_END_EDGES).count('-> "accept"') == MAX_END_EDGES
    more = chain(MAX_END_EDGES + 1)
    assert '"accept"' not in more
    assert more.count("▸ accept") == MAX_END_EDGES + 1


def test_what_is_long_is_wrapped_and_what_is_too_long_is_cut():
    def rows(n_keys):
        names = [f"field_{i:02}" for i in range(n_keys)]
        keys = tuple(ref("h", name, 8) for name in names)
        wide = header("h", **dict.fromkeys(names, 8))
        case = Case(tuple(Masked(i, 0xFF) for i in range(n_keys)), "accept")
        return dot_text(graph_of(state("start", to=Select(keys, (case,))), headers=(wide,)))

    assert "<BR" not in rows(2)
    assert rows(6).count("<BR") == 1
    assert "…" not in rows(6)
    assert rows(20).count("<BR") == MAX_WRAPPED - 1
    assert "…" in rows(20)


def test_the_rest_of_a_state_has_its_name():
    text = dot_text(graph_of(state("start", to="start$1"), state("start$1")))
    assert "<B>start, continued</B>" in text


def test_odd_names_do_no_harm():
    kinds = select(ref("h", "kind", 8), {0: "start", None: "reject"})
    text = dot_text(parse_graph(program((H,), state("start", extract("h"), to=kinds)), lambda place: 'a "<&>" \\ :'))
    assert text.count("{") == text.count("}") == 1


@needs_dot
@pytest.mark.parametrize("name", sorted(p.stem for p in PROGRAMS.glob("*.p4") if "main;" in p.read_text()))
def test_graphviz_draws_each_state(name):
    graph = parse_graph(compile_program(PROGRAMS / f"{name}.p4").program)
    svg = draw(dot_text(graph), "svg").decode()
    assert [n.name for n in graph.nodes if n.name not in ("accept", "reject") and f">{n.name}</text>" not in svg] == []
    assert len(re.findall('class="edge"', svg)) == dot_text(graph).count(" -> ")


# ---------------------------------------------------------------------------------------------------- drawing
def test_without_graphviz_the_remedy_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotSupportedError, match="apt-get install graphviz"):
        draw("digraph {}", "svg")


@needs_dot
def test_what_graphviz_refuses_is_told():
    with pytest.raises(OvsP4Error, match="dot failed"):
        draw("digraph {", "svg")


def test_a_slow_graphviz_is_given_up(monkeypatch, tmp_path):
    (tmp_path / "dot").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(draw_module, "TIMEOUT_S", 0.1)
    with pytest.raises(OvsP4Error, match=r"write DOT instead"):
        draw("digraph {}", "svg")
