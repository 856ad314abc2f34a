"""The plugin on real networks: what a failure says, what is put back, what outlives a crash or a kill."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

import pytest

from pytest_ovsp4.throughput import rate_text
from testbed.wait import wait_until
from tests.datapath.large_programs import TOO_MUCH, large_program
from tests.testbed.processes import tree

pytestmark = [pytest.mark.network, pytest.mark.skipif(os.geteuid() != 0, reason="networks take root")]

UDP_PACKET = """
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

@pytest.fixture
def packet(hosts):
    a, b = hosts["h1"], hosts["h2"]
    return Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / UDP(sport=5, dport=7) / b"payload"
"""


def run(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(UDP_PACKET + tests)
    return pytester.runpytest_subprocess("--topology=single", "--topology-require", *options)


@pytest.mark.parametrize("datapath", ["xdp", "afxdp"])
def test_expected_packet_arrives(pytester: pytest.Pytester, datapath: str) -> None:
    result = run(
        pytester,
        """
def test_it(inject, expect, packet, packet_checksums):
    with expect("h2", packet) as seen:
        inject("h1", packet)
    packet_checksums(seen.captured.data)
""",
        f"--datapath={datapath}",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"single-{datapath} *1 *1 *1 *1"])


def test_a_failure_follows_the_packet_and_saves_captures(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(inject, expect, add_flows, packet):
    add_flows("s1", "priority=50000,udp.dstPort=7,actions=drop")
    with expect("h2", packet, timeout_s=0.2):
        inject("h1", packet)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*h2*did not get*nothing came at all*",
            "*s1, in at port 1*",
            "*parser: start -> parse_ipv4*parse_udp: accept*",
            "*table 0: *udp.dstPort=7,actions=drop*",
            "*DIED HERE*",
            "*ipv4: *totalLen=*",
            "*s1 dropped meanwhile: 1 NO_ACTION*",
        ]
    )
    saved = sorted(path.name for path in pytester.path.rglob("*.pcap"))
    assert saved == ["h2-received.pcap", "injected.pcap"]


def test_a_difference_is_shown_field_by_field(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(inject, expect, packet):
    wanted = packet.copy()
    wanted[UDP].dport = 8
    with expect("h2", wanted, timeout_s=0.2):
        inject("h1", packet)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UDP.dport: expected 8, got *"])


def test_flows_of_a_test_are_gone_after_it(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
BEFORE = []

def test_first(network, add_flows, add_groups, inject, expect_none, packet):
    BEFORE.extend(sorted(f["text"] for f in network.client.dump_flows("s1")))
    add_groups("s1", "group_id=77,type=select,bucket=actions=output:2")
    add_flows("s1", "priority=50000,udp.dstPort=7,actions=drop")
    with expect_none("h2", drop="NO_ACTION"):
        inject("h1", packet)

def test_second(network, inject, expect, packet):
    assert sorted(f["text"] for f in network.client.dump_flows("s1")) == BEFORE
    assert network.client.dump_groups("s1") == []
    with expect("h2", packet):
        inject("h1", packet)
""",
    )
    result.assert_outcomes(passed=2)


