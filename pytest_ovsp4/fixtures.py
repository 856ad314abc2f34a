"""The fixtures that tests use; their docstrings are what ``pytest --fixtures`` shows the user.

Networks come from ``pool.py``; what a packet should look like and how a failure is told is ``expectation.py``.  What
needs the testbed is imported where it is used: pytest starts as fast as without this plugin.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ovsp4 import keys
from pytest_ovsp4.journal import Journal
from pytest_ovsp4.summary import ABOUT

if TYPE_CHECKING:
    from pytest_ovsp4.expectation import Absence, Expectation
    from pytest_ovsp4.flows import TemporaryFlows
    from pytest_ovsp4.pool import NetworkKey
    from pytest_ovsp4.throughput import Throughput
    from testbed.capture import Capture
    from testbed.network import Network
    from testbed.nodes import OvsP4Host, OvsP4Switch
    from testbed.traffic import PacketLike
    from topologies import Topology


@pytest.fixture(scope="session")
def network_key(request: pytest.FixtureRequest) -> NetworkKey | None:
    """Which network the test runs on: topology and datapath (None: the command line names none)."""
    key: NetworkKey | None = request.param
    return key


@pytest.fixture
def network(request: pytest.FixtureRequest, network_key: NetworkKey | None) -> Iterator[Network]:
    """The running network (``testbed.network.Network``): hosts, switches, client, links to take down."""
    if network_key is None:
        pytest.skip("needs a network: give --topology=NAME, for example --topology=leaf-spine")
    pool = request.config.stash[keys.POOL]
    running = pool.get(network_key)
    request.node.user_properties.append((ABOUT, f"{network_key}: {pool.describe()}"))
    yield running
    if not running.is_running:
        log = pool.log_tail()
        pool.stop()
        pytest.fail(f"vswitchd of {network_key} died during this test; the end of its log:\n{log}", pytrace=False)


@pytest.fixture
def topology(network: Network) -> Topology:
    """The network as it was described: switches, hosts, links (``topologies.Topology``)."""
    return network.topology


@pytest.fixture
def hosts(network: Network) -> Mapping[str, OvsP4Host]:
    """The hosts by name; each has ``ip``, ``mac``, ``send()``, ``capture()``, ``cmd()``, ``socket()``."""
    return network.hosts


@pytest.fixture
def switches(network: Network) -> Mapping[str, OvsP4Switch]:
    """The switches by name; ``switch.engine`` says what forwards: "xdp" or "afxdp"."""
    return network.switches


@pytest.fixture
def journal(request: pytest.FixtureRequest, network: Network, network_key: NetworkKey) -> Iterator[Journal]:
    """What this test did; for the summary and for failure messages."""
    done = Journal(request, network, network_key)
    yield done
    if request.config.stash[keys.OPTIONS].p4_cov:
        from pytest_ovsp4 import parser_coverage

        request.node.user_properties.append(parser_coverage.count_packets(done, network.topology))


@pytest.fixture
def inject(network: Network, journal: Journal) -> Callable[[str, Any], int]:
    """Send packets from a host, byte for byte: ``inject("h1", Ether()/IP()/UDP())``; returns how many were sent."""

    from testbed.traffic import as_list

    def send(host: str, packets: PacketLike | list[PacketLike]) -> int:
        frames = [bytes(packet) for packet in as_list(packets)]
        journal.injected += [(host, frame) for frame in frames]
        journal.count("injected", len(frames))
        return _host(network, host).send(frames)

    return send


@pytest.fixture
def capture(network: Network, journal: Journal) -> Callable[[str], Capture]:
    """Capture what arrives at a host: ``with capture("h2") as got: ...``; then look at ``got.frames``."""

    def make(host: str) -> Capture:
        made = _host(network, host).capture()
        journal.captures.append((host, made))
        return made

    return make


@pytest.fixture
def expect(network: Network, journal: Journal) -> Callable[..., Expectation]:
    """Expect a packet at a host: ``with expect("h2", packet, ignore=["IP.id"]): inject("h1", other)``.

    The block fails unless a packet like ``packet`` arrives within ``timeout_s``; only the fields that ``ignore`` names
    ("IP.id", or "IP" for all of a layer) may differ, or the bits where ``mask`` has zeros.  Bytes behind the packet
    that pad it to 60 are passed over.
    ``count`` asks for so many.  The failure shows the nearest packet field by field and follows what was injected hop
    by hop; captures are saved.
    """

    from pytest_ovsp4.expectation import Expectation

    def expected(
        host: str,
        packet: PacketLike,
        *,
        ignore: Iterable[str] = (),
        mask: bytes = b"",
        count: int = 1,
        timeout_s: float = 2.0,
    ) -> Expectation:
        journal.count("expected", count)
        return Expectation(journal, _host(network, host), packet, tuple(ignore), mask, count, timeout_s)

    return expected


@pytest.fixture
def expect_none(network: Network, journal: Journal) -> Callable[..., Absence]:
    """Expect that nothing arrives at a host: ``with expect_none("h2", drop="TTL"): inject("h1", packet)``.

    ``drop`` names the reason (``ovsp4 stats`` lists them) under which the network must have counted every packet that
    the block injects; that is what ends the wait, so naming it makes the test both faster and stronger.  Without it the
    block waits until the injected packets are accounted for: nothing moves in the network's counters for ``quiet_s``.
    """

    from datapath import drop_reasons
    from pytest_ovsp4.expectation import Absence

    def expected(host: str, *, drop: str = "", quiet_s: float = 0.3, timeout_s: float = 2.0) -> Absence:
        known = [reason.name for reason in drop_reasons()]
        if drop and drop not in known:
            pytest.fail(f"expect_none: there is no drop reason {drop!r}: {', '.join(known)}", pytrace=False)
        journal.count("expected")
        return Absence(journal, _host(network, host), drop, quiet_s, timeout_s)

    return expected


@pytest.fixture
def temporary_flows(network: Network) -> Iterator[TemporaryFlows]:
    """The tables as they were before this test's first change; behind ``add_flows`` and ``add_groups``."""
    from pytest_ovsp4.flows import TemporaryFlows

    temporary = TemporaryFlows(network.client)
    try:
        yield temporary
    finally:
        temporary.restore()


