"""Namespaces without name or process, and links made directly between them."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from datapath import SetupError
from testbed import interfaces
from testbed.namespaces import Namespace
from tests.testbed.pairs import Pair

pytestmark = pytest.mark.network


def _own() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def test_calls_run_inside_and_the_caller_stays_outside() -> None:
    before = _own()
    with Namespace.create() as namespace:
        inside = namespace.call(_own)
        assert inside != before
        assert namespace.call(_own) == inside
        assert namespace.call(socket.if_nameindex) == [(1, "lo")]
    assert _own() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "in-namespace"]


def test_what_is_raised_inside_is_raised_outside() -> None:
    with Namespace.create() as namespace, pytest.raises(ZeroDivisionError):
        namespace.call(lambda: 1 // 0)


def test_no_namespace_of_a_dead_process() -> None:
    with pytest.raises(SetupError, match="process 999999999: No such file"):
        Namespace.of(999_999_999)


def test_of_ourselves() -> None:
    with Namespace.of(os.getpid()) as namespace:
        assert namespace.call(_own) == _own()


def test_links_are_nowhere_else(pair: Pair) -> None:
    names = {name for _, name in socket.if_nameindex()}
    assert not {"a0", "b0"} & names
    assert pair.a.call(lambda: {name for _, name in socket.if_nameindex()}) == {"lo", "a0"}
    assert pair.b.call(lambda: {name for _, name in socket.if_nameindex()}) == {"lo", "b0"}


def test_sockets_stay_where_they_were_opened(pair: Pair) -> None:
    with (
        pair.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        pair.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("10.9.0.2", 9))
        receiver.settimeout(2)
        sender.sendto(b"hello", ("10.9.0.2", 9))
        assert receiver.recvfrom(100)[0] == b"hello"


def test_up_and_down(pair: Pair) -> None:
    assert pair.a.call(lambda: interfaces.is_up("a0"))
    pair.a.call(lambda: interfaces.set_down("a0"))
    assert not pair.a.call(lambda: interfaces.is_up("a0"))
    assert not pair.a.call(lambda: interfaces.is_up("none"))


def test_delete_takes_the_peer_along_and_may_be_repeated(pair: Pair) -> None:
    for _ in range(2):
        pair.a.call(lambda: interfaces.delete("a0"))
    assert pair.b.call(lambda: [name for _, name in socket.if_nameindex()]) == ["lo"]


def test_interfaces_have_no_ipv6_address(pair: Pair) -> None:
    table = Path("/proc/thread-self/net/if_inet6")
    assert pair.a.call(lambda: table.read_text() if table.exists() else "") == ""


def test_a_refusal_of_the_kernel_is_a_setup_error(pair: Pair) -> None:
    with pytest.raises(SetupError, match="the kernel refused a network setting"):
        pair.a.call(lambda: interfaces.set_default_route("a0", "192.168.99.1"))


def test_offloads_for_an_xdp_peer(pair: Pair) -> None:
    text = pair.a.call(
        lambda: subprocess.run(["ethtool", "-k", "a0"], capture_output=True, text=True, check=True).stdout
    )
    features = dict(line.strip().split(": ", 1) for line in text.splitlines()[1:] if ": " in line)
    for name in ("tx-checksum-ip-generic", "tcp-segmentation-offload", "tx-vlan-offload", "tx-vlan-stag-hw-insert"):
        assert features[name].startswith("off"), (name, features[name])
    assert features["generic-receive-offload"] == "on"


def test_an_interrupted_close_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number may be another's by then: of a host's terminal, whose shell would end."""
    namespace = Namespace.create()
    close = os.close

    def close_and_be_interrupted(fd: int) -> None:
        close(fd)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", close_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        namespace.close()
    monkeypatch.setattr(os, "close", close)
    number = os.open("/dev/null", os.O_RDONLY)  # takes the number again
    namespace.close()
    os.close(number)  # is still open
