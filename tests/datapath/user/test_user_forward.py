"""The user engine on real veths: packets through it, and what happens to its buffers when things go wrong."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from veth_wires import (
    IPV4,
    KEY_SIZE,
    Wires,
    compiled_eth_ipv4,
    internet_sum,
    ipv4_packet,
    output,
    run,
    wait_until,
)

from datapath.errors import SwitchError
from datapath.user import binding
from datapath.user.binding import DpAction, DpStats
from datapath.user.loader import UserEngine
from datapath.xdp.loader import takes_jumbo_frames

pytestmark = pytest.mark.kernel
jumbo = pytest.mark.skipif(not takes_jumbo_frames(), reason="frames above 3,500 bytes need Linux 6.6")

InNamespace = Callable[..., Any]


def put_flow(engine: UserEngine, fields: dict[int, bytes], *items: DpAction) -> int:
    """Install a flow that matches exactly the given bytes of the key; return its id."""
    key, mask = bytearray(KEY_SIZE), bytearray(KEY_SIZE)
    for offset, value in fields.items():
        key[offset : offset + len(value)] = value
        mask[offset : offset + len(value)] = b"\xff" * len(value)
    flow_id = ctypes.c_uint32()
    with engine.locked():
        error = engine.ops.flow_put(
            engine.dp, bytes(key), bytes(mask), binding.actions(*items), len(items), ctypes.byref(flow_id)
        )
    assert error == 0
    return flow_id.value


def in_port(number: int) -> dict[int, bytes]:
    return {0: number.to_bytes(4, "big")}


def destination(address: str) -> dict[int, bytes]:
    return {IPV4 + 16: socket.inet_aton(address)}


def set_bytes(header: int, offset: int, value: bytes, flags: int = 0) -> DpAction:
    size = len(value)
    return DpAction(
        op=binding.SET,
        size=size,
        header=header,
        flags=flags,
        arg=offset,
        value=(ctypes.c_uint8 * 8)(*value),
        mask=(ctypes.c_uint8 * 8)(*[255] * size),
    )


@contextlib.contextmanager
def engine_on(wires: Wires, *ports: int, **options: Any) -> Iterator[UserEngine]:
    with UserEngine(compiled_eth_ipv4(), 1, **options) as engine:
        for port in ports:
            wires.attach(engine, port)
        engine.start()
        yield engine


def conserved(engine: UserEngine) -> bool:
    """Every frame is where the books say, and none is still being sent."""
    counters = engine.counters()
    assert counters["pool_error"] == 0
    assert counters["n_free"] + counters["n_rx"] + counters["n_tx"] == counters["n_frames"]
    return counters["n_tx"] == 0


# ---------------------------------------------------------------------------------------------- forwarding
def routes_a_packet() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2) as engine:
        actions = (
            set_bytes(0, 0, bytes.fromhex("0200000000aa"), binding.F_UNSUMMED),
            DpAction(op=binding.DEC_TTL, header=1, arg=8, flags=binding.F_RESTART),
            set_bytes(1, 16, socket.inet_aton("10.9.9.9")),
            DpAction(op=binding.CSUM, header=1, arg=10),
            output(2),
        )
        flow = put_flow(engine, destination("10.0.0.2"), *actions)
        wires.send(1, ipv4_packet("10.0.0.2", ttl=64))
        got = wires.receive(2)
        assert got[:6].hex() == "0200000000aa"
        assert got[22] == 63
        assert got[30:34] == socket.inet_aton("10.9.9.9")
        assert internet_sum(got[14:34]) == 0xFFFF
        assert got[34:] == ipv4_packet()[34:]
        stats = DpStats()
        with engine.locked():
            assert engine.ops.flow_stats(engine.dp, flow, ctypes.byref(stats)) == 0
        assert (stats.n_packets, stats.n_bytes) == (1, 60)
        assert [(s.n_packets, s.n_bytes) for s in engine.port_stats(1)] == [(1, 60), (0, 0)]
        assert [(s.n_packets, s.n_bytes) for s in engine.port_stats(2)] == [(0, 0), (1, 60)]
        wait_until(lambda: conserved(engine))


def floods_copies() -> None:
    wires = Wires(4)
    with engine_on(wires, 1, 2, 3, 4) as engine:
        # In between the packet changes: each output sends it as it is at that point.
        put_flow(
            engine,
            in_port(1),
            output(1),  # never back
            output(2),
            set_bytes(0, 0, bytes.fromhex("0200000000bb")),
            output(3),
            output(4),
        )
        wires.send(1, ipv4_packet())
        assert wires.receive(2) == ipv4_packet()
        assert wires.receive(3) == wires.receive(4) == bytes.fromhex("0200000000bb") + ipv4_packet()[6:]
        put_flow(engine, in_port(2), output(2, binding.F_IN_PORT))
        wires.send(2, ipv4_packet())
        assert wires.receive(2) == ipv4_packet()
        assert wires.pending(1) == []
        assert engine.drops() == ({}, {})
        wait_until(lambda: conserved(engine))


def counts_drops() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2) as engine:
        put_flow(engine, destination("10.0.0.1"))
        put_flow(engine, destination("10.0.0.2"), output(77))
        put_flow(engine, destination("10.0.0.3"), DpAction(op=binding.DEC_TTL, header=1, arg=8), output(2))
        put_flow(engine, destination("10.0.0.4"), DpAction(op=99))
        put_flow(engine, destination("10.0.0.5"), DpAction(op=binding.SELECT, size=1, arg=5))
        for packet in (
            ipv4_packet("10.0.0.1"),
            ipv4_packet("10.0.0.2"),
            ipv4_packet("10.0.0.3", ttl=1),
            ipv4_packet("10.0.0.4"),
            ipv4_packet("10.0.0.5"),
            ipv4_packet("10.0.0.6"),
            ipv4_packet()[:20],
        ):
            wires.send(1, packet)
        wait_until(lambda: sum(engine.drops()[0].values()) == 7)
        reasons = {"NO_ACTION": 1, "BAD_PORT": 1, "TTL": 1, "BAD_ACTION": 2, "MISS": 1, "PARSER_REJECT": 1}
        assert engine.drops() == (reasons, {1: 1})
        assert wires.pending(2) == []
        wait_until(lambda: conserved(engine))


def goes_on_after_reject() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2, on_reject="continue") as engine:
        put_flow(engine, {4: b"\x01"}, output(2))
        wires.send(1, ipv4_packet()[:20])
        assert wires.receive(2) == ipv4_packet()[:20]


def forwards_jumbo_frames() -> None:
    """In as many frames of the pool as they need, edited in the first and copied whole."""
    wires = Wires(3, mtu=12000)
    with engine_on(wires, 1, 2, 3, n_frames=512) as engine:
        new = bytes.fromhex("0200000000bb")
        put_flow(engine, in_port(1), output(2), set_bytes(0, 0, new), output(3))
        sizes = (1514, 2049, 3840, 3841, 7680, 7681, 9014, 11520)
        for size in sizes * 30:  # the pool comes round several times
            packet = ipv4_packet(size=size)
            wires.send(1, packet)
            assert wires.receive(2) == packet
            assert wires.receive(3) == new + packet[6:]
        for size in (11521, 12014):
            wires.send(1, ipv4_packet(size=size))
        wait_until(lambda: engine.drops() == ({"TOO_LONG": 2}, {}))
        total = 30 * sum(sizes)
        assert [(s.n_packets, s.n_bytes) for s in engine.port_stats(2)] == [(0, 0), (240, total)]
        assert engine.port_stats(1)[0].n_bytes == total + 11521 + 12014
        wait_until(lambda: conserved(engine))


def forwards_jumbo_frames_in_batches() -> None:
    """A batch may end within a packet, and frames run out within one; none is lost to the books."""
    wires = Wires(2, mtu=9000)
    with engine_on(wires, 1, 2, n_frames=256) as engine:
        put_flow(engine, in_port(1), output(2))
        with Flood(wires, (1,), ipv4_packet(size=9014)) as flood:
            wait_until(lambda: flood.n_sent > 5000, 20)
        wait_until(lambda: engine.port_stats(1)[0].n_packets + dropped_by("h1") == flood.n_sent + flood.n_refused)
        wait_until(lambda: conserved(engine))
        sent = engine.port_stats(2)[1]
        assert sent.n_packets > 100
        assert sent.n_bytes == sent.n_packets * 9014
        assert set(wires.pending(2)) == {ipv4_packet(size=9014)}


def selects_a_bucket() -> None:
    wires = Wires(3)
    with engine_on(wires, 1, 2, 3) as engine:
        mask = bytearray(KEY_SIZE)
        mask[IPV4 + 16 : IPV4 + 20] = b"\xff" * 4
        with engine.locked():
            assert engine.ops.hash_put(engine.dp, 3, bytes(mask)) == 0
        weight = (ctypes.c_uint8 * 8)(0, 0, 0, 1)
        bucket = DpAction(op=binding.BUCKET, arg=1, value=weight)
        put_flow(engine, in_port(1), DpAction(op=binding.SELECT, size=2, arg=3), bucket, output(2), bucket, output(3))
        for n in range(100):
            wires.send(1, ipv4_packet(f"10.0.1.{n}"))
        wait_until(lambda: engine.port_stats(2)[1].n_packets + engine.port_stats(3)[1].n_packets == 100)
        wait_until(lambda: conserved(engine))
        counts = [len(wires.pending(port)) for port in (2, 3)]
        assert sum(counts) == 100
        assert min(counts) > 20


def sends_packets_out() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2) as engine:
        engine.execute(ipv4_packet(), [output(1), output(2)])
        assert wires.receive(1) == wires.receive(2) == ipv4_packet()
        engine.execute(ipv4_packet(), [output(1), output(2)], in_port=1)
        assert wires.receive(2) == ipv4_packet()
        assert wires.pending(1) == []
        with pytest.raises(SwitchError, match="Message too long"):
            engine.execute(bytes(11521), [output(1)])
        wait_until(lambda: conserved(engine))


def calls_the_slow_path() -> None:
    wires = Wires(2)
    seen = []
    kept = binding.actions(output(2))

    def upcall(_: int, upcall: Any, actions: Any) -> int:
        what = upcall.contents
        seen.append((what.reason, what.in_port, ctypes.string_at(what.packet, what.size), what.max_size))
        if what.reason:
            return 0
        actions[0] = ctypes.cast(kept, ctypes.POINTER(DpAction))
        return 1

    function = binding.UPCALL(upcall)
    with engine_on(wires, 1, 2) as engine:
        engine.set_upcall(ctypes.cast(function, ctypes.c_void_p).value or 0, 0)
        wires.send(1, ipv4_packet())
        assert wires.receive(2) == ipv4_packet()
        put_flow(engine, destination("10.0.0.7"), DpAction(op=binding.CONTROLLER, arg=20), output(2))
        wires.send(1, ipv4_packet("10.0.0.7"))
        assert wires.receive(2) == ipv4_packet("10.0.0.7")
        put_flow(engine, destination("10.0.0.8"), DpAction(op=binding.DEC_TTL, header=1, arg=8))
        wires.send(1, ipv4_packet("10.0.0.8", ttl=0))
        wait_until(lambda: len(seen) == 3)
        assert engine.drops() == ({"TTL": 1}, {})
        wait_until(lambda: conserved(engine))
    assert seen[0] == (binding.UP_MISS, 1, ipv4_packet(), 0)
    assert seen[1] == (binding.UP_CONTROLLER, 1, ipv4_packet("10.0.0.7"), 20)
    assert seen[2][:3] == (binding.UP_TTL, 1, ipv4_packet("10.0.0.8", ttl=0))


@pytest.mark.parametrize(
    "scenario",
    [
        routes_a_packet,
        floods_copies,
        counts_drops,
        goes_on_after_reject,
        pytest.param(forwards_jumbo_frames, marks=jumbo),
        pytest.param(forwards_jumbo_frames_in_batches, marks=jumbo),
        selects_a_bucket,
        sends_packets_out,
        calls_the_slow_path,
    ],
    ids=lambda f: f.__name__,
)
def test_forwarding(in_namespace: InNamespace, scenario: Callable[[], None]) -> None:
    in_namespace(scenario)


# ---------------------------------------------------------------------------------------------- buffers and ports
class Flood:
    """Sends packets into ports as fast as a Python thread can, until told to stop."""

    def __init__(self, wires: Wires, ports: tuple[int, ...], packet: bytes | None = None) -> None:
        self._packet = packet or ipv4_packet()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=([wires.sockets[p] for p in ports],))
        self.n_sent = 0
        self.n_refused = 0

    def _run(self, sockets: list[socket.socket]) -> None:
        packet = self._packet
        while not self._stop.is_set():
            for sender in sockets:
                try:
                    sender.send(packet)
                    self.n_sent += 1
                except OSError:  # ENOBUFS, or the interface is gone
                    self.n_refused += 1

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()


def all_to_all(engine: UserEngine, n_ports: int) -> None:
    for port in range(1, n_ports + 1):
        put_flow(engine, in_port(port), *(output(other) for other in range(1, n_ports + 1)))


def dropped_by(interface: str) -> int:
    """Return how many packets an interface threw away because the other end of its veth had no room."""
    shown = subprocess.run(["ip", "-j", "-s", "link", "show", interface], check=True, capture_output=True)
    return int(json.loads(shown.stdout)[0]["stats64"]["tx"]["dropped"])


def conserves_buffers_when_overloaded() -> None:
    """A small pool, every packet copied to five ports: frames run out all the time, and all come back."""
    wires = Wires(6)
    with engine_on(wires, 1, 2, 3, 4, 5, 6, n_frames=512) as engine:
        all_to_all(engine, 6)
        with Flood(wires, (1, 2, 3)) as flood:
            wait_until(lambda: flood.n_sent > 20000, 20)
            assert engine.counters()["pool_error"] == 0

        def received_by_engine() -> int:
            return sum(engine.port_stats(port)[0].n_packets for port in (1, 2, 3))

        n_dropped = sum(dropped_by(f"h{port}") for port in (1, 2, 3))
        wait_until(lambda: received_by_engine() + n_dropped == flood.n_sent + flood.n_refused)
        wait_until(lambda: conserved(engine))
        received = received_by_engine()
        sent = sum(engine.port_stats(port)[1].n_packets for port in range(1, 7))
        drops = engine.drops()[0]
        lost_in_kernel = drops.get("NO_BUFFER", 0)
        assert received <= flood.n_sent
        assert sent + drops.get("TX_FULL", 0) + lost_in_kernel >= (received - lost_in_kernel) * 5
        # A frame comes back when the other end of the veth has taken the packet, not when the socket there has it.
        wait_until(lambda: wires.n_seen(2) + dropped_by("s2") == engine.port_stats(2)[1].n_packets)
        wires.pending(2)
        wires.send(1, ipv4_packet("10.7.7.7"))
        assert wires.receive(2) == ipv4_packet("10.7.7.7")


def deletes_ports_under_load() -> None:
    wires = Wires(3)
    with engine_on(wires, 1, 2, 3) as engine:
        all_to_all(engine, 3)
        before = engine.counters()["n_rx"]
        with Flood(wires, (1, 2)):
            for _ in range(20):
                n_received = engine.port_stats(1)[0].n_packets
                engine.del_port(3)
                with pytest.raises(SwitchError, match="has no socket"):
                    engine.xsk_fd(3)
                wait_until(lambda n=n_received: engine.port_stats(1)[0].n_packets > n + 50)  # type: ignore[misc]
                assert engine.counters()["pool_error"] == 0
                wires.attach(engine, 3)
        assert engine.drops()[0]["BAD_PORT"] > 0
        wait_until(lambda: conserved(engine))
        assert abs(engine.counters()["n_rx"] - before) < 100
        for port in (1, 2, 3):
            engine.del_port(port)
        assert engine.counters()["n_free"] == engine.counters()["n_frames"]


def survives_a_vanished_interface() -> None:
    """The first port's interface too: nothing hangs on it."""
    wires = Wires(3)
    with engine_on(wires, 1, 2, 3) as engine:
        all_to_all(engine, 3)
        with Flood(wires, (2,)):
            wait_until(lambda: engine.port_stats(2)[0].n_packets > 100)
            run("ip", "link", "del", "s1")
            wait_until(lambda: engine.counters()["n_dead_ports"] == 1)
            wait_until(lambda: engine.drops()[0].get("BAD_PORT", 0) > 100)
        run("ip", "link", "del", "s3")
        wait_until(lambda: engine.counters()["n_dead_ports"] == 2)  # found out while idle
        wait_until(lambda: conserved(engine))
        assert idle_cpu_s() < 0.01
        engine.del_port(1)
        wires.add(1)
        wires.attach(engine, 1)
        wires.send(2, ipv4_packet("10.7.7.7"))
        assert wires.receive(1) == ipv4_packet("10.7.7.7")


