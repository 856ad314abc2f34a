"""Every mistake in a topology's file: reported with its place, all together, in the words of a golden file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datapath import TopologyError
from topologies import Topology, load

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_golden_messages(path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(TopologyError) as caught:
        load(path.name)
    message = str(caught.value).replace(str(path.parent), ".") + "\n"
    golden = path.with_suffix(".txt")
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(message)
    assert golden.exists(), f"no {golden.name}; write it with --update-golden"
    assert message == golden.read_text()


def test_there_are_golden_files() -> None:
    assert len(BAD) >= 6


def test_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "latin1.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(TopologyError, match="not UTF-8 at byte 9"):
        load(str(path))


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 3000, "- " * 5000])
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "deep.yaml").write_text(text)
    with pytest.raises(TopologyError, match=r"nested too deeply|not YAML"):
        load(str(tmp_path / "deep.yaml"))


def test_a_folder_is_no_topology_and_no_program(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").mkdir()
    with pytest.raises(TopologyError, match=r"net\.yaml is no regular file"):
        load(str(tmp_path / "net.yaml"))
    (tmp_path / "x.p4").mkdir()
    (tmp_path / "own.yaml").write_text("program: x.p4\ngenerator: single\n")
    with pytest.raises(TopologyError, match=r"program: .*x\.p4 is no regular file"):
        load(str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("bandwidth_mbps: .nan", "bandwidth_mbps: nan is out of range"),
        ("bandwidth_mbps: 0.0000001", "bandwidth_mbps: 1e-07 is out of range: at least 0.01"),
        ("delay_ms: .inf", "delay_ms: inf is out of range"),
    ],
)
def test_numbers_no_link_can_have(tmp_path: Path, link: str, message: str) -> None:
    (tmp_path / "n.yaml").write_text(
        f"program: l2l3\nswitches: [s1]\nhosts: [h1]\nlinks: [{{ends: [s1, h1], {link}}}]\n"
    )
    with pytest.raises(TopologyError) as caught:
        load(str(tmp_path / "n.yaml"))
    assert message in str(caught.value)


def test_a_mac_of_no_hexadecimal_digits(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(
        "program: l2l3\nswitches: [s1]\nhosts: {h1: {mac: 'zz:00:00:00:00:01'}}\nlinks: [[s1, h1]]\n"
    )
    with pytest.raises(TopologyError, match=r"hosts\.h1\.mac: 'zz:00:00:00:00:01' does not fit"):
        load(str(tmp_path / "n.yaml"))


def test_a_define_must_be_a_macro_name(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text('program: l2l3\ngenerator: single\ndefines: {"A B": 3}\n')
    with pytest.raises(TopologyError, match="defines: 'A B' cannot be a name"):
        load(str(tmp_path / "n.yaml"))


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    path = tmp_path / "laughs.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(TopologyError, match="aliases make this value endless"):
        load(str(path))


_words = st.sampled_from(["s1", "s2", "h1", "h2", "s1:1", "s1:2000", "h1:3", "x", "", "l2", "leaf-spine", "l2l3", "*"])
_scalars = _words | st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)
_keys = st.sampled_from(
    [
        *("name", "program", "routing", "datapath", "generator", "params", "switches", "hosts", "links"),
        *("flows", "groups", "fields", "defines", "junk"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.dictionaries(_keys, _values, max_size=8))
def test_any_document_is_read_or_refused(document: dict[str, object], tmp_path: Path) -> None:
    """No input makes a traceback of ours."""
    import yaml

    path = tmp_path / "any.yaml"
    path.write_text(yaml.safe_dump(document))
    message = ""
    try:
        topology = load(str(path))
    except TopologyError as error:
        message = str(error)
    assert "any.yaml:" in message if message else isinstance(topology, Topology)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.sampled_from("ab:-[]{},\n '\"&*#|>!%@1.\t?"), max_size=60))
def test_any_text_is_read_or_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text)
    with pytest.raises(TopologyError):
        load(str(path))
