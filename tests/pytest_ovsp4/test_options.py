"""The plugin's options and how it picks networks, through pytester; no network is started."""

import pytest

TEST_OF_A_NETWORK = "def test_it(network): pass"


def test_unknown_topology_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("--topology=leaf-spin")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*leaf-spin*", "*did you mean*leaf-spine*"])


def test_every_wrong_topology_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("--topology=nowhere", "--topology=leaf-spine[leafs=2]")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nowhere*", "*leafs*"])


def test_unknown_datapath_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("--datapath=dpdk")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_without_a_topology_the_test_skips_and_says_how_to_run_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*give --topology=NAME*"])


def test_a_test_runs_on_every_topology_and_datapath(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest(
        "--collect-only",
        "-q",
        "--topology=single",
        "--topology=linear[switches=2]",
        "--datapath=xdp",
        "--datapath=afxdp",
    )
    ids = [line for line in result.outlines if "::" in line]
    assert [line.partition("::")[2] for line in ids] == [
        "test_it[single-xdp]",
        "test_it[single-afxdp]",
        "test_it[linear[switches=2]-xdp]",
        "test_it[linear[switches=2]-afxdp]",
    ]


def test_tests_are_ordered_by_network(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(network): pass\ndef test_b(network): pass")
    result = pytester.runpytest("--collect-only", "-q", "--topology=single", "--datapath=xdp", "--datapath=afxdp")
    ids = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert ids == ["test_a[single-xdp]", "test_b[single-xdp]", "test_a[single-afxdp]", "test_b[single-afxdp]"]


def test_a_marker_wins_over_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.topology('single', datapath='afxdp')\ndef test_it(network): pass")
    result = pytester.runpytest("--collect-only", "-q", "--topology=linear", "--datapath=xdp")
    assert "test_it[single-afxdp]" in result.stdout.str()


def test_a_marker_finds_the_topology_beside_the_test(pytester: pytest.Pytester) -> None:
    pytester.mkdir("inner")
    path = pytester.path / "inner"
    (path / "mine.yaml").write_text("program: l2l3\nswitches: [s1]\nhosts: [a, b]\nlinks: [[a, s1], [b, s1]]\n")
    (path / "test_it.py").write_text("import pytest\n@pytest.mark.topology('mine.yaml')\ndef test_it(network): pass")
    result = pytester.runpytest("--collect-only", "-q")
    assert "test_it[mine-auto]" in result.stdout.str()


def test_a_wrong_topology_in_a_marker_is_an_error_with_its_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.topology('nowhere')\ndef test_it(network): pass")
    result = pytester.runpytest()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*::test_it: its topology marker", "*nowhere*"])
    result.stdout.no_fnmatch_line("*options.py:*")


def test_a_misspelt_file_in_a_marker_is_looked_for_beside_the_test(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("tests")
    (folder / "mine.yaml").write_text("program: l2l3\nswitches: [s1]\n")
    (folder / "test_it.py").write_text("import pytest\n@pytest.mark.topology('mind.yaml')\ndef test_it(network): pass")
    pytester.runpytest().stdout.fnmatch_lines(["*there is no file */tests/mind.yaml", "*did you mean 'mine.yaml'?"])


def test_the_header_says_what_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest("--topology=single", "--datapath=afxdp")
    result.stdout.fnmatch_lines(["ovsp4: single on afxdp; seed 1*"])


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.usefixtures("not_root")
def test_without_root_a_network_test_skips(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("--topology=single")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["skipped: *takes root*"])


@pytest.mark.usefixtures("not_root")
def test_without_root_and_with_require_it_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_OF_A_NETWORK)
    result = pytester.runpytest("--topology=single", "--topology-require")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--topology-require*takes root*"])
