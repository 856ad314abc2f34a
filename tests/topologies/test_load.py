"""Reading topologies: the shipped ones, parameters, a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from datapath import TopologyError
from topologies import End, Host, L3Fields, Link, load, names

OWN = """
name: triangle
program: own.p4
routing: none
switches: [s1, s2, s3]
hosts:
  h1:
  h2: {ip: 192.168.7.1/24, mac: 0A:00:00:00:00:01}
links:
  - [s1:5, h1]
  - [s2, h2]
  - [s1, s2]
  - {ends: [s2, s3], bandwidth_mbps: 100, delay_ms: 2.5, tap: true}
  - [s3, s1]
flows:
  s1: |
    # a comment
    in_port=5,actions=output:1

    in_port=1,actions=output:5
  "*": ["priority=0,actions=drop"]
groups:
  s2: ["group_id=1,type=all,bucket=actions=output:1"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.p4").write_text("parser P() {}")
    path = tmp_path / "net.yaml"
    path.write_text(OWN)
    return path


def test_shipped_names() -> None:
    assert names() == ("leaf-spine", "linear", "single")


def test_leaf_spine_has_its_default_size() -> None:
    topology = load("leaf-spine")
    assert [s.name for s in topology.switches] == ["leaf1", "leaf2", "leaf3", "leaf4", "spine1", "spine2"]
    assert [h.name for h in topology.hosts] == [f"h{i}" for i in range(1, 9)]
    assert len(topology.links) == 8 + 4 * 2
    assert topology.routing == "l3-ecmp"
    assert dict(topology.params) == {"leaves": 4, "spines": 2, "hosts_per_leaf": 2}


def test_ports_of_leaves_and_spines_are_where_the_generator_says() -> None:
    topology = load("leaf-spine[leaves=2,spines=2,hosts_per_leaf=3]")
    assert topology.attachment("h1") == End("leaf1", 1)
    assert topology.attachment("h6") == End("leaf2", 3)
    uplinks = [(link.end("leaf2"), link.other("leaf2")) for link in topology.links_of("leaf2")][3:]
    assert uplinks == [(End("leaf2", 4), End("spine1", 2)), (End("leaf2", 5), End("spine2", 2))]


def test_linear_is_a_row() -> None:
    topology = load("linear[switches=3,hosts_per_switch=2]")
    between = [(link.a, link.b) for link in topology.links if link.b.node.startswith("s")]
    assert between == [(End("s1", 3), End("s2", 3)), (End("s2", 4), End("s3", 3))]
    assert [h.name for h in topology.hosts_of("s2")] == ["h3", "h4"]


def test_single_takes_other_settings_too() -> None:
    topology = load("single[hosts=5, routing=l3-ecmp, datapath=afxdp]")
    assert (len(topology.hosts), topology.routing, topology.datapath) == (5, "l3-ecmp", "afxdp")


def test_the_same_spec_gives_an_equal_topology() -> None:
    assert load("leaf-spine") == load("leaf-spine[leaves=4]")
    assert hash(load("linear")) == hash(load("linear"))


def test_own_file(own: Path) -> None:
    topology = load(str(own))
    assert topology.name == "triangle"
    assert topology.program == str(own.parent / "own.p4")
    assert topology.hosts == (Host("h1"), Host("h2", "192.168.7.1/24", "0a:00:00:00:00:01"))
    assert topology.links == (
        Link(End("s1", 5), End("h1", 0)),
        Link(End("s2", 1), End("h2", 0)),
        Link(End("s1", 1), End("s2", 2)),
        Link(End("s2", 3), End("s3", 1), bandwidth_mbps=100.0, delay_ms=2.5, tap=True),
        Link(End("s3", 2), End("s1", 2)),
    )
    drop = "priority=0,actions=drop"
    assert topology.switch("s1").flows == (drop, "in_port=5,actions=output:1", "in_port=1,actions=output:5")
    assert topology.switch("s3").flows == (drop,)
    assert topology.switch("s2").groups == ("group_id=1,type=all,bucket=actions=output:1",)


def test_own_file_in_a_dozen_lines(tmp_path: Path) -> None:
    lines = ["program: l2l3", "routing: l2", "switches: [s1]", "hosts: [a, b]", "links: [[s1, a], [s1, b]]"]
    (tmp_path / "net.yaml").write_text("\n".join(lines))
    topology = load(str(tmp_path / "net.yaml"))
    assert (topology.name, topology.program) == ("net", "l2l3")
    assert [link.a.port for link in topology.links] == [1, 2]


def test_own_file_with_a_generator_names_fields(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    lines = ["program: l2l3", "routing: l3-ecmp", "generator: leaf-spine"]
    lines += ["fields: {ipv4_ttl: v4.hops, hash: [v4.src]}"]
    path.write_text("\n".join(lines))
    topology = load(f"{path}[spines=1]")
    assert topology.fields == L3Fields(ipv4_ttl="v4.hops", hash=("v4.src",))
    assert len(topology.switches) == 5


def test_program_in_brackets_is_relative_to_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.p4").write_text("")
    assert load("single[program=mine.p4]").program == str(tmp_path / "mine.p4")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("leaf-spin", "leaf-spin:1:1: error: there is no topology 'leaf-spin'"),
        ("leaf-spine[leafs=2]", "leaf-spine[leafs=2]:1:12: error: there is no parameter 'leafs'"),
        ("leaf-spine[leaves=two]", "params.leaves: expected a whole number, found 'two'"),
        ("leaf-spine[leaves=2,spines]", "leaf-spine[leaves=2,spines]:1:21: error: expected name=value"),
        ("leaf-spine[leaves=0]", "params.leaves: 0 is out of range: 1 to 200"),
        ("leaf-spine[leaves=2,leaves=3]", "leaf-spine[leaves=2,leaves=3]:1:21: error: 'leaves' is given twice"),
        ("leaf-spine[leaves=200,hosts_per_leaf=200]", "params: 202 switches and 40000 hosts; at most 1000 nodes"),
        ("single[datapath=dpdk]", "datapath: 'dpdk' is none of auto, xdp, afxdp"),
        ("single[program=none.p4]", "there is no file"),
        ("single[program=none]", "single[program=none]:1:8: error: program: no P4 program none"),
        ("single[hosts=2", "not a topology"),
        ("", "not a topology"),
        ("no/such/net.yaml", "there is no file no/such/net.yaml"),
    ],
)
def test_faults_of_the_spec_have_places(spec: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        load(spec)
    assert message in str(caught.value)


def test_all_faults_of_a_spec_are_reported_together() -> None:
    with pytest.raises(TopologyError) as caught:
        load("leaf-spine[leafs=2,spines=x,routing=ospf]")
    assert str(caught.value).count(": error: ") == 3
    assert "did you mean 'leaves'?" in str(caught.value)


def test_the_mtu_is_of_all_interfaces(own: Path) -> None:
    assert load(str(own)).mtu == 1500
    own.write_text("mtu: 9000\n" + OWN)
    assert load(str(own)).mtu == 9000
    assert load(f"{own}[mtu=1400]").mtu == 1400


@pytest.mark.parametrize("mtu", ["67", "11507", "large", "-1"])
def test_an_mtu_that_cannot_be(mtu: str) -> None:
    with pytest.raises(TopologyError, match="mtu"):
        load(f"single[mtu={mtu}]")
