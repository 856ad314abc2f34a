"""Packets through a daemon's bridge, the same on both engines, as its flows and ports change."""

from __future__ import annotations

import pytest
from fabric_wires import Wires, internet_sum, ipv4_packet, wait_until

from datapath.errors import FlowError, SwitchError
from datapath.vswitchd.launch import Vswitchd

pytestmark = pytest.mark.kernel

NEXT_HOP = "02:00:00:00:00:99"


def test_routing_rewrites_and_counts(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, [f"nw_dst=10.0.0.0/8,actions=dec_ttl,mod_dl_dst:{NEXT_HOP},output:2"])
    for _ in range(3):
        wires.send(1, ipv4_packet(ttl=9))
        packet = wires.receive(2)
        assert packet[:6].hex(":") == NEXT_HOP
        assert packet[22] == 8
        assert internet_sum(packet[14:34]) == 0xFFFF
    (flow,) = client.dump_flows(bridge)
    assert (flow["n_packets"], flow["n_bytes"]) == (3, 180)
    (megaflow,) = client.dump_megaflows(bridge)
    assert megaflow["n_packets"] == 3
    assert "ipv4.dstAddr=10.0.0.0/8" in megaflow["match"]
    engine = client.show()["bridges"][bridge]["engine"]
    assert megaflow["engines"] == (["user", "xdp"] if engine == "xdp" else ["user"])
    ports = client.stats(bridge)["ports"]
    assert (ports["s1"]["rx_packets"], ports["s1"]["rx_bytes"]) == (3, 180)
    assert (ports["s2"]["tx_packets"], ports["s2"]["tx_bytes"]) == (3, 180)


def test_no_packet_goes_by_the_old_tables_once_add_flows_has_returned(
    switch: Vswitchd, wires: Wires, bridge: str
) -> None:
    for out, other in ((2, 3), (3, 2)) * 5:
        switch.client.add_flows(bridge, [f"in_port=1,actions=output:{out}"])
        wires.send(1, ipv4_packet())
        assert wires.receive(out) == ipv4_packet()
        assert wires.pending(other) == []


