"""The doctor tries, tells and leaves nothing; a failing probe is an answer, not a crash."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from datapath import NotSupportedError, SetupError
from testbed import doctor, doctor_kernel
from testbed.capability import Probe

NAMES = {
    "root",
    "kernel",
    "xdp-veth",
    "af-xdp",
    "jumbo-frames",
    "live-frames",
    "devmap-broadcast",
    "bpf-jit",
    "netem",
    "htb",
    "tbf",
}
NAMES |= {"headers", "bcc", "cc", "libxdp", "libbpf", "mininet", "pyroute2", "scapy", "pytest", "open-vswitch"}


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="no capability flux; there are: root, "):
        doctor.probe("flux")


def test_software_is_found_with_its_version() -> None:
    (found,) = doctor.probe("pytest")
    assert found.ok
    assert found.detail == pytest.__version__
    assert found.remedy == ""


@pytest.mark.parametrize(
    ("error", "detail", "remedy"),
    [
        (NotSupportedError("no flux", "buy one"), "no flux", "buy one"),
        (SetupError("it broke\nsomewhere"), "it broke", "the probe's own"),
        (PermissionError(1, "not permitted"), "[Errno 1] not permitted", "the probe's own"),
    ],
)
def test_failure_is_an_answer(monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str, remedy: str) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(doctor_kernel, "PROBES", (Probe("flux", fail, "the probe's own", "time travel"),))
    (found,) = doctor.probe("flux")
    assert (found.ok, found.detail, found.remedy, found.needed_for) == (False, detail, remedy, "time travel")


def test_exit_status_tells_whether_anything_vital_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        raise NotSupportedError("no flux", "buy one")

    monkeypatch.setattr(doctor.doctor_software, "PROBES", ())
    for needed_for, status in (("time travel", 0), ("everything", 1)):
        monkeypatch.setattr(doctor_kernel, "PROBES", (Probe("flux", fail, needed_for=needed_for),))
        assert doctor.print_report(as_json=False) == status
        text = capsys.readouterr().out
        assert f"needed for {needed_for}; remedy: buy one" in text


def test_without_root(tmp_path: Path) -> None:
    """Where root is missing, the doctor still answers for everything."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in Path(sys.executable).parents):
        pytest.skip("the clone stands in a directory that is closed to others")
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents:  # pytest's own directories are closed to others
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "testbed.cli", "doctor", "--json"],
        user=65534,
        env={**os.environ, "OVSP4_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {c["name"]: c for c in json.loads(done.stdout)["capabilities"]}
    assert done.returncode == 1, done.stderr
    assert set(found) >= NAMES
    assert not found["xdp-veth"]["ok"]
    assert found["xdp-veth"]["remedy"] == "run as root"


@pytest.mark.kernel
def test_what_can_be_tried_is_tried() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: makes namespaces and loads BPF programs")
    interfaces = os.listdir("/sys/class/net")
    found = {c.name: c for c in doctor.probe()}
    assert set(found) >= NAMES
    for name in ("root", "xdp-veth", "af-xdp", "live-frames", "devmap-broadcast", "headers", "bcc", "cc"):
        assert found[name].ok, found[name]
    assert all(c.ok or c.remedy for c in found.values())
    assert os.listdir("/sys/class/net") == interfaces
