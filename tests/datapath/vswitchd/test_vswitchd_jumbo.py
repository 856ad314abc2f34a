"""Frames of 9,000 bytes and more on both engines: edited, copied, counted, to the last byte."""

from __future__ import annotations

import pytest
from fabric_wires import Wires, internet_sum, ipv4_packet, wait_until

from datapath.vswitchd.launch import Vswitchd
from datapath.xdp.loader import takes_jumbo_frames

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not takes_jumbo_frames(), reason="frames above 3,500 bytes need Linux 6.6"),
]

MTU = 12000
SIZES = (60, 1514, 2048, 3500, 3520, 3521, 3840, 3841, 4096, 7680, 7681, 9014, 9234, 11520)


@pytest.fixture(params=["xdp", "afxdp"])
def jumbo(switch: Vswitchd, wires: Wires, request: pytest.FixtureRequest) -> str:
    """A bridge between three hosts whose interfaces take frames of 12,014 bytes."""
    switch.client.add_bridge("br1", "l2l3", request.param)
    for number in (1, 2, 3):
        for end in (f"h{number}", f"s{number}"):
            wires.command("ip", "link", "set", end, "mtu", str(MTU))
        switch.client.add_port("br1", f"s{number}", number)
    return "br1"


def packet_of(size: int) -> bytes:
    """A packet whose every byte differs from its neighbours'."""
    return (ipv4_packet() + bytes(i % 251 for i in range(size)))[:size]


def test_every_size_is_routed(switch: Vswitchd, wires: Wires, jumbo: str) -> None:
    client = switch.client
    client.add_flows(jumbo, ["ip,actions=dec_ttl,mod_nw_dst:10.9.8.7,mod_dl_dst:02:00:00:00:00:09,output:2"])
    for _ in range(3):  # the first misses
        for size in SIZES:
            wires.send(1, packet_of(size))
            sent = wires.receive(2)
            assert len(sent) == size
            assert sent[34:] == packet_of(size)[34:]
            assert (sent[:6], sent[22], sent[30:34]) == (b"\2\0\0\0\0\x09", 63, bytes((10, 9, 8, 7)))
            assert internet_sum(sent[14:34]) == 0xFFFF
    wait_until(lambda: client.dump_flows(jumbo)[0]["n_packets"] == 3 * len(SIZES), "the packets to be counted")
    assert client.dump_flows(jumbo)[0]["n_bytes"] == 3 * sum(SIZES)
    ports = client.stats(jumbo)["ports"]
    assert ports["s1"]["rx_bytes"] == ports["s2"]["tx_bytes"] == 3 * sum(SIZES)


def test_copies_are_whole(switch: Vswitchd, wires: Wires, jumbo: str) -> None:
    """In the kernel only the first part could be copied, so they are made in userspace."""
    switch.client.add_flows(jumbo, ["ip,actions=dec_ttl,flood"])
    for size in SIZES * 2:
        wires.send(1, packet_of(size))
        got = [wires.receive(2), wires.receive(3)]
        assert got[0] == got[1]
        assert got[0][34:] == packet_of(size)[34:]
        assert (len(got[0]), got[0][22]) == (size, 63)
    assert wires.pending(1) == []


def test_longer_ones_are_counted(switch: Vswitchd, wires: Wires, jumbo: str) -> None:
    switch.client.add_flows(jumbo, ["actions=output:2"])
    for size in (11521, 12014):
        wires.send(1, packet_of(size))
    wait_until(lambda: switch.client.stats(jumbo)["drops"].get("TOO_LONG") == 2, "the drops to be counted")
    assert wires.pending(2) == []