def test_several_tables_and_a_field_set_in_between(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    switch.client.add_flows(
        bridge,
        [
            "table=0,in_port=s1,actions=set_field:192.0.2.7->ipv4.dstAddr,goto_table:5",
            "table=5,priority=9,nw_dst=192.0.2.0/24,actions=output:s3",
            "table=5,priority=1,actions=output:s2",
        ],
    )
    wires.send(1, ipv4_packet("10.9.9.9"))
    packet = wires.receive(3)
    assert packet[30:34] == bytes([192, 0, 2, 7])
    assert internet_sum(packet[14:34]) == 0xFFFF
    assert wires.pending(2) == []


def test_a_select_group_spreads_flows_and_leaves_a_port_that_is_down(
    switch: Vswitchd, wires: Wires, bridge: str
) -> None:
    client = switch.client
    client.add_groups(
        bridge,
        [
            "group_id=1,type=select,fields(ipv4.srcAddr),"
            "bucket=watch_port:2,actions=output:2,bucket=watch_port:3,actions=output:3"
        ],
    )
    client.add_flows(bridge, ["ip,actions=group:1"])
    packets = [ipv4_packet(source=f"10.1.0.{i}") for i in range(32)]
    for packet in packets:
        wires.send(1, packet)
    taken: dict[int, list[bytes]] = {2: [], 3: []}

    def all_came() -> bool:
        for number, came in taken.items():
            came += wires.pending(number)
        return sum(map(len, taken.values())) == len(packets)

    wait_until(all_came, "32 packets")
    assert min(map(len, taken.values())) >= 4
    assert len(client.dump_megaflows(bridge)) == 1  # the group's hash runs in the engine
    wires.command("ip", "link", "set", "h3", "down")
    wait_until(lambda: not client.show()["bridges"][bridge]["ports"]["s3"]["up"], "port 3 to be seen down")
    for packet in taken[3]:
        wires.send(1, packet)
        assert wires.receive(2) == packet
    wires.command("ip", "link", "set", "h3", "up")
    wait_until(lambda: client.show()["bridges"][bridge]["ports"]["s3"]["up"], "port 3 to be seen up")
    wires.send(1, taken[3][0])
    assert wires.receive(3) == taken[3][0]


def test_a_port_whose_interface_vanishes_is_removed(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, ["actions=flood"])
    wires.send(1, ipv4_packet())
    assert wires.receive(3) == wires.receive(2) == ipv4_packet()
    wires.sockets.pop(3).close()
    wires.command("ip", "link", "del", "h3")
    wait_until(lambda: "s3" not in client.show()["bridges"][bridge]["ports"], "port 3 to be removed")
    wires.send(1, ipv4_packet())
    assert wires.receive(2) == ipv4_packet()
    wires.add(3)
    client.add_port(bridge, "s3", 3)
    wires.send(1, ipv4_packet())
    assert wires.receive(3) == wires.receive(2) == ipv4_packet()


def test_ports_come_and_go(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, ["actions=flood"])
    for _ in range(3):
        client.del_port(bridge, "s2")
        wires.send(1, ipv4_packet())
        assert wires.receive(3) == ipv4_packet()
        assert wires.pending(2) == []
        client.add_port(bridge, "s2", 2)
        wires.send(1, ipv4_packet())
        assert wires.receive(3) == wires.receive(2) == ipv4_packet()


def test_a_bridge_can_be_removed_and_made_again(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    engine = client.show()["bridges"][bridge]["engine"]
    client.del_bridge(bridge)
    assert client.show()["bridges"] == {}
    assert client.add_bridge(bridge, "l2l3", engine) == {"engine": engine, "reason": ""}
    for number in (1, 2):
        client.add_port(bridge, f"s{number}", number)
    client.add_flows(bridge, ["actions=flood"])
    wires.send(1, ipv4_packet())
    assert wires.receive(2) == ipv4_packet()


def test_two_bridges_of_one_program_are_apart(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_bridge("br2", "l2l3", client.show()["bridges"][bridge]["engine"])
    for number in (4, 5):
        wires.add(number)
        client.add_port("br2", f"s{number}", number - 3)  # the same port numbers as br1's
    client.add_flows("br2", ["actions=flood"])
    wires.send(4, ipv4_packet())
    assert wires.receive(5) == ipv4_packet()
    wires.send(1, ipv4_packet())  # br1 has no flows
    wait_until(lambda: client.stats(bridge)["drops"].get("NO_ACTION"), "the drop to be counted")
    assert all(wires.pending(number) == [] for number in (2, 3, 4, 5))
    client.del_bridge("br2")
    client.add_flows(bridge, ["actions=flood"])
    wires.send(1, ipv4_packet())
    assert wires.receive(2) == ipv4_packet()


def test_wrong_flows_and_groups_change_nothing(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_groups(bridge, ["group_id=1,type=all,bucket=output:3"])
    client.add_flows(bridge, ["in_port=1,actions=output:2"])
    flows, groups = client.dump_flows(bridge), client.dump_groups(bridge)
    with pytest.raises(FlowError) as caught:
        client.add_flows(bridge, ["in_port=1,actions=output:3", "nw_dts=1,actions=drop", "actions=ouput:1"])
    assert str(caught.value).count("^") == 2
    with pytest.raises(SwitchError, match="no group 7"):
        client.add_flows(bridge, ["in_port=1,actions=output:3", "in_port=2,actions=group:7"])
    with pytest.raises(FlowError, match="type missing"):
        client.add_groups(bridge, ["group_id=1,type=all,bucket=output:2", "group_id=2,bucket=output:1"])
    with pytest.raises(FlowError, match="no such field"):
        client.del_flows(bridge, "quux=1")
    assert [f["text"] for f in client.dump_flows(bridge)] == [f["text"] for f in flows]
    assert client.dump_groups(bridge) == groups
    wires.send(1, ipv4_packet())
    assert wires.receive(2) == ipv4_packet()
    assert wires.pending(3) == []


def test_deleting_flows_and_groups(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_groups(bridge, ["group_id=1,type=all,bucket=output:2"])
    client.add_flows(bridge, ["cookie=1,ip,actions=group:1", "cookie=2,arp,actions=flood", "priority=1,actions=drop"])
    assert client.del_flows(bridge, "arp,priority=1", strict=True) == 0
    assert client.del_flows(bridge, "cookie=2/-1") == 1
    assert [f["match"] for f in client.dump_flows(bridge)] == ["ipv4", ""]
    assert client.del_groups(bridge, "group_id=1") == 1  # and the flow that uses it
    assert client.dump_groups(bridge) == []
    assert [f["actions"] for f in client.dump_flows(bridge)] == ["drop"]
    assert client.del_flows(bridge) == 1
    assert client.dump_flows(bridge) == []


def test_trace_says_what_happens_to_a_packet(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_groups(bridge, ["group_id=4,type=select,bucket=output:2,bucket=output:2"])
    client.add_flows(bridge, ["nw_dst=10.0.0.0/8,actions=dec_ttl,goto_table:1", "table=1,udp,actions=group:4"])
    trace = client.trace(bridge, ipv4_packet(), 1)
    assert trace["parser"]["verdict"] == "accept"
    assert trace["parser"]["states"][0] == "start"
    assert trace["parser"]["headers"]["ipv4"]["fields"]["dstAddr"] == "0xa000002"
    assert [step["table"] for step in trace["steps"]] == [0, 1]
    assert trace["steps"][1]["flow"] == "table=1,priority=32768,udp,actions=group:4"
    assert trace["groups"][0]["group"] == 4
    (output,) = trace["outputs"]
    assert (output["port"], output["interface"]) == (2, "s2")
    assert bytes.fromhex(output["packet"])[22] == 63
    assert "ipv4.dstAddr=10.0.0.0/8" in trace["megaflow"]
    cut = client.trace(bridge, ipv4_packet()[:30], 1)
    assert (cut["parser"]["verdict"], cut["parser"]["error"]) == ("reject", "PacketTooShort")
    assert cut["dropped"] == "rejected by the parser, PacketTooShort"
    assert cut["outputs"] == []
    assert client.dump_megaflows(bridge) == []  # a trace leaves nothing behind
    assert client.dump_flows(bridge)[0]["n_packets"] == 0


def test_rejected_packets_are_counted_or_looked_up(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, ["actions=output:2"])
    wires.send(1, ipv4_packet()[:30])
    wait_until(lambda: client.stats(bridge)["parser_errors"] == {"PacketTooShort": 1}, "the error to be counted")
    assert client.stats(bridge)["drops"] == {"PARSER_REJECT": 1}
    assert wires.pending(2) == []
    engine = client.show()["bridges"][bridge]["engine"]
    client.del_bridge(bridge)
    client.add_bridge(bridge, "l2l3", engine, on_reject="continue")
    for number in (1, 2):
        client.add_port(bridge, f"s{number}", number)
    client.add_flows(bridge, ["parser_error=PacketTooShort,actions=output:2", "priority=1,actions=drop"])
    wires.send(1, ipv4_packet()[:30])
    assert wires.receive(2) == ipv4_packet()[:30]


def test_a_time_to_live_that_runs_out_is_counted(switch: Vswitchd, wires: Wires, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, ["ip,actions=dec_ttl,output:2"])
    for _ in range(2):
        wires.send(1, ipv4_packet(ttl=1))
    wait_until(lambda: client.stats(bridge)["drops"].get("TTL") == 2, "the drops to be counted")
    assert wires.pending(2) == []


def test_idle_and_hard_timeouts(switch: Vswitchd, bridge: str) -> None:
    client = switch.client
    client.add_flows(bridge, ["arp,hard_timeout=1,actions=drop", "ip,idle_timeout=1,actions=drop", "actions=drop"])
    wait_until(lambda: len(client.dump_flows(bridge)) == 1, "the timeouts")
