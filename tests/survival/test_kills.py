"""A process of a network is killed while packets fly: nothing of it is left in the machine, and a new one can start."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from datapath.client import running_networks
from testbed.wait import wait_until
from tests.testbed.processes import is_alive, script, tree

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="networks take root"),
]

# Each packet is of a new connection, and a flow looks at that: so there are misses and upcalls all the time.
NETWORK = """
import os, sys, time
os.environ["TMPDIR"] = sys.argv[2]
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from testbed.generator import Generator
from testbed.network import Network
from topologies import load

def start(datapath):
    network = Network.start(load("single[hosts=2]"), datapath)
    network.wait_reachable(10)
    return network

network = start(sys.argv[1])
a, b = network.hosts["h1"], network.hosts["h2"]
a.cmd("sleep 1000 &")
network.client.add_flows("s1", ["priority=40000,udp,udp.srcPort=1,udp.dstPort=1,actions=drop"])
packet = bytes(Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / UDP() / bytes(18))
source = Generator(a.pid, a.interface, [packet], vary_offset=34)
source.start(None, 600.0, 50_000)
while network.client.stats("s1")["ports"]["s1-eth2"]["tx_packets"] < 1000:
    time.sleep(0.01)
print(network.name, network.fabric.pid, a.pid, flush=True)
"""
AGAIN = """
source.close()
network.stop()
start(sys.argv[1]).stop()
print("again", flush=True)
time.sleep(1000)  # what is gone now is not gone because we are
"""
AFTERWARDS = {
    "vswitchd": """
while network.is_running:
    time.sleep(0.01)
"""
    + AGAIN,
    "host": """
while os.path.exists(f"/proc/{a.pid}"):
    time.sleep(0.01)
assert network.is_running
before = network.client.stats("s1")["ports"]["s1-eth2"]["tx_packets"]
while network.client.stats("s1")["ports"]["s1-eth2"]["tx_packets"] < before + 1000:
    time.sleep(0.01)
"""
    + AGAIN,
    "owner": "time.sleep(1000)",
}


def network_namespaces(pids: set[int]) -> set[str]:
    """Return the network namespaces of these processes, without our own."""
    found = set()
    for pid in pids:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:  # it has ended
            continue
    return found - {os.readlink("/proc/self/ns/net")}


@pytest.mark.parametrize("datapath", ["xdp", "afxdp"])
@pytest.mark.parametrize("which", AFTERWARDS)
def test_nothing_is_left_of_a_kill_under_traffic(which: str, datapath: str, tmp_path: Path) -> None:
    interfaces = os.listdir("/sys/class/net")
    with script(NETWORK + AFTERWARDS[which], datapath, str(tmp_path)) as owner:
        assert owner.stdout is not None
        name, vswitchd, host = owner.stdout.readline().split()
        pids = set(tree(owner.pid))
        namespaces = network_namespaces(pids)
        assert len(namespaces) == 3, "two hosts and the fabric"
        os.kill({"vswitchd": int(vswitchd), "host": int(host), "owner": owner.pid}[which], signal.SIGKILL)
        if which == "owner":
            owner.wait(10)
        else:
            assert owner.stdout.readline() == "again\n"
        wait_until(
            lambda: [pid for pid in pids - {owner.pid} if is_alive(pid)],
            until=lambda alive: not alive,
            what="the end of all processes",
        )
        everyone = {int(pid) for pid in os.listdir("/proc") if pid.isdecimal()}
        assert not network_namespaces(everyone) & namespaces
    assert name not in running_networks()
    assert os.listdir("/sys/class/net") == interfaces
    assert not list(tmp_path.iterdir()), "temporary files"
