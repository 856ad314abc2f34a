"""Our switch inside Mininet as it comes: its API with its own hosts and links, and its ``mn`` command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from datapath import cache_dir
from testbed import fabric
from testbed.links import OvsP4Link
from testbed.mininet_import import Mininet
from testbed.nodes import OvsP4Host, OvsP4Switch
from testbed.reachability import ping_all
from testbed.wait import wait_until

pytestmark = [pytest.mark.network, pytest.mark.kernel]
CUSTOM = Path(__file__).parents[2] / "testbed" / "mininet_custom.py"


def test_mininets_own_hosts_and_links() -> None:
    net = Mininet(controller=None, switch=OvsP4Switch, build=False)
    try:
        switches = [net.addSwitch(f"s{i}") for i in (1, 2)]
        hosts = [net.addHost(f"h{i}") for i in (1, 2)]
        net.addLink(*switches)
        for switch, host in zip(switches, hosts, strict=True):
            net.addLink(switch, host)
        net.start()
        assert switches[0].engine in ("xdp", "afxdp")
        wait_until(lambda: ", 0% packet loss" in hosts[0].cmd(f"ping -c1 -W1 {hosts[1].IP()}"), what="a ping")
        assert net.configLinkStatus("s1", "s2", "down") is None
        assert "100% packet loss" in hosts[0].cmd(f"ping -c1 -W0.2 {hosts[1].IP()}")
        net.configLinkStatus("s1", "s2", "up")
        wait_until(lambda: ", 0% packet loss" in hosts[0].cmd(f"ping -c1 -W1 {hosts[1].IP()}"), what="a ping")
    finally:
        net.stop()
    assert fabric._shared is None, "the daemon ends with the last switch"


def test_all_our_classes_with_the_setters_of_mininet() -> None:
    net = Mininet(controller=None, switch=OvsP4Switch, host=OvsP4Host, link=OvsP4Link, build=False, autoSetMacs=True)
    try:
        s1 = net.addSwitch("s1", datapath="afxdp")
        hosts = {f"h{i}": net.addHost(f"h{i}") for i in (1, 2, 3)}
        for host in hosts.values():
            net.addLink(host, s1)
        net.start()
        assert (s1.engine, hosts["h3"].mac, hosts["h3"].ip) == ("afxdp", "00:00:00:00:00:03", "10.0.0.3")
        wait_until(lambda: not ping_all(hosts, 1.0), what="all pairs")
        assert "ethernet.dstAddr=00:00:00:00:00:03 actions=output:3" in s1.dpctl("dump-flows")
        assert "s1-eth3" in s1.dpctl("show")
        assert "no-such-verb" in s1.dpctl("no-such-verb")
        hosts["h2"].setIP("10.0.0.77", 8)
        wait_until(lambda: not ping_all(hosts, 1.0), what="all pairs")
        net.delLink(net.links[0])
        assert hosts["h1"].intfList() == []
        assert set(s1.intfNames()) == {"s1-eth2", "s1-eth3"}
    finally:
        net.stop()


# mn kills and deletes by name when it fails: it may only run where it sees no process, interface or file of others.
CONTAINED = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
# The checkout and the cache stay visible, also where they lie in /tmp.
OWN_FOLDERS = """
set -e
mount -t tmpfs tmpfs /run
mkdir /run/checkout /run/cache
mount --bind "$1" /run/checkout
mount --bind "$2" /run/cache
mount -t tmpfs tmpfs /tmp
mkdir -p "$1" "$2"
mount --bind /run/checkout "$1"
mount --bind /run/cache "$2"
cd "$1"
shift 2
exec "$@"
"""


def _mn(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which ``"$@"`` is mn with our custom file; its output is all in stdout."""
    mn = shutil.which("mn")
    if mn is None:
        pytest.skip("there is no mn command; ci/setup installs the package mininet")
    root = CUSTOM.parents[1]
    command = [*CONTAINED, "sh", "-c", OWN_FOLDERS, "sh", str(root), str(cache_dir()), "bash", "-c", script, "bash"]
    command += [sys.executable, "-W", "ignore", mn, "--custom", str(CUSTOM), "--controller", "none", *arguments]
    environment = {
        **{"PYTHONPATH": str(root), "PATH": os.environ["PATH"], "HOME": "/tmp", "TERM": "dumb"},
        "OVSP4_CACHE_DIR": str(cache_dir()),
    }
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        cwd=root,
        env=environment,
    )


@pytest.mark.parametrize(
    "options", [["--switch=ovsp4"], ["--switch=ovsp4,datapath=afxdp", "--host=ovsp4", "--link=ovsp4"]]
)
def test_the_mn_command(options: list[str]) -> None:
    done = _mn('"$@"', *options, "--topo", "linear,3", "--test", "pingall")
    assert done.returncode == 0, done.stdout
    assert "0% dropped (6/6 received)" in done.stdout, done.stdout


def test_a_failing_mn_leaves_others_alone() -> None:
    script = (
        '(exec -a mininet:other sleep 100) & sleep 0.1; touch /tmp/x.log; "$@"; ls /tmp/x.log; kill $! && echo alive'
    )
    done = _mn(script, "--switch", "ovsp4,program=no_such_program", "--topo", "single,1", "--test", "none")
    assert "no_such_program" in done.stdout
    assert done.stdout.endswith("/tmp/x.log\nalive\n"), done.stdout
