"""Flows that come, change and go while packets run: no packet may ever be treated by a flow that is not its own."""

from __future__ import annotations

import os
import random
import threading

import pytest
from test_program import DESTINATION, Switch, match, switch
from xdp_harness import ETHERNET, VALID, Action, in_own_namespace, loaded, output, run_program, set_bytes
from xdp_network import ipv4_packet

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for XDP and namespaces"),
]

N_FLOWS, N_VARIANTS = 16, 8
N_STEPS = 75_000  # more than there are numbers of flows: they are used again while packets run
REPEAT = 200


def tag(flow: int, variant: int) -> list[Action]:
    """Mark a packet with its flow's number and a variant."""
    return [set_bytes(ETHERNET, 0, bytes([flow, variant])), output(2)]


def churn(sw: Switch, stop: threading.Event) -> None:
    """Replace flows at random, under masks that come and go with them."""
    rng = random.Random(7)
    installed: dict[int, int] = {}
    for _ in range(N_STEPS):
        flow = rng.randrange(N_FLOWS)
        if flow not in installed:
            # The more variants, the more masks and programs are made and freed.
            bits = bytes([255, 255, 255, 1 << rng.randrange(8)])
            key, mask = match((VALID, b"\xc0", b"\xc0"), (DESTINATION, bytes([10, 0, flow, 0]), bits))
            installed[flow] = sw.bridge.put(key, mask, tag(flow, rng.randrange(N_VARIANTS)))
            assert installed[flow] > 0
        elif rng.randrange(4):
            assert sw.bridge.delete(installed.pop(flow))[0] == 0
        else:
            assert sw.bridge.mod(installed[flow], tag(flow, rng.randrange(N_VARIANTS))) == 0
    stop.set()


@in_own_namespace
def test_no_packet_takes_another_flows_actions() -> None:
    with switch() as sw:
        ifindex = sw.pairs[0].port_ifindex
        stop = threading.Event()
        failures: list[BaseException] = []

        def control() -> None:
            try:
                churn(sw, stop)
            except BaseException as error:  # handed to the test's thread
                failures.append(error)
                stop.set()

        thread = threading.Thread(target=control)
        thread.start()
        n_tagged = 0
        while not stop.is_set():
            for flow in range(N_FLOWS):
                packet = run_program(loaded().program_fd, ipv4_packet(bytes([10, 0, flow, 0])), ifindex, REPEAT).packet
                if packet[:2] != ipv4_packet()[:2]:
                    assert packet[0] == flow
                    assert packet[1] < N_VARIANTS
                    n_tagged += 1
        thread.join()
        assert not failures, failures
        assert n_tagged > 100
