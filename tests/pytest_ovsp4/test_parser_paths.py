"""``parser_path`` and ``--p4-cov``: a test for each path, and what the tests' packets reached."""

import json
import os

import pytest

needs_network = [pytest.mark.network, pytest.mark.skipif(os.geteuid() != 0, reason="networks take root")]

PROGRAM = """#include <core.p4>
#include <ovsp4.p4>
header ethernet_t { bit<48> dst; bit<48> src; bit<16> type; }
header tag_t { bit<16> id; bit<16> type; }
struct headers_t { ethernet_t ethernet; tag_t tag; }
parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            0x88b5: tag;
            _: accept;
        }
    }
    state tag {
        packet.extract(hdr.tag);
        transition select(hdr.tag.type) {
            1: accept;
        }
    }
}
Switch(P()) main;
"""
N_PATHS = 7  # untagged; tagged: 1, no match, two too short; too short for Ethernet, twice
TOPOLOGY = "name: {0}\nprogram: {0}.p4\nrouting: none\ngenerator: single\nparams: {{hosts: 1}}\n"


@pytest.fixture
def two_programs(pytester: pytest.Pytester) -> None:
    """Lay out topologies ``one`` and ``two``, which run programs that differ in one arm."""
    for name, program in (("one", PROGRAM), ("two", PROGRAM.replace("1: accept;", "1: accept; 2: reject;"))):
        pytester.path.joinpath(f"{name}.p4").write_text(program)
        pytester.path.joinpath(f"{name}.yaml").write_text(TOPOLOGY.format(name))
    pytester.makepyfile("def test_it(parser_path): pass")


@pytest.mark.usefixtures("two_programs")
def test_each_network_has_the_paths_of_its_own_program(pytester: pytest.Pytester) -> None:
    options = ["--topology=one.yaml", "--topology=two.yaml", "--datapath=xdp", "--datapath=afxdp"]
    result = pytester.runpytest_subprocess("--collect-only", "-q", *options)
    ids = [line for line in result.outlines if "::test_it[" in line]
    assert "test_each_network_has_the_paths_of_its_own_program.py::test_it[one-xdp-one-path1-accept-tag-18B]" in ids
    for network, n_paths in (("one-xdp", N_PATHS), ("one-afxdp", N_PATHS), ("two-xdp", N_PATHS + 1)):
        assert len([i for i in ids if f"[{network}-" in i]) == n_paths
    assert len(ids) == 2 * N_PATHS + 2 * (N_PATHS + 1)


@pytest.mark.usefixtures("two_programs")
def test_names_say_how_a_path_ends(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--collect-only", "-q", "--topology=one.yaml")
    names = [line.partition("[one-auto-")[2] for line in result.outlines if "::test_it[" in line]
    assert "path1-accept-tag-18B]" in names
    assert "path3-PacketTooShort-tag-14B]" in names
    assert len(set(names)) == N_PATHS


@pytest.mark.usefixtures("two_programs")
def test_number_of_paths_is_bounded(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--collect-only", "-q", "--topology=one.yaml", "--p4-max-paths=3")
    assert len([line for line in result.outlines if "::test_it[" in line]) == 3
    result = pytester.runpytest_subprocess("--p4-max-paths=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--p4-max-paths: at least 1*"])


def test_without_a_network_it_is_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(parser_path): pass")
    pytester.runpytest_subprocess("--p4-cov").assert_outcomes(skipped=1)


def test_nothing_counted_is_too_little(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess("--p4-cov-fail-under=1")
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL required parser coverage of 1% not reached: 0.00%"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--p4-cov-report=xml", "*--p4-cov-report=xml: one of term, term-missing, text, html, json*"),
        ("--p4-cov-report=term:x", "*--p4-cov-report=term:x:*"),
        ("--p4-cov-report=html:", "*--p4-cov-report=html::*"),
        ("--p4-cov-fail-under=101", "*--p4-cov-fail-under: a number from 0 to 100*"),
        ("--p4-cov-fail-under=x", "*--p4-cov-fail-under*"),
    ],
)
def test_wrong_options_are_refused(pytester: pytest.Pytester, option: str, message: str) -> None:
    result = pytester.runpytest_subprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_wrong_program_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("bad.p4").write_text("parser P(")
    pytester.path.joinpath("bad.yaml").write_text(TOPOLOGY.format("bad"))
    pytester.makepyfile("def test_it(parser_path): pass")
    result = pytester.runpytest_subprocess("--topology=bad.yaml")
    assert "bad.p4:1:" in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert result.ret != 0


