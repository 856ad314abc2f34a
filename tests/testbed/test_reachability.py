"""Who reaches whom, by echo requests from raw sockets: answers counted, silence named."""

from __future__ import annotations

import socket
import time

import pytest

from datapath import WaitTimeoutError
from testbed import interfaces
from testbed.namespaces import Namespace
from testbed.reachability import ping_all, wait_reachable
from tests.testbed.pairs import Pair

pytestmark = pytest.mark.network


class Pinger:
    def __init__(self, namespace: Namespace, ip: str) -> None:
        self.namespace, self.ip = namespace, ip

    def socket(self, family: int, kind: int, protocol: int) -> socket.socket:
        return self.namespace.socket(family, kind, protocol)


def _hosts(pair: Pair) -> dict[str, Pinger]:
    return {"a": Pinger(pair.a, "10.9.0.1"), "b": Pinger(pair.b, "10.9.0.2")}


def test_neighbours_reach_each_other_at_once(pair: Pair) -> None:
    started = time.monotonic()
    wait_reachable(_hosts(pair), timeout_s=5)
    assert time.monotonic() - started < 0.5


def test_silence_is_named(pair: Pair) -> None:
    hosts = {**_hosts(pair), "c": Pinger(pair.b, "10.9.0.3")}  # c's address is nobody's
    with pytest.raises(WaitTimeoutError) as caught:
        wait_reachable(hosts, timeout_s=0.1)
    assert str(caught.value) == "1 of 6 pairs of hosts got no answer in 0.1 s: a -> c" or "a -> c, b -> c" in str(
        caught.value
    )


def test_no_route_is_silence_too(pair: Pair) -> None:
    hosts = {**_hosts(pair), "far": Pinger(pair.b, "192.168.1.1")}
    assert ("a", "far") in ping_all(hosts, timeout_s=0.05)


def test_it_tries_again_until_the_link_is_up(pair: Pair) -> None:
    import threading

    pair.a.call(lambda: interfaces.set_down("a0"))
    timer = threading.Timer(0.15, lambda: pair.a.call(lambda: interfaces.set_up("a0")))
    timer.start()
    wait_reachable(_hosts(pair), timeout_s=5)
    timer.join()


def test_a_host_alone_has_nobody_to_reach(pair: Pair) -> None:
    wait_reachable({"a": Pinger(pair.a, "10.9.0.1")}, timeout_s=0)