def test_a_crash_of_the_switch_fails_the_test_that_caused_it_only(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import os, signal
from testbed.wait import wait_until

def test_crash(network):
    os.kill(network.fabric.pid, signal.SIGSEGV)
    wait_until(lambda: not network.is_running)

def test_after(inject, expect, packet):
    with expect("h2", packet):
        inject("h1", packet)
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*vswitchd of single-auto died during this test*"])


def test_throughput_counts_at_the_receiver(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(throughput, packet):
    result = throughput("h1", "h2", packet, n_packets=20_000)
    assert result.sent >= 20_000
    assert result.loss == 0
    assert result.pps > 0

def test_few_at_once(throughput, packet):
    assert throughput("h1", "h2", packet, n_packets=1000, window=10).loss == 0
""",
        "--datapath=xdp",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["single-xdp: h1 -> h2: * packets, * arrived (0.00% lost), *pps"])
    result.stdout.fnmatch_lines(["single-xdp: h1 -> h2: 1000 packets, 10 at once, 1000 arrived (0.00% lost), *pps"])
    assert " 0.00 Mpps" not in result.stdout.str()


@pytest.mark.parametrize(
    ("pps", "text"),
    [(2_900_000, "2.90 Mpps"), (100_000, "0.10 Mpps"), (99_949, "99.9 kpps"), (1000, "1.0 kpps"), (999, "999 pps")],
)
def test_rates_are_readable(pps: float, text: str) -> None:
    assert rate_text(pps) == text


def namespaces(pids: Iterable[int | str] | None = None) -> set[str]:
    """Return the network namespaces that some of these processes (by default: any) are in."""
    found = set()
    for pid in pids if pids is not None else filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
    return found


def interfaces() -> set[str]:
    return set(os.listdir("/sys/class/net"))


KILLED = """
import time

def test_it(network):
    with open("running", "w") as file:
        file.write("yes")
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_pytest(pytester: pytest.Pytester, number: signal.Signals) -> None:
    pytester.makepyfile(KILLED)
    cards = interfaces()
    command = [sys.executable, "-m", "pytest", "--topology=linear", "-p", "no:cacheprovider"]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        wait_until((pytester.path / "running").exists, 30, what="the network")
        during = namespaces(tree(running.pid)) - namespaces(["self"])  # others may be building networks, too
        assert len(during) >= 4, "three hosts and the fabric"
        running.send_signal(number)
        running.wait(10)
    wait_until(lambda: namespaces() & during, 5, what="the namespaces to vanish", until=lambda left: not left)
    assert interfaces() == cards


def test_two_runs_of_one_topology_side_by_side(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        UDP_PACKET
        + """
def test_it(inject, expect, packet):
    with expect("h2", packet):
        inject("h1", packet)
"""
    )
    command = [sys.executable, "-m", "pytest", "--topology=single", "--topology-require", "-p", "no:cacheprovider"]
    runs = [subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)


def test_an_interrupt_is_no_death_of_the_daemon(pytester: pytest.Pytester) -> None:
    """After Ctrl-C pytest tears fixtures down at the very end of the session: the network must still be there."""
    result = run(
        pytester,
        """
import os, signal
def test_it(network):
    os.kill(os.getpid(), signal.SIGINT)
""",
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*died*")
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_parser_that_the_kernel_refuses_runs_on_af_xdp_and_the_summary_says_why(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("tangle.p4").write_text(large_program(TOO_MUCH, 40))
    pytester.path.joinpath("tangle.yaml").write_text(
        "program: tangle.p4\nrouting: none\nswitches: [s1]\nhosts: [a, b]\nlinks: [[a, s1], [b, s1]]\n"
        "flows:\n  s1:\n    - h0.next=40,h1.a=7,actions=set_field:8->h1.a,output:2\n"
    )
    pytester.makepyfile(
        """
from scapy.packet import Raw

def test_it(inject, expect, expect_none, switches, topology):
    assert switches["s1"].engine == "afxdp"
    first = "0028" + "0000"  # h0; 40 is the next state
    with expect("b", Raw(bytes.fromhex(first + "ffff" + "0008" + "00" * 52))):
        inject("a", bytes.fromhex(first + "ffff" + "0007" + "00" * 52))
    with expect_none("b"):
        inject("a", bytes.fromhex(first + "ffff" + "0009" + "00" * 52))
"""
    )
    result = pytester.runpytest_subprocess("--topology=tangle.yaml", "--datapath=auto", "--topology-require")
    result.assert_outcomes(passed=1)
    reason = "the kernel's verifier refused the XDP program: it is too complex"
    result.stdout.fnmatch_lines([f"tangle-auto: 1 switch on afxdp (tangle), 2 hosts, 2 links; up in * s; {reason}*"])


def test_mistakes_in_a_network_are_told_without_our_traceback(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("bad.yaml").write_text(
        "program: l2l3\ngenerator: single\nflows: {s1: 'ipv4.nothing=3,actions=drop'}\n"
    )
    pytester.makepyfile("def test_one(network): pass\ndef test_two(network): pass")
    result = pytester.runpytest_subprocess("--topology=bad.yaml")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*cannot start: flows and groups of s1: ipv4 has no such field", "*^~~~*"])
    result.stdout.no_fnmatch_line("*client.py:*")


def test_a_network_that_does_not_connect_says_where_packets_die(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("ether.p4").write_text(
        "#include <core.p4>\n#include <ovsp4.p4>\n"
        "header e_t { bit<48> d; bit<48> s; bit<16> t; } struct h_t { e_t e; }\n"
        "parser P(packet_in p, out h_t h) { state start { p.extract(h.e);\n"
        "  transition select(h.e.t) { 0x88b5: accept; default: reject; } } }\nSwitch(P()) main;\n"
    )
    pytester.path.joinpath("net.yaml").write_text(
        "program: ether.p4\nrouting: l2\nswitches: [s1]\nhosts: [a, b]\nlinks: [[a, s1], [b, s1]]\n"
    )
    pytester.makepyfile("def test_it(network): pass")
    result = pytester.runpytest_subprocess("--topology=net.yaml", "--topology-require")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*cannot start: 2 of 2 pairs of hosts got no answer*", "  s1, in at port 1", "*DIED HERE: *"]
    )
    result.stdout.no_fnmatch_line("During handling of*")


def test_an_unknown_drop_reason_is_told_at_once(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(inject, expect_none, packet):
    with expect_none("h2", drop="NO_MATCH"):
        inject("h1", packet)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no drop reason 'NO_MATCH'*NO_ACTION*TTL*"])


def test_a_mistake_in_a_test_is_shown_where_it_stands(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def change(add_flows):
    add_flows("s1", "ipv4.tttl=1,actions=drop")

def test_flow(add_flows):
    change(add_flows)

def test_checksum(packet_checksums):
    packet_checksums(bytes(60))
""",
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            ">*add_flows*ipv4.tttl=1,actions=drop*",
            "E *FlowError: ipv4 has no such field",
            "*test_a_mistake_in_a_test_is_shown_where_it_stands.py:*: FlowError",
            "E *no checksum that could be checked*",
        ]
    )
    for ours in ("client.py", "flows.py", "checksums.py", "fixtures.py"):
        result.stdout.no_fnmatch_line(f"*{ours}:*")