def waits_for_a_link_that_is_down() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2) as engine:
        all_to_all(engine, 2)
        run("ip", "link", "set", "s2", "down")
        for _ in range(100):
            wires.send(1, ipv4_packet())
        wait_until(lambda: engine.port_stats(1)[0].n_packets == 100)
        assert idle_cpu_s() < 0.01
        assert engine.drops()[0]["BAD_PORT"] > 0
        run("ip", "link", "set", "s2", "up")

        def passes() -> list[bytes]:
            wires.send(1, ipv4_packet())
            return wires.pending(2)

        wait_until(passes)
        wait_until(lambda: conserved(engine))


def idle_cpu_s() -> float:
    """Processor time that the engine's thread takes in 0.2 s without a packet."""
    thread = next(t for t in os.listdir("/proc/self/task") if thread_name(t) == "ovsp4-engine")

    def used() -> int:
        with open(f"/proc/self/task/{thread}/schedstat") as file:
            return int(file.read().split()[0])

    time.sleep(0.05)  # its last rounds
    before = used()
    time.sleep(0.2)
    return (used() - before) / 1e9


def thread_name(thread: str) -> str:
    with open(f"/proc/self/task/{thread}/comm") as file:
        return file.read().strip()


def sleeps_when_idle() -> None:
    wires = Wires(2)
    with engine_on(wires, 1, 2) as engine:
        all_to_all(engine, 2)
        assert idle_cpu_s() < 0.001
        wires.send(1, ipv4_packet())
        assert wires.receive(2)
        assert idle_cpu_s() < 0.001