@pytest.fixture
def add_flows(temporary_flows: TemporaryFlows) -> Callable[..., None]:
    """Add flows for the time of the test: ``add_flows("s1", "priority=100,ipv4.ttl=1,actions=drop", ...)``.

    What was in the switch's tables before is there again after the test.
    """
    return temporary_flows.add_flows


@pytest.fixture
def add_groups(temporary_flows: TemporaryFlows) -> Callable[..., None]:
    """Add groups for the time of the test: ``add_groups("s1", "group_id=9,type=select,bucket=actions=1")``."""
    return temporary_flows.add_groups


@pytest.fixture
def packet_checksums(journal: Journal, topology: Topology) -> Callable[[Any], None]:
    """Check every checksum of a captured packet against a full computation: ``packet_checksums(frame)``.

    Those of IP, TCP, UDP and ICMP, and those that the switches' program declares over headers of its own.
    """

    from pytest_ovsp4.parser_paths import compiled, source_of
    from testbed.checksums import assert_checksums
    from testbed.declared_checksums import check_declared

    program = compiled(source_of(topology))

    def check(packet: Any) -> None:
        __tracebackhide__ = True
        journal.count("checksums")
        assert_checksums(packet, check_declared(program, bytes(packet)))

    return check


@pytest.fixture
def throughput(network: Network, journal: Journal) -> Callable[..., Throughput]:
    """Send at line rate and count at the receiver: ``throughput("h1", "h8", packet, n_packets=100_000)``.

    Sends live frames through the kernel (``packet`` may be a list of up to 1,024 that take turns) and returns a
    ``Throughput`` with ``sent``, ``received``, ``loss`` (0 to 1) and ``pps`` at the receiver; ``rate_pps`` paces.
    ``window`` keeps at most so many packets on their way: up to 256, no queue can overflow, however busy the machine
    is, so that what is lost then is the switches' fault.
    """

    from pytest_ovsp4.throughput import measure_throughput
    from testbed.traffic import as_list

    def measure(
        sender: str,
        receiver: str,
        packet: Any,
        n_packets: int,
        rate_pps: float | None = None,
        window: int | None = None,
    ) -> Throughput:
        frames = [bytes(single) for single in as_list(packet)]
        journal.generated += [(sender, frame) for frame in frames]
        ends = _host(network, sender), _host(network, receiver)
        result = measure_throughput(*ends, frames, n_packets, rate_pps, window)
        journal.count("measured")
        journal.measured(f"{sender} -> {receiver}: {result}")
        return result

    return measure


@pytest.fixture
def traffic_seed(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers for generated traffic: the same for the same test and ``--topology-seed``."""
    return random.Random(f"{request.config.stash[keys.OPTIONS].seed}:{request.node.name}")


def _host(network: Network, name: str) -> OvsP4Host:
    hosts = network.hosts
    if name not in hosts:
        pytest.fail(f"no host {name!r} in {network.topology.name}: {', '.join(hosts)}", pytrace=False)
    return hosts[name]
