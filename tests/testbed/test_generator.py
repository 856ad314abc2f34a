"""The generator sends what it is told, as often and as fast as it is told; the receiver counts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from datapath import SetupError, WaitTimeoutError
from testbed.bench.rig import Rig
from testbed.generator import Generator, blast
from testbed.measure import Receiver, describe_machine
from testbed.namespaces import Namespace

pytestmark = pytest.mark.kernel
FRAME = bytes.fromhex("020000000002020000000001") + b"\x88\xb5" + bytes(46)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    if os.geteuid() != 0:
        pytest.skip("needs root: makes namespaces and loads BPF programs")
    with Rig() as made:
        yield made


@pytest.fixture
def receiver(rig: Rig) -> Iterator[Receiver]:
    """Counts what arrives at the device's first port."""
    with Receiver(rig.device, "p1") as attached:
        yield attached


def test_sends_the_number_asked_for(rig: Rig, receiver: Receiver) -> None:
    sent = blast(rig.sender, "tx", [FRAME], n_packets=12_345)
    seen = receiver.wait_for(12_345)
    assert sent.n_packets == seen.n_packets == 12_345
    assert sent.n_bytes == seen.n_bytes == 12_345 * 60
    assert sent.n_refused == 0
    assert sent.pps > 100_000


def test_more_than_one_system_call(rig: Rig, receiver: Receiver) -> None:
    with Generator(rig.sender, "tx", [FRAME]) as generator:
        for n_packets in (20_000, 50_000):
            receiver.reset()
            generator.start(n_packets=n_packets)
            assert generator.wait().n_packets == n_packets
            assert receiver.wait_for(n_packets).n_packets == n_packets


def test_templates_of_all_lengths_take_turns(rig: Rig) -> None:
    sizes = [14, 15, 59, 60, 61, 64, 65, 127, 128, 255, 1514]
    templates = [FRAME[:14] + bytes(range(1, 256)) * 6 for _ in sizes]
    templates = [t[:size] for t, size in zip(templates, sizes, strict=True)]
    with Receiver(rig.device, "p1") as receiver:
        for template in templates:
            receiver.set_match(template[:256])
            receiver.reset()
            sent = blast(rig.sender, "tx", templates, n_packets=3 * len(templates))
            assert sent.n_bytes == 3 * sum(sizes)
            receiver.settle()
            # Shorter templates are a prefix of longer ones, so they match those too.
            assert receiver.count().n_packets == 3 * sum(size >= len(template) for size in sizes), len(template)


def test_every_frame_is_written_anew(rig: Rig) -> None:
    """What comes round again was edited on its way; here the receiver sees the templates unchanged each time."""
    templates = [FRAME[:14] + bytes([i]) * 46 for i in range(3)]
    for wanted in templates:
        with Receiver(rig.device, "p1", wanted) as receiver:
            blast(rig.sender, "tx", templates, n_packets=300)
            seen = receiver.settle()
            assert (seen.n_packets, seen.n_others) == (100, 200)


def test_pace(rig: Rig, receiver: Receiver) -> None:
    sent = blast(rig.sender, "tx", [FRAME], duration_s=0.3, rate_pps=50_000)
    assert 1000 < sent.n_packets <= 15_001  # a busy machine may make it slower, never faster
    assert receiver.wait_for(sent.n_packets).n_packets == sent.n_packets


def test_duration(rig: Rig, receiver: Receiver) -> None:
    start = time.monotonic()
    sent = blast(rig.sender, "tx", [FRAME], duration_s=0.2)
    assert time.monotonic() - start < 2
    assert 0.1 < sent.duration_s < 1
    assert receiver.wait_for(sent.n_packets).n_packets == sent.n_packets


def test_packet_number_is_written_where_asked(rig: Rig) -> None:
    wanted = FRAME[:20] + (77).to_bytes(4, "big")
    mask = bytes(20) + b"\xff" * 4
    with Receiver(rig.device, "p1", wanted, mask) as receiver:
        blast(rig.sender, "tx", [FRAME], n_packets=100, vary_offset=20)
        assert receiver.settle().n_packets == 1
        assert receiver.count().n_others == 99