def refuses_bad_ports() -> None:
    wires = Wires(2)
    with engine_on(wires, 1) as engine, UserEngine(compiled_eth_ipv4(), 2) as other:
        with pytest.raises(SwitchError, match=r"port 1: .*the port number is taken"):
            engine.add_port(1, "s2")
        with pytest.raises(SwitchError, match="nope: no such interface"):
            engine.add_port(3, "nope")
        with pytest.raises(SwitchError, match="another AF_XDP socket"):
            other.add_port(1, "s1")
        with pytest.raises(SwitchError, match="Invalid argument"):
            engine.add_port(1024, "s2")
        with pytest.raises(SwitchError, match="port 9"):
            engine.del_port(9)
        assert conserved(engine)
        assert other.counters()["n_free"] == other.counters()["n_frames"]


def refuses_ports_without_memory() -> None:
    wires = Wires(3)
    with UserEngine(compiled_eth_ipv4(), 1, n_frames=80) as engine:
        wires.attach(engine, 1)
        wires.attach(engine, 2)
        with pytest.raises(SwitchError, match="packet memory is used up"):
            wires.attach(engine, 3)
        engine.del_port(1)
        wires.attach(engine, 3)


@pytest.mark.parametrize(
    "scenario",
    [
        conserves_buffers_when_overloaded,
        deletes_ports_under_load,
        survives_a_vanished_interface,
        waits_for_a_link_that_is_down,
        sleeps_when_idle,
        refuses_bad_ports,
        refuses_ports_without_memory,
    ],
    ids=lambda f: f.__name__,
)
def test_ports(in_namespace: InNamespace, scenario: Callable[[], None]) -> None:
    in_namespace(scenario)
