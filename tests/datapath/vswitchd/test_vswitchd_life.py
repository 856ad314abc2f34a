"""The daemon's life: start, isolation, stop, and an end with its parent; requests that are wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fabric_wires import Wires, inside, wait_until

from datapath.client import SOCKET_PREFIX, Client, running_networks
from datapath.errors import LoadError, P4Error, P4Errors, SwitchError
from datapath.vswitchd.launch import Vswitchd, start_vswitchd

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).parents[3]


def is_gone(pid: int) -> bool:
    """Return whether a process has ended (a zombie of somebody else's counts as ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def raw_request(switch: Vswitchd, line: bytes) -> dict[str, object]:
    """Send one line as it is, and return the reply."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(f"\0{SOCKET_PREFIX}{switch.name}")
        connection.sendall(line + b"\n")
        reply: dict[str, object] = json.loads(connection.makefile("rb").readline())
        return reply


def test_it_has_a_namespace_of_its_own(switch: Vswitchd) -> None:
    assert os.stat(f"/proc/{switch.pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
    assert inside(switch.pid, socket.if_nameindex) == [(1, "lo")]
    assert switch.client.show() == {"name": switch.name, "pid": switch.pid, "bridges": {}}
    assert switch.name in running_networks()


def test_two_of_one_name_run_side_by_side(switch: Vswitchd) -> None:
    with start_vswitchd(switch.name) as second:
        assert second.name == f"{switch.name}.{second.pid}"
        assert second.client.show()["pid"] == second.pid
        assert switch.client.show()["pid"] == switch.pid
        with Client(switch.name) as client:
            assert client.show()["pid"] == switch.pid


def test_stop_takes_less_than_a_second_and_leaves_nothing(switch: Vswitchd, bridge: str) -> None:
    with start_vswitchd("short") as short:
        Wires(short, 1).close()
        short.client.add_bridge("br1", "l2l3", "afxdp")
        short.client.add_port("br1", "s1", 1)
        started = time.monotonic()
        short.stop()
        assert time.monotonic() - started < 1.0
        assert is_gone(short.pid)
        assert "short" not in running_networks()
        short.stop()  # again is no error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(number: signal.Signals) -> None:
    with start_vswitchd("signalled") as daemon:
        os.kill(daemon.pid, number)
        wait_until(lambda: not daemon.is_alive, "its end")


@pytest.mark.parametrize("thread", [False, True])
def test_it_dies_with_its_parent(thread: bool, tmp_path: Path) -> None:
    """Killed without a chance to clean up; started from the main thread or from another one."""
    program = f"""
import threading, time
from datapath.vswitchd.launch import start_vswitchd
def start():
    global switch
    switch = start_vswitchd("orphan")
    print(switch.pid, flush=True)
thread = threading.Thread(target=start)
thread.start() if {thread} else start()
{thread} and thread.join()
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        namespace = os.stat(f"/proc/{pid}/ns/net").st_ino
        time.sleep(0.05)  # the starting thread is over; the daemon must not be
        assert not is_gone(pid)
        parent.kill()
        wait_until(lambda: is_gone(pid), "the daemon's end")
        wait_until(lambda: "orphan" not in running_networks(), "its socket to vanish")
        assert namespace not in [os.stat(p).st_ino for p in Path("/proc").glob("[0-9]*/ns/net") if p.exists()]
    finally:
        parent.kill()
        parent.wait()
        parent.stdout and parent.stdout.close()


def test_it_does_not_outlive_its_parent_for_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that takes its time holds nothing up, ends too, and leaves no file in the cache."""
    compiler = tmp_path / "slow-cc"
    compiler.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec sleep 60\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("OVSP4_CACHE_DIR", str(tmp_path / "cache"))
    pids = tmp_path / "pids"
    with start_vswitchd("compiling") as daemon:
        asking = threading.Thread(target=_ask_for_a_bridge, args=(daemon,))
        asking.start()
        wait_until(pids.exists, "the compiler")
        started = time.monotonic()
        daemon.stop()
        assert time.monotonic() - started < 4  # not until the compiler is done, nor until the daemon has to be killed
        asking.join(10)
    wait_until(lambda: all(is_gone(int(pid)) for pid in pids.read_text().split()), "the compiler's end")
    assert not list((tmp_path / "cache").rglob(".scratch.*"))


def _ask_for_a_bridge(daemon: Vswitchd) -> None:
    with contextlib.suppress(SwitchError, LoadError), Client(daemon.name) as client:  # it or its compiler goes away
        client.add_bridge("br1", "l2l3", "afxdp")


@pytest.mark.parametrize("name", ["a/b", "", "two words", "ü", "x" * 81])
def test_a_bad_name_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(SwitchError, match=f"bad network name {name!r}: 1 to 80"):
        start_vswitchd(name)


def test_no_network_no_client() -> None:
    with pytest.raises(SwitchError, match="no network 'nowhere' is running"):
        Client("nowhere").show()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "one JSON object a line"),
        (b'{"id":1,"method":"fly"}', "no method 'fly': show, add_bridge"),
        (b'{"id":1,"method":"add_port","params":{"bridge":"b"}}', "missing a required argument: 'interface'"),
        (b'{"id":1,"method":"show","params":{"x":1}}', "unexpected keyword argument 'x'"),
        (b'{"id":1,"method":"add_flows","params":{"bridge":"b","texts":"x"}}', "texts must be a list of texts"),
        (b'{"id":1,"method":"stats","params":{"bridge":"b"}}', "no bridge 'b'"),
    ],
)
def test_bad_requests_are_answered(switch: Vswitchd, line: bytes, message: str) -> None:
    reply = raw_request(switch, line)
    error = reply["error"]
    assert isinstance(error, dict)
    assert message in error["message"]
    assert switch.client.show()["bridges"] == {}


def test_a_client_that_goes_away_midway_harms_nobody(switch: Vswitchd) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(f"\0{SOCKET_PREFIX}{switch.name}")
        connection.sendall(b'{"id":1,"method":"sh')
    assert switch.client.show()["bridges"] == {}


def test_wrong_bridges_and_ports_leave_the_switch_as_it_was(
    switch: Vswitchd, wires: Wires, tmp_path: Path, bridge: str
) -> None:
    client = switch.client
    before = client.show()
    broken = tmp_path / "broken.p4"
    broken.write_text("header h_t { bit<8> ; }\nparser P(packet_in p) { state start { x = ; } }\n")
    with pytest.raises((P4Errors, P4Error), match=r"broken\.p4:1:\d+: error"):
        client.add_bridge("br2", broken)
    with pytest.raises(SwitchError, match=r"no P4 program nothing\.p4.*l2l3"):
        client.add_bridge("br2", "nothing.p4")
    with pytest.raises(SwitchError, match="'dpdk' is none of auto, xdp, afxdp"):
        client.add_bridge("br2", "l2l3", "dpdk")
    with pytest.raises(SwitchError, match="bridge 'br1' is there already"):
        client.add_bridge("br1", "l2l3")
    with pytest.raises(SwitchError, match="s1 is port 1 of bridge br1 already"):
        client.add_port("br1", "s1", 9)
    with pytest.raises(SwitchError, match="port 1 of br1 is s1 already"):
        client.add_port("br1", "h1", 1)
    with pytest.raises(SwitchError, match="no interface eth77"):
        client.add_port("br1", "eth77", 9)
    with pytest.raises(SwitchError, match="a port number is 1 to 1023"):
        client.add_port("br1", "h1", 5000)
    with pytest.raises(SwitchError, match=r"s9 is no port of br1 \(ports: s1, s2, s3\)"):
        client.del_port("br1", "s9")
    with pytest.raises(SwitchError, match=r"no bridge 'br7' in network .* \(bridges: br1\)"):
        client.del_bridge("br7")
    assert client.show() == before
