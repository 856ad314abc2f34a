"""Derived flows, run in a plain model: everyone is reached, on shortest paths, on no way round in circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.addressing import derive_addresses
from testbed.routing import derive_rules
from tests.testbed.flow_model import Model
from topologies import L3Fields, load

FIELDS = L3Fields("eth.dst", "eth.src", "ip.dst", "ip.ttl", ("ip.src", "ip.dst"))
RING = """
program: l2l3
routing: {routing}
switches: [s1, s2, s3, s4]
hosts: [h1, h2, h3, h4]
links: [[s1, h1], [s2, h2], [s3, h3], [s4, h4], [s1, s2], [s2, s3], [s3, s4], [s4, s1], [s1, s2], [s1, s3]]
"""


def _model(spec: str) -> Model:
    topology = load(spec)
    return Model(topology, derive_rules(topology, derive_addresses(topology), FIELDS))


@pytest.fixture(params=["l3-ecmp", "l2"])
def ring(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    path = tmp_path / "ring.yaml"
    path.write_text(RING.format(routing=request.param))
    return _model(str(path))


def _check_all_pairs(model: Model) -> None:
    addresses = derive_addresses(model.topology)
    routed = model.topology.routing == "l3-ecmp"
    for a, here in addresses.hosts.items():
        for b, there in addresses.hosts.items():
            if a == b:
                continue
            same_subnet = not routed or here.interface.network == there.interface.network
            packet = {
                "eth.dst": there.mac if same_subnet else here.gateway_mac,
                "eth.src": here.mac,
                "ip.src": here.ip,
                "ip.dst": there.ip,
                "ip.ttl": "64",
            }
            arrivals = model.arrivals(a, packet)
            assert arrivals, f"{a} -> {b}"
            for arrival in arrivals:
                got = dict(arrival.packet)
                assert arrival.host == b
                assert got["eth.dst"] == there.mac
                assert got["ip.ttl"] == str(64 - (0 if same_subnet else len(arrival.path)))
                if not same_subnet:
                    assert got["eth.src"] == addresses.router_macs[arrival.path[-1]]


@pytest.mark.parametrize(
    "spec",
    [
        *("leaf-spine", "leaf-spine[leaves=2,spines=4,hosts_per_leaf=1]", "leaf-spine[leaves=3,spines=1]"),
        *("single", "single[hosts=5]", "single[hosts=3,routing=l3-ecmp]"),
        *("linear", "linear[switches=5,hosts_per_switch=2]", "linear[switches=4,routing=l3-ecmp]"),
        "leaf-spine[leaves=3,routing=l2]",
    ],
)
def test_everyone_reaches_everyone(spec: str) -> None:
    _check_all_pairs(_model(spec))


def test_everyone_reaches_everyone_in_a_ring_with_parallel_links(ring: Model) -> None:
    _check_all_pairs(ring)


def test_leaf_spine_uses_every_spine() -> None:
    model = _model("leaf-spine[spines=3]")
    addresses = derive_addresses(model.topology)
    h1, h8 = addresses.hosts["h1"], addresses.hosts["h8"]
    packet = {"eth.dst": h1.gateway_mac, "eth.src": h1.mac, "ip.src": h1.ip, "ip.dst": h8.ip, "ip.ttl": "9"}
    assert {arrival.path for arrival in model.arrivals("h1", packet)} == {
        ("leaf1", f"spine{i}", "leaf4") for i in (1, 2, 3)
    }


def test_a_dead_uplink_is_left_out() -> None:
    model = _model("leaf-spine")
    model.down = {("leaf1", 3)}
    addresses = derive_addresses(model.topology)
    h1, h8 = addresses.hosts["h1"], addresses.hosts["h8"]
    packet = {"eth.dst": h1.gateway_mac, "eth.src": h1.mac, "ip.src": h1.ip, "ip.dst": h8.ip, "ip.ttl": "9"}
    assert [arrival.path for arrival in model.arrivals("h1", packet)] == [("leaf1", "spine2", "leaf4")]


def test_packets_for_another_router_are_not_routed() -> None:
    model = _model("leaf-spine")
    addresses = derive_addresses(model.topology)
    packet = {"eth.dst": "02:00:00:00:00:99", "eth.src": addresses.hosts["h1"].mac, "ip.dst": "10.0.2.1", "ip.ttl": "9"}
    assert model.arrivals("h1", packet) == []


@pytest.mark.parametrize("spec", ["linear[switches=4]", "single[hosts=4]", "leaf-spine[routing=l2]"])
def test_broadcasts_reach_everyone_once(spec: str) -> None:
    model = _model(spec)
    arrivals = model.arrivals("h2", {"eth.dst": "ff:ff:ff:ff:ff:ff", "eth.src": "02:00:00:00:00:01"})
    assert sorted(arrival.host for arrival in arrivals) == sorted(
        h.name for h in model.topology.hosts if h.name != "h2"
    )


def test_one_group_serves_all_routes_over_the_same_uplinks() -> None:
    rules = _model("leaf-spine[leaves=6]").rules
    assert len(rules["leaf1"].groups) == 1
    assert rules["spine1"].groups == []


def test_the_users_rules_come_last(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "program: l2l3\nrouting: l2\nswitches: [s1]\nhosts: [a, b]\nlinks: [[s1, a], [s1, b]]\n"
        "flows: {s1: ['priority=5,actions=drop']}\ngroups: {s1: ['group_id=9,type=all']}\n"
    )
    rules = _model(str(path)).rules["s1"]
    assert rules.flows[-1] == "priority=5,actions=drop"
    assert rules.groups == ["group_id=9,type=all"]


def test_same_topology_same_texts() -> None:
    assert _model("leaf-spine").rules == _model("leaf-spine").rules
