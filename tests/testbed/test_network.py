"""Whole networks: built, forwarding on both engines, watched, cut, and gone without a trace."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from datapath import FlowError, TestbedError, WaitTimeoutError, takes_jumbo_frames
from testbed.checksums import assert_checksums
from testbed.network import Network
from testbed.wait import wait_until
from tests.testbed.processes import is_alive, script, tree
from topologies import load

pytestmark = [pytest.mark.network, pytest.mark.kernel]


def _interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def _has_socket(name: str) -> bool:
    """Tell whether there is a management socket of a network whose name has this in it."""
    table = Path("/proc/net/unix").read_text().splitlines()
    return any("@ovsp4/" in line and name in line for line in table)


@pytest.fixture(scope="module", params=["xdp", "afxdp"])
def fabric(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A small leaf-spine network with taps, on each engine."""
    topology = load("leaf-spine[leaves=2,spines=2,hosts_per_leaf=2]")
    results_dir = tmp_path_factory.mktemp("results")
    with Network.start(topology, request.param, results_dir, taps=True) as network:
        network.wait_reachable(10)
        yield network


@pytest.mark.parametrize("datapath", ["xdp", "afxdp"])
@pytest.mark.parametrize("spec", ["single", "linear", "single[hosts=4,routing=l3-ecmp]"])
def test_everyone_reaches_everyone_and_nothing_is_left(spec: str, datapath: str) -> None:
    interfaces = _interfaces()
    network = Network.start(load(spec), datapath)
    try:
        network.wait_reachable(10)
        assert {switch.engine for switch in network.switches.values()} == {datapath}
        assert _interfaces() == interfaces
        pids = [pid for node in (*network.hosts.values(), *network.switches.values()) for pid in tree(node.shell.pid)]
        pids += tree(network.fabric.pid)
        assert _has_socket(network.name)
        assert len(pids) >= 2 * len(network.hosts) + 1
    finally:
        started = time.monotonic()
        network.stop()
    assert time.monotonic() - started < 1
    network.stop()
    assert not any(is_alive(pid) for pid in pids)
    assert _interfaces() == interfaces
    assert not _has_socket(network.name)
    assert not network.is_running


def test_leaf_spine_is_up_in_time() -> None:
    """The budget is 3 s warm and 8 s cold; the looser one here, because tests share the machine."""
    started = time.monotonic()
    with Network.start(load("leaf-spine")) as network:
        network.wait_reachable(8)
        assert time.monotonic() - started < 8


def _routed(network: Network, source: str, destination: str) -> Ether:
    hosts = network.hosts
    ethernet = Ether(src=hosts[source].mac, dst=hosts[source].gateway_mac)
    return ethernet / IP(src=hosts[source].ip, dst=hosts[destination].ip, ttl=64) / UDP(sport=7, dport=9) / b"payload"


def test_a_packet_is_routed_hop_by_hop(fabric: Network) -> None:
    hosts = fabric.hosts
    packet = _routed(fabric, "h1", "h4")
    with hosts["h4"].capture() as capture:
        assert hosts["h1"].send(packet) == 1
        expected = packet.copy()
        expected[Ether].src, expected[Ether].dst = hosts["h4"].gateway_mac, hosts["h4"].mac
        expected[IP].ttl = 61
        got = capture.expect(expected)
    assert_checksums(got.data)


def test_hosts_of_one_subnet_are_switched(fabric: Network) -> None:
    hosts = fabric.hosts
    packet = _routed(fabric, "h1", "h2")
    packet[Ether].dst = hosts["h2"].mac
    with hosts["h2"].capture() as capture:
        hosts["h1"].send(packet)
        assert capture.expect(packet).packet[IP].ttl == 64


def test_frames_between_switches_are_seen_in_the_taps(fabric: Network) -> None:
    packet = _routed(fabric, "h1", "h3")
    ports = {link.end("leaf1").port for link in fabric.topology.links_of("leaf1") if link.other("leaf1").port}
    expected = packet.copy()
    expected[IP].ttl = 63
    ignored = ["Ether", "IP.chksum"]
    captures = {port: fabric.capture("leaf1", port).start() for port in sorted(ports)}
    try:
        with fabric.hosts["h3"].capture() as end:
            fabric.hosts["h1"].send(packet)
            expected[IP].ttl = 61
            end.expect(expected, ignore=ignored)
        expected[IP].ttl = 63
        seen = [port for port, capture in captures.items() for frame in capture.packets if frame[IP].ttl == 63]
        assert len(seen) == 1, "one spine was chosen, and the packet passed there once"
    finally:
        for capture in captures.values():
            capture.stop()


