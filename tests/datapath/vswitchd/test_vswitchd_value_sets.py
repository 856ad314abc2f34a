"""Value sets changed under a running bridge: the very next packet is parsed by the new entries, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_wires import Wires

from datapath.cli.switch import add_verbs
from datapath.errors import FlowError
from datapath.vswitchd.launch import Vswitchd

pytestmark = pytest.mark.kernel

SOURCE = """
#include <core.p4>
header ethernet_t { bit<48> dst; bit<48> src; bit<16> kind; }
header label_t { bit<8> label; bit<8> rest; }
struct headers_t { ethernet_t ethernet; label_t label; }
parser P(packet_in packet, out headers_t hdr) {
    value_set<bit<16>>(2) labelled;
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.kind) {
            labelled: parse_label;
            default: accept;
        }
    }
    state parse_label { packet.extract(hdr.label); transition accept; }
}
"""
FRAME = bytes.fromhex("020000000002 020000000001 9000 07") + bytes(45)


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "labels.p4"
    path.write_text(SOURCE)
    return str(path)


@pytest.fixture(params=["xdp", "afxdp"])
def labels(switch: Vswitchd, wires: Wires, program: str, request: pytest.FixtureRequest) -> str:
    """A bridge that sends packets with label 7 to port 3, others to port 2."""
    switch.client.add_bridge("br1", program, request.param)
    for number in (1, 2, 3):
        switch.client.add_port("br1", f"s{number}", number)
    switch.client.add_flows("br1", ["priority=9,label.label=7,actions=output:3", "priority=1,actions=output:2"])
    return "br1"


def arrives_at(wires: Wires, number: int) -> None:
    """Send a few packets: the first may miss, the others hit what it has set up."""
    other = 5 - number
    for _ in range(4):
        wires.send(1, FRAME)
        assert wires.receive(number) == FRAME
    assert wires.pending(other) == []


def test_packets_follow_the_entries(switch: Vswitchd, wires: Wires, labels: str) -> None:
    client = switch.client
    arrives_at(wires, 2)
    client.value_set_add(labels, "labelled", ["0x9000/0xf000"])
    arrives_at(wires, 3)
    client.value_set_add(labels, "labelled", ["36864"])
    assert client.value_set_del(labels, "labelled", ["0x9000/0xf000"]) == 1
    arrives_at(wires, 3)
    assert client.value_set_del(labels, "labelled") == 1
    arrives_at(wires, 2)
    assert len(client.dump_megaflows(labels)) == 2  # both kept throughout


def test_the_trace_parses_by_the_entries(switch: Vswitchd, labels: str) -> None:
    client = switch.client
    assert list(client.trace(labels, FRAME, 1)["parser"]["headers"]) == ["ethernet"]
    client.value_set_add(labels, "labelled", ["0x9000"])
    trace = client.trace(labels, FRAME, 1)
    assert list(trace["parser"]["headers"]) == ["ethernet", "label"]
    assert [output["port"] for output in trace["outputs"]] == [3]


def test_bridges_of_one_program_have_sets_of_their_own(switch: Vswitchd, wires: Wires, labels: str) -> None:
    client = switch.client
    engine = client.show()["bridges"][labels]["engine"]
    client.add_bridge("br2", client.show()["bridges"][labels]["program"], engine)
    client.value_set_add("br2", "labelled", ["0x9000"])
    arrives_at(wires, 2)
    client.del_bridge("br2")
    client.value_set_add(labels, "labelled", ["0x9000"])
    arrives_at(wires, 3)


def test_wrong_entries_change_nothing(switch: Vswitchd, wires: Wires, labels: str) -> None:
    client = switch.client
    client.value_set_add(labels, "labelled", ["0x9000"])
    for entries, message in (
        (["0x8000", "0x12345"], "does not fit 16 bits"),
        (["1", "2"], "is full: it is declared with room for 2, 3 wanted"),
    ):
        with pytest.raises(FlowError, match=message):
            client.value_set_add(labels, "labelled", entries)
    with pytest.raises(FlowError, match="no value set 'label'"):
        client.value_set_add(labels, "label", ["1"])
    (shown,) = client.value_set_dump(labels)
    assert shown == {"name": "labelled", "size": 2, "keys": ["bit<16>"], "entries": ["0x9000"]}
    arrives_at(wires, 3)


def test_the_verbs(switch: Vswitchd, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    parser = argparse.ArgumentParser(prog="ovsp4")
    add_verbs(parser.add_subparsers(required=True))

    def run(verb: str, *words: str) -> int:
        options = parser.parse_args([verb, "--network", switch.name, "br1", *words])
        return int(options.run(options))

    switch.client.add_bridge("br1", program, "afxdp")
    assert run("value-set-add", "labelled", "0x8847", "80..90") == 0
    assert run("value-set-dump") == 0
    assert capsys.readouterr().out == "labelled: 2 of 2, keys bit<16>\n  0x8847\n  0x50..0x5a\n"
    assert run("value-set-add", "labelled", "x") == 2
    assert "'x' is no number" in capsys.readouterr().err
    assert run("value-set-del", "labelled", "0x50..90") == 0
    assert run("value-set-dump", "labelled") == 0
    assert capsys.readouterr().out == "labelled: 1 of 2, keys bit<16>\n  0x8847\n"
