"""The benchmark: what it sends, how it reports, and a short real run against the command-line contract."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from datapath import NotSupportedError, SetupError
from testbed.bench import report, traffic
from testbed.bench.case import Case, Forwarder
from testbed.bench.cases import CASES, LIMIT
from testbed.bench.extras import EXTRAS, Extra
from testbed.bench.run import Plan, measure

CONTRACT = {"ovsp4-xdp", "ovsp4-afxdp", "xdp-redirect", "afxdp-forward", "linux-bridge", "ovs-afxdp", "ovs-afpacket"}
SHORT = Plan(n_rounds=1, round_s=0.1, n_extra_rounds=1)


def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: makes namespaces and loads BPF programs")


# ------------------------------------------------------------------------------------------------------------ traffic
def test_a_thousand_disjoint_prefixes_of_eight_lengths() -> None:
    networks = traffic.prefixes()
    assert len(networks) == 1000
    assert len({n.prefixlen for n in networks}) == traffic.N_MASKS == 8
    in_order = sorted(networks)
    assert all(not a.overlaps(b) for a, b in itertools.pairwise(in_order))


def test_templates_are_sound_udp_packets_one_to_each_prefix() -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    for frame, network in zip(traffic.templates(), traffic.prefixes(), strict=True):
        assert len(frame) == 60
        packet = Ether(frame)
        assert ipaddress.IPv4Address(packet[IP].dst) in network
        assert packet[IP].ttl == 64
        assert packet[IP].len == 46
        assert packet[UDP].len == 26
        assert traffic.internet_checksum(frame[14:34]) == 0
        assert frame[traffic.L4_PORTS_OFFSET : traffic.L4_PORTS_OFFSET + 2] == packet[UDP].sport.to_bytes(2, "big")


def test_shorter_prefixes_come_first() -> None:
    flows = traffic.router_flows()
    assert len(flows) == 1000
    assert flows[0].startswith("priority=1983,ip,nw_dst=16.0.0.0/17,actions=")
    assert flows[7].startswith("priority=1976,ip,nw_dst=23.0.0.0/24,actions=")


# ------------------------------------------------------------------------------------------------------------- report
OUTCOME: dict[str, Any] = {
    "machine": {"kernel": "6.18"},
    "results": [
        {"name": "xdp-redirect", "pps": 3_900_000, "loss": 0.0, "ratio_to_limit": 1.0, "loss_at_80_percent": 0.0},
        {"name": "linux-bridge", "pps": 950_000, "loss": 0.5, "ratio_to_limit": None, "loss_at_80_percent": 0.01},
        {"name": "leaf-spine", "start_warm_s": 1.25, "topology": "leaf-spine"},
    ],
    "skipped": [{"name": "ovs-afxdp", "reason": "not installed"}],
    "failed": [{"name": "ovsp4-xdp", "reason": "it broke"}],
}


def test_table() -> None:
    lines = report.as_table(OUTCOME).splitlines()
    assert lines[0] == "kernel: 6.18"
    assert "xdp-redirect           3.900      1.00    0.00%    0.00%" in lines
    assert "linux-bridge           0.950         -   50.00%    1.00%" in lines
    assert "leaf-spine           start_warm_s 1.25" in lines
    assert lines[-2:] == ["skipped: ovs-afxdp: not installed", "failed: ovsp4-xdp: it broke"]


def test_json_is_the_outcome() -> None:
    assert json.loads(report.as_json(OUTCOME)) == OUTCOME


def test_names_of_the_contract_are_there() -> None:
    assert {case.name for case in CASES} >= CONTRACT
    assert CASES[0].name == LIMIT
    assert {extra.name for extra in EXTRAS} >= {"ovsp4-flow-setup", "leaf-spine"}


# ------------------------------------------------------------------------------------------------------- real packets
@pytest.mark.kernel
def test_one_failing_case_does_not_stop_the_others() -> None:
    needs_root()
    limit = CASES[0]

    @contextmanager
    def missing() -> Iterator[Forwarder]:
        raise NotSupportedError("flux", "buy one")
        yield

    @contextmanager
    def dies() -> Iterator[Forwarder]:
        with limit.open() as forwarder:
            checks = iter([None])

            def check() -> None:
                if next(checks, "dead"):
                    raise SetupError("it died")

            forwarder.check = check
            yield forwarder

    def fail(_: int) -> dict[str, Any]:
        raise SetupError("no network")

    outcome = measure(
        [limit, Case("missing", "", missing), Case("dies", "", dies)],
        [Extra("broken", "", fail), Extra("sound", "", lambda n: {"rounds": n})],
        SHORT,
    )
    assert outcome["skipped"] == [{"name": "missing", "reason": "flux: buy one"}]
    assert outcome["failed"] == [{"name": "dies", "reason": "it died"}, {"name": "broken", "reason": "no network"}]
    assert [r["name"] for r in outcome["results"]] == [LIMIT, "sound"]


@pytest.mark.kernel
def test_a_forwarder_that_loses_packets_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warm-up insists that every flow gets through, rewritten where the case says so."""
    needs_root()
    monkeypatch.setattr("testbed.bench.measuring.WARM_UP_TIMEOUT_S", 0.5)

    @contextmanager
    def forgets_to_rewrite() -> Iterator[Forwarder]:
        with CASES[0].open() as forwarder:
            forwarder.rewrites = True
            yield forwarder

    outcome = measure([Case("lazy", "", forgets_to_rewrite)], [], SHORT)
    assert outcome["results"] == []
    assert "MAC address and TTL rewritten" in outcome["failed"][0]["reason"]


@pytest.mark.kernel
def test_smoke_run_by_the_command() -> None:
    """The limit and the bridge, by the command, as JSON."""
    needs_root()
    command = [sys.executable, "-m", "testbed.cli", "bench", "--quick", "--json"]
    done = subprocess.run([*command, "--case", "linux-bridge"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert {"kernel", "compiler", "bpf_compiler", "placement"} <= set(outcome["machine"])
    limit, bridge = outcome["results"]
    assert (limit["name"], bridge["name"]) == ("xdp-redirect", "linux-bridge")
    assert limit["ratio_to_limit"] == 1.0
    assert limit["loss"] == 0.0
    assert bridge["loss"] == 0.0
    assert limit["xdp_mode"] == "native"
    assert 0 < bridge["ratio_to_limit"] < 1
    assert bridge["pps"] == pytest.approx(bridge["ratio_to_limit"] * limit["pps"], rel=0.01)
    assert bridge["bridge-nf-call-iptables"] in ("0", "not there")


@pytest.mark.kernel
@pytest.mark.parametrize(
    "name", ["linux-route", "afxdp-forward", "ovs-afxdp", "ovs-afpacket", "ovsp4-xdp", "ovsp4-afxdp"]
)
def test_every_case_forwards_and_leaves_nothing(name: str) -> None:
    needs_root()
    interfaces, processes = os.listdir("/sys/class/net"), children()
    outcome = measure([c for c in CASES if c.name == name], [], SHORT)
    if outcome["skipped"]:
        pytest.skip(outcome["skipped"][0]["reason"])
    assert outcome["failed"] == []
    assert outcome["results"][0]["pps"] > 0
    assert os.listdir("/sys/class/net") == interfaces
    assert children() == processes


def children() -> set[str]:
    """Return this process's children."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