def test_stop_ends_the_sending(rig: Rig, receiver: Receiver) -> None:
    with Generator(rig.sender, "tx", [FRAME]) as generator:
        generator.start(duration_s=60, rate_pps=1000)
        receiver.wait_for(10)
        start = time.monotonic()
        sent = generator.stop()
        assert time.monotonic() - start < 5
        assert sent.n_packets < 10_000


def test_receiver_lets_others_pass_and_detaches(rig: Rig) -> None:
    with Receiver(rig.device, "p1", FRAME[:14]) as receiver:
        blast(rig.sender, "tx", [b"\xff" * 6 + FRAME[6:]], n_packets=5)
        seen = receiver.settle()
        assert (seen.n_packets, seen.n_others) == (0, 5)
        with pytest.raises(SetupError, match="already has an XDP program"), Receiver(rig.device, "p1"):
            pass
    with Receiver(rig.device, "p1"):  # free again
        pass


def test_waiting_in_vain_says_how_many_came(rig: Rig, receiver: Receiver) -> None:
    blast(rig.sender, "tx", [FRAME], n_packets=3)
    with pytest.raises(WaitTimeoutError, match="3 of 4 packets"):
        receiver.wait_for(4, timeout_s=0.1)


def test_faults_of_the_caller(rig: Rig) -> None:
    with pytest.raises(ValueError, match="give 1 to 1024"):
        blast(rig.sender, "tx", [], n_packets=1)
    with pytest.raises(ValueError, match="template 0 has 13 bytes"):
        blast(rig.sender, "tx", [FRAME[:13]], n_packets=1)
    with pytest.raises(ValueError, match="either n_packets or duration_s"):
        blast(rig.sender, "tx", [FRAME])
    with pytest.raises(ValueError, match="vary_offset 57"):
        blast(rig.sender, "tx", [FRAME], n_packets=1, vary_offset=57)
    with pytest.raises(ValueError, match="the mask has 1 bytes"):
        Receiver(rig.device, "p1", b"ab", b"a")
    with pytest.raises(SetupError, match="no interface nope"):
        blast(rig.sender, "nope", [FRAME], n_packets=1)
    with pytest.raises(SetupError, match="process 999999999"):
        blast(999999999, "tx", [FRAME], n_packets=1)


def test_a_peer_that_takes_nothing_is_named() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with Rig() as rig:
        rig.run("ethtool", "-K", "p1", "gro", "off")
        with pytest.raises(SetupError, match="the peer runs no NAPI"):
            blast(rig.sender, "tx", [FRAME], n_packets=10)


def test_nothing_is_left_when_the_process_is_killed(rig: Rig) -> None:
    """The sending and the attachment end with the process, whatever it was doing."""
    code = (
        "import os, sys\n"
        "from testbed.generator import Generator\n"
        "from testbed.measure import Receiver\n"
        "from testbed.namespaces import Namespace\n"
        "sender, device = (Namespace(int(fd), 'inherited') for fd in sys.argv[1:])\n"
        "with Receiver(device, 'p1') as r, Generator(sender, 'tx', [bytes(60)]) as g:\n"
        "    g.start(duration_s=600)\n"
        "    r.wait_for(1000)\n"
        "    print('sending', flush=True)\n"
        "    g.wait()\n"
    )
    descriptors = (rig.sender.fd, rig.device.fd)
    command = [sys.executable, "-c", code, *map(str, descriptors)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=descriptors) as process:
        assert process.stdout
        assert process.stdout.readline() == b"sending\n"
        process.send_signal(signal.SIGKILL)
    with Receiver(rig.device, "p1") as receiver:  # the program is off the interface
        receiver.settle()
        receiver.reset()
        assert receiver.settle(quiet_s=0.1).n_packets == 0  # and nothing is sent any more


def test_the_process_stays_in_its_namespace(rig: Rig) -> None:
    before = os.stat("/proc/self/ns/net").st_ino
    with Receiver(rig.device, "p1"):
        blast(rig.sender, "tx", [FRAME], n_packets=10)
    assert os.stat("/proc/self/ns/net").st_ino == os.stat("/proc/thread-self/ns/net").st_ino == before
    assert isinstance(rig.sender, Namespace)


def test_machine_is_described() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: compiles a BPF program")
    machine = describe_machine()
    assert machine["kernel"] == os.uname().release
    assert "bcc" in machine["bpf_compiler"]
    assert int(machine["cpus"]) == os.cpu_count()