@pytest.mark.usefixtures("two_programs")
class TestOnANetwork:
    pytestmark = needs_network

    @pytest.fixture(autouse=True)
    def two_tests(self, pytester: pytest.Pytester, two_programs: None) -> None:
        pytester.makepyfile(
            """
def test_plain(inject):
    inject("h1", bytes(12) + b"\\x08\\x00")

def test_tag(inject, capture):
    with capture("h1"):
        inject("h1", bytes(12) + b"\\x88\\xb5" + bytes(4))
"""
        )

    def run(self, pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
        always = ["--topology=one.yaml", "--topology-require", "--topology-results=out"]
        result = pytester.runpytest_subprocess(*always, *options)
        result.assert_outcomes(passed=2)
        return result

    @pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "two processes"])
    def test_coverage_of_what_was_sent(self, pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
        result = self.run(pytester, "--p4-cov", *options)
        result.stdout.fnmatch_lines(
            [
                "program  packets    states  transitions     arms  coverage",
                "one.p4         2  2/2 100%      2/3 66%  2/3 66%       75%",
                "missed one.p4:17: state tag: 1 -> accept",
                "text: */out/p4-coverage",
                "html: */out/p4-coverage/index.html",
            ]
        )
        assert result.ret == 0
        annotated = pytester.path.joinpath("out", "p4-coverage", "one.p4.cov").read_text()
        assert "        1:   10:             0x88b5: tag;" in annotated
        assert "    #####:   17:             1: accept;" in annotated
        assert '<a href="one.html">' in pytester.path.joinpath("out", "p4-coverage", "index.html").read_text()
        assert pytester.path.joinpath("out", "p4-coverage", "one.html").is_file()

    def test_reports_are_chosen(self, pytester: pytest.Pytester) -> None:
        result = self.run(pytester, "--p4-cov-report=term", "--p4-cov-report=json:cov.json")
        result.stdout.fnmatch_lines(["one.p4 *75%", "json: */cov.json"])
        result.stdout.no_fnmatch_line("missed*")
        assert not pytester.path.joinpath("out", "p4-coverage").exists()
        data = json.loads(pytester.path.joinpath("cov.json").read_text())
        assert data["totals"] == {
            "states": {"reached": 2, "all": 2},
            "transitions": {"reached": 2, "all": 3},
            "arms": {"reached": 2, "all": 3},
            "percent": 75.0,
        }
        (program,) = data["programs"]
        assert program["packets"] == 2
        assert [item["hits"] for item in program["items"] if item["name"] == "tag: 1 -> accept"] == [0]

    def test_a_run_that_reaches_too_little_fails(self, pytester: pytest.Pytester) -> None:
        assert self.run(pytester, "--p4-cov-fail-under=75", "--p4-cov-report=").ret == 0
        result = self.run(pytester, "--p4-cov-fail-under=75.1", "--p4-cov-report=")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["FAIL required parser coverage of 75.1% not reached: 75.00%"])
        assert not pytester.path.joinpath("out", "p4-coverage").exists()

    def test_every_path_behaves_on_the_switch(self, pytester: pytest.Pytester) -> None:
        example = pytester.path.joinpath("test_example.py")
        source = os.path.join(os.path.dirname(__file__), "..", "examples", "parser_paths", "test_every_path.py")
        with open(source, encoding="utf-8") as file:
            example.write_text(file.read().replace("pytestmark =", "elsewhere ="))  # --topology says where
        options = ["--topology=one.yaml", "--topology-require", "--datapath=xdp", "--datapath=afxdp", "--p4-cov"]
        result = pytester.runpytest_subprocess(*options, str(example))
        result.assert_outcomes(passed=2 * (N_PATHS - 2), skipped=4)
        result.stdout.fnmatch_lines(["one.p4 *10  2/2 100%*100%"])
