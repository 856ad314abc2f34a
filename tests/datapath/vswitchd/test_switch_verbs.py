"""The command line's verbs against a running daemon."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest
from fabric_wires import Wires, ipv4_packet

from datapath.cli.switch import add_verbs
from datapath.vswitchd.launch import Vswitchd

pytestmark = pytest.mark.kernel


def run(*words: str) -> int:
    """Run a verb as the command line does; return its exit status."""
    parser = argparse.ArgumentParser(prog="ovsp4")
    add_verbs(parser.add_subparsers(required=True))
    options = parser.parse_args(words)
    return int(options.run(options))


@pytest.fixture
def network(switch: Vswitchd, wires: Wires) -> str:
    """A bridge with three ports; returns the network's name."""
    switch.client.add_bridge("br1", "l2l3", "afxdp")
    for number in (1, 2, 3):
        switch.client.add_port("br1", f"s{number}", number)
    return switch.name


def test_flows_groups_and_what_became_of_them(
    network: str, wires: Wires, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    at = ("--network", network)
    file = tmp_path / "flows"
    file.write_text("# two flows\ntable=0,ip,actions=group:1\n\npriority=1,actions=drop # the rest\n")
    assert run("add-group", *at, "br1", "group_id=1,type=indirect,bucket=output:2") == 0
    assert run("add-flows", *at, "br1", str(file)) == 0
    assert run("add-flow", *at, "br1", "arp", "actions=flood") == 0
    wires.send(1, ipv4_packet())
    wires.receive(2)
    assert capsys.readouterr().out == ""
    assert run("dump-flows", *at, "br1", "ip") == 0
    line = capsys.readouterr().out
    assert line.startswith(" cookie=0x0, duration=")
    assert "s, table=0, n_packets=1, n_bytes=60, ipv4 actions=group:1\n" in line
    assert run("dump-groups", *at, "br1") == 0
    assert capsys.readouterr().out == " group_id=1,type=indirect,bucket=actions=output:2\n"
    assert run("dump-megaflows", *at, "br1") == 0
    assert "packets:1, bytes:60, used:" in capsys.readouterr().out
    assert run("stats", *at, "br1") == 0
    assert "port 1 (s1):\n  rx packets=1 bytes=60\n" in capsys.readouterr().out
    assert run("del-flows", *at, "--json", "br1", "arp") == 0
    assert json.loads(capsys.readouterr().out) == {"removed": 1}
    assert run("del-groups", *at, "--json", "br1") == 0
    assert json.loads(capsys.readouterr().out) == {"removed": 1}
    assert run("dump-flows", *at, "--json", "br1") == 0
    assert [flow["actions"] for flow in json.loads(capsys.readouterr().out)] == ["drop"]


def test_show_and_trace(network: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--network", network)
    assert run("show", *at) == 0
    out = capsys.readouterr().out
    assert f"network {network} (vswitchd " in out
    assert "    engine afxdp\n    port 1: s1 (up)\n" in out
    assert run("add-flow", *at, "br1", "nw_dst=10.0.0.0/8,actions=output:2") == 0
    assert run("trace", *at, "br1", "--in-port", "s1", "--hex", ipv4_packet().hex(" ")) == 0
    out = capsys.readouterr().out
    assert "parser: accept" in out
    assert "  states: start -> " in out
    assert "dstAddr=10.0.0.2" in out
    assert "table 0: table=0,priority=32768,ipv4.dstAddr=10.0.0.0/8,actions=output:2\n" in out
    assert "result: output to 2 (s2)\n" in out
    monkeypatch.setattr("sys.stdin", io.StringIO(ipv4_packet("1.2.3.4").hex()))
    assert run("trace", *at, "br1", "--in-port", "1", "--hex", "-") == 0
    assert "result: dropped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("add-flow", "br1", "nw_dts=1,actions=drop"), 2, "nw_dst"),
        (("add-flow", "br9", "actions=drop"), 1, "no bridge 'br9'"),
        (("add-flows", "br1", "/nonexistent"), 2, "cannot read /nonexistent"),
        (("trace", "br1", "--in-port", "s7", "--hex", "00"), 2, "no such port; a number, or s1, s2, s3"),
        (("trace", "br1", "--in-port", "1", "--hex", "00 xy"), 2, "--hex: 'x' is no hexadecimal digit"),
        (("trace", "br1", "--in-port", "1", "--hex", "00:1"), 2, "3 digits: a byte has two"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    network: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, message: str
) -> None:
    assert run(words[0], "--network", network, *words[1:]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ovsp4: ")
    assert message in captured.err


def test_no_switch_is_another_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--network", "nowhere") == 1
    assert "no network 'nowhere' is running" in capsys.readouterr().err
