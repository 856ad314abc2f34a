"""Derived addresses: deterministic, distinct, and in the subnet of their leaf."""

from __future__ import annotations

from pathlib import Path

import pytest

from datapath import TopologyError
from testbed.addressing import derive_addresses, port_mac
from topologies import End, load


def test_routed_hosts_have_a_subnet_a_switch_and_a_gateway() -> None:
    addresses = derive_addresses(load("leaf-spine"))
    h4 = addresses.hosts["h4"]
    assert (h4.ip, h4.prefix_length, h4.gateway) == ("10.0.2.2", 24, "10.0.2.254")
    assert h4.gateway_mac == addresses.router_macs["leaf2"]
    assert dict(h4.neighbours) == {"10.0.2.254": h4.gateway_mac, "10.0.2.1": addresses.hosts["h3"].mac}
    assert [str(network) for network in addresses.networks_of("leaf2")] == ["10.0.2.0/24"]
    assert addresses.networks_of("spine1") == ()


def test_switched_hosts_share_one_network() -> None:
    addresses = derive_addresses(load("linear"))
    assert len({host.interface.network for host in addresses.hosts.values()}) == 1
    assert not any(host.gateway for host in addresses.hosts.values())
    macs = {host.ip: host.mac for host in addresses.hosts.values()}
    for host in addresses.hosts.values():
        assert {**dict(host.neighbours), host.ip: host.mac} == macs, "no host need ask for another"


@pytest.mark.parametrize(
    "spec", ["leaf-spine[leaves=200,hosts_per_leaf=1]", "single[hosts=200]", "leaf-spine[spines=64]"]
)
def test_addresses_are_distinct(spec: str) -> None:
    topology = load(spec)
    addresses = derive_addresses(topology)
    macs = [host.mac for host in addresses.hosts.values()] + list(addresses.router_macs.values())
    macs += [port_mac(topology, end) for link in topology.links for end in (link.a, link.b) if end.port]
    assert len(set(macs)) == len(macs)
    assert all(int(mac[:2], 16) & 3 == 2 for mac in macs), "unicast, locally administered"
    ips = [host.ip for host in addresses.hosts.values()]
    assert len(set(ips)) == len(ips)


def test_port_macs_follow_the_port() -> None:
    assert port_mac(load("leaf-spine"), End("spine1", 3)) == "02:03:00:05:00:03"


def _own(tmp_path: Path, hosts: str, routing: str = "l3-ecmp") -> str:
    path = tmp_path / "net.yaml"
    path.write_text(
        f"program: l2l3\nrouting: {routing}\nswitches: [s1, s2]\nhosts: {hosts}\nlinks: [[s1, a], [s2, b], [s1, s2]]\n"
    )
    return str(path)


def test_own_addresses_go_first(tmp_path: Path) -> None:
    spec = _own(tmp_path, "{a: {ip: 192.168.7.9/28, mac: '06:00:00:00:00:09'}, b: }")
    a = derive_addresses(load(spec)).hosts["a"]
    assert (a.ip, a.gateway, a.mac) == ("192.168.7.9", "192.168.7.14", "06:00:00:00:00:09")


def test_a_gateway_of_ones_own(tmp_path: Path) -> None:
    hosts = "{a: {ip: 10.0.1.1/24, gateway: 10.0.1.10, gateway_mac: '08:00:00:00:01:00'}, b: {gateway: 10.9.9.9}}"
    given = derive_addresses(load(_own(tmp_path, hosts, "none")))
    a, b = given.hosts["a"], given.hosts["b"]
    assert (a.gateway, a.gateway_mac, a.neighbours) == (
        "10.0.1.10",
        "08:00:00:00:01:00",
        (("10.0.1.10", "08:00:00:00:01:00"),),
    )
    assert (b.gateway, b.gateway_mac) == ("10.9.9.9", given.router_macs["s2"]), "its switch's, if none is named"
    routed = derive_addresses(load(_own(tmp_path, "{a: {gateway: 10.0.1.7}, b: }"))).hosts["a"]
    assert (routed.gateway, dict(routed.neighbours)) == ("10.0.1.7", {"10.0.1.7": routed.gateway_mac})


def test_a_host_can_be_the_gateway(tmp_path: Path) -> None:
    hosts = "{a: {ip: 10.0.0.1/24, gateway: 10.0.0.2}, b: {ip: 10.0.0.2/24}}"
    addresses = derive_addresses(load(_own(tmp_path, hosts, "none")))
    assert addresses.hosts["a"].gateway_mac == addresses.hosts["b"].mac


def test_point_to_point_addresses_where_nothing_is_routed(tmp_path: Path) -> None:
    hosts = "{a: {ip: 10.0.1.1/31}, b: {ip: 10.0.2.2/32}}"
    addresses = derive_addresses(load(_own(tmp_path, hosts, "none")))
    assert (addresses.hosts["a"].prefix_length, addresses.hosts["b"].prefix_length) == (31, 32)


def test_a_switch_can_be_too_full(tmp_path: Path) -> None:
    names = [f"h{i}" for i in range(254)]
    links = ", ".join(f"[s1, {name}]" for name in names)
    path = tmp_path / "net.yaml"
    path.write_text(f"program: l2l3\nswitches: [s1]\nhosts: [{', '.join(names)}]\nlinks: [{links}]\n")
    with pytest.raises(TopologyError, match="s1 has more than 253 hosts"):
        derive_addresses(load(str(path)))


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ("{a: {ip: 10.0.2.1/24}, b: }", "10.0.2.1 is b's and a's"),
        ("{a: {ip: 10.0.0.9/16}, b: }", "which is on s"),
        ("{a: {ip: 10.7.0.254/24}, b: }", "a has 10.7.0.254, the address of the gateway"),
        ("{a: {mac: '02:01:00:02:00:01'}, b: }", "02:01:00:02:00:01 is b's and a's"),
        ("{a: {gateway: 10.0.1.1}, b: }", "a has 10.0.1.1, the address of the gateway"),
        ("{a: {gateway: 10.0.2.9}, b: }", "a cannot reach its gateway 10.0.2.9, which is not in 10.0.1.0/24"),
    ],
)
def test_addresses_that_cannot_be_had_together(tmp_path: Path, hosts: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        derive_addresses(load(_own(tmp_path, hosts)))
    assert message.split(" is ")[0] in str(caught.value)
    assert "net.yaml: error: " in str(caught.value)