def test_captures_at_a_hosts_port(fabric: Network, tmp_path: Path) -> None:
    packet = _routed(fabric, "h1", "h3")
    with fabric.capture("leaf2", 1, pcap=tmp_path / "leaf2.pcap") as capture:
        fabric.hosts["h1"].send(packet)
        capture.expect(packet, ignore=["Ether", "IP.ttl", "IP.chksum"])
    assert (tmp_path / "leaf2.pcap").stat().st_size > 24
    with pytest.raises(TestbedError, match="leaf2 has no port 99; its ports are 1, 2, 3, 4"):
        fabric.capture("leaf2", 99)


def test_a_dead_spine_is_routed_around(fabric: Network) -> None:
    for spine in ("spine1", "spine2"):
        try:
            fabric.set_link("leaf1", spine, up=False)
            fabric.set_link("leaf2", spine, up=False)
            fabric.wait_reachable(10)
        finally:
            fabric.set_link("leaf1", spine, up=True)
            fabric.set_link("leaf2", spine, up=True)
    fabric.wait_reachable(10)


def test_nobody_is_reached_when_all_spines_are_dead(fabric: Network) -> None:
    try:
        for spine in ("spine1", "spine2"):
            fabric.set_link("leaf1", spine, up=False)
        with pytest.raises(WaitTimeoutError, match=r"8 of 12 pairs .* got no answer in 0.5 s: h1 -> h3, h1 -> h4"):
            fabric.wait_reachable(0.5)
    finally:
        for spine in ("spine1", "spine2"):
            fabric.set_link("leaf1", spine, up=True)
    fabric.wait_reachable(10)
    with pytest.raises(TestbedError, match="no link between leaf1 and leaf2"):
        fabric.set_link("leaf1", "leaf2", up=False)


def test_tcp_passes_with_right_checksums(fabric: Network) -> None:
    """The kernel's own traffic: offloads must leave nothing for a network card to finish."""
    with fabric.hosts["h4"].socket(kind=socket.SOCK_STREAM) as server:
        server.bind((fabric.hosts["h4"].ip, 0))
        server.listen()
        server.settimeout(10)
        with fabric.hosts["h1"].socket(kind=socket.SOCK_STREAM) as client, fabric.hosts["h4"].capture() as capture:
            client.settimeout(10)
            client.connect(server.getsockname())
            accepted, _ = server.accept()
            with accepted:
                client.sendall(b"x" * 20_000)
                received = b""
                while len(received) < 20_000:
                    received += accepted.recv(65536)
            frames = capture.frames
    assert max(len(frame.data) for frame in frames) <= 1514
    for frame in frames:
        assert_checksums(frame.data)


@pytest.mark.skipif(not takes_jumbo_frames(), reason="frames above 3,500 bytes need Linux 6.6")
@pytest.mark.parametrize("taps", [False, True], ids=["links", "taps"])
@pytest.mark.parametrize("datapath", ["xdp", "afxdp"])
def test_jumbo_frames_cross_a_fabric(datapath: str, taps: bool) -> None:
    """Unfragmented, four switches on their way; what is larger is not even sent."""
    with Network.start(load("leaf-spine[leaves=2,hosts_per_leaf=1,mtu=9000]"), datapath, taps=taps) as network:
        network.wait_reachable()
        h1, h2 = network.hosts["h1"], network.hosts["h2"]
        for size in (8972, 4000, 56):  # 9,000 bytes of IPv4 at most
            answer = h1.cmd(f"ping -c 3 -i 0.05 -W 5 -M do -s {size} {h2.ip}")
            assert " 0% packet loss" in answer, answer
            assert f"{size + 8} bytes from" in answer
        assert "too long" in h1.cmd(f"ping -c 1 -W 1 -M do -s 8973 {h2.ip}").lower()
        assert not network.client.stats("leaf1")["drops"].get("TOO_LONG")


def test_nodes_know_their_place(fabric: Network) -> None:
    h3 = fabric.hosts["h3"]
    assert (h3.name, h3.ip, h3.mac, h3.interface) == ("h3", "10.0.2.1", "02:01:00:02:00:01", "h3-eth0")
    assert h3.gateway == "10.0.2.254"
    assert "10.0.2.254" in h3.cmd("ip route show default")
    assert os.readlink(f"/proc/{h3.pid}/ns/net") == h3.cmd("readlink /proc/self/ns/net").strip()
    shown = fabric.switches["leaf1"].cmd("ls /sys/class/net").split()
    assert {"leaf1-eth1", "spine1-eth1"} <= set(shown), "switch nodes are in the fabric"
    assert fabric.results_dir is not None
    assert (fabric.results_dir / "vswitchd.log").exists()


def test_links_between_switches_need_a_tap_to_be_watched() -> None:
    with Network.start(load("linear[switches=2]")) as network:
        with pytest.raises(TestbedError, match=r"from s1 to s2 pass from XDP to XDP .* taps=True"):
            network.capture("s1", 2)
        with network.capture("s1", 1) as capture:
            network.wait_reachable(10)
            assert capture.packets


def test_two_networks_of_one_name_side_by_side() -> None:
    with Network.start(load("single")) as one, Network.start(load("single")) as two:
        assert one.name != two.name
        one.wait_reachable(10)
        two.wait_reachable(10)
        with two.hosts["h2"].capture() as capture:
            packet = Ether(src=one.hosts["h1"].mac, dst=one.hosts["h2"].mac) / IP(dst="10.0.1.2", src="10.0.1.1") / b"?"
            one.hosts["h1"].send(packet)
            two.hosts["h1"].send(b"\2\1\0\1\0\2" + bytes(packet)[6:12] + b"\x88\xb5" + bytes(50))
            capture.expect(b"\2\1\0\1\0\2" + bytes(packet)[6:12] + b"\x88\xb5" + bytes(50))
            capture.expect_none(packet, wait_s=0)


def test_a_users_own_topology(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "program: l2l3\nrouting: none\nswitches: [s1]\nhosts: [a, b]\n"
        "links: [{ends: [s1:7, a], bandwidth_mbps: 100}, [s1:9, b]]\n"
        "flows:\n  s1: |\n    in_port=7,actions=output:9\n    in_port=9,actions=output:7\n"
    )
    with Network.start(load(str(path))) as network:
        network.wait_reachable(10)
        assert set(network.client.stats("s1")["ports"]) == {"s1-eth7", "s1-eth9"}


def test_wrong_flows_are_reported_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "program: l2l3\nswitches: [s1]\nhosts: [a]\nlinks: [[s1, a]]\n"
        "flows: {s1: ['ipv4.dstAdr=10.0.0.1,actions=drop']}\n"
    )
    before = set(tree(os.getpid()))
    with pytest.raises(FlowError, match="dstAdr"):
        Network.start(load(str(path)))
    assert set(tree(os.getpid())) <= before


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(TestbedError, match="a network takes root"):
        Network.start(load("single"))


_VICTIM = """
import faulthandler, time
from testbed.network import Network
from topologies import load
print("starting")
faulthandler.dump_traceback_later(9)  # says where it hangs, if it does
network = Network.start(load("leaf-spine[leaves=2]"))
network.hosts["h1"].cmd("sleep 1000 &")
network.wait_reachable(10)
print("running")
time.sleep(1000)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("when_s", [0.2, 0.5, 0.8, 1.2, None])
def test_nothing_survives(how: signal.Signals, when_s: float | None, tmp_path: Path) -> None:
    """Killed or interrupted while it starts (after so many seconds) or while it runs."""
    interfaces = _interfaces()
    seen: set[int] = set()
    with script(_VICTIM) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "starting\n"
        if when_s is None:
            assert victim.stdout.readline() == "running\n"
        deadline = time.monotonic() + (when_s or 0)
        while time.monotonic() < deadline:
            seen |= set(tree(victim.pid))
            time.sleep(0.005)
        seen |= set(tree(victim.pid))
        victim.send_signal(how)
        victim.wait(10)
        wait_until(
            lambda: [pid for pid in seen if is_alive(pid)], until=lambda left: not left, timeout_s=3, what="the end"
        )
    assert not _has_socket(f"-{victim.pid}")
    assert _interfaces() == interfaces
